"""Inserts: those that the two databases spell differently, and those of many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite

from knowledge.store.database import WriteSession
from knowledge.store.tables import Base


def insert_for(session: WriteSession, table: type) -> Any:
    """An INSERT into ``table`` that knows ``on_conflict_do_nothing`` and ``_do_update``."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return (postgresql.insert if is_postgres else sqlite.insert)(table)


async def insert_rows(
    session: WriteSession, table: type[Base], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows that name every column, past the mapper, which takes as long as the insert."""
    if rows:
        await session.execute(insert(table.__table__), rows)  # type: ignore[arg-type]
