"""Lists in pages: by keyset, so that a page costs the same wherever it lies.

Every list is ordered by the time a record was made, then by id. A cursor names the last record of
a page; records that are added or removed meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, literal, tuple_

from knowledge.errors import InvalidInput
from knowledge.store.database import ReadSession
from knowledge.store.tables.base import Identified

Record = TypeVar("Record", bound=Identified)
Item = TypeVar("Item")
Other = TypeVar("Other")

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: at most ``limit`` records after ``cursor``."""

    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page. ``next_cursor`` is ``None`` on the last."""

    items: list[Item]
    next_cursor: str | None

    def map(self, change: Callable[[Item], Other]) -> Page[Other]:
        """The same page of other items."""
        return Page([change(item) for item in self.items], self.next_cursor)


async def read_page(
    session: ReadSession,
    query: Select[Record],
    table: type[Record],
    request: PageRequest,
    newest_first: bool = False,
) -> Page[Record]:
    """Read one page of a query over ``table``. Raises :class:`InvalidInput` for a bad cursor."""
    key = tuple_(table.created_at, table.id)
    if request.cursor:
        created_at, record_id = _decode(request.cursor)
        last = tuple_(literal(created_at, table.created_at.type), literal(record_id, table.id.type))
        query = query.where(key < last if newest_first else key > last)
    order = (
        (table.created_at.desc(), table.id.desc()) if newest_first else (table.created_at, table.id)
    )
    limit = max(1, min(request.limit, MAX_LIMIT))
    rows = list(await session.scalars(query.order_by(*order).limit(limit + 1)))
    items = rows[:limit]
    return Page(items, _encode(items[-1]) if len(rows) > limit else None)


def _encode(record: Identified) -> str:
    text = f"{record.created_at.isoformat()} {record.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, record_id = text.split(" ")
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None:
            raise ValueError("a cursor's time is aware")
        return moment, UUID(record_id)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            "The cursor is not one that a list gave.", "Leave it out to start at the first page."
        ) from error
