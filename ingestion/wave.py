"""The next items of a run: known pages are asked for first, and end there where nothing changed.

A job engine makes a durable step of every document that is read. A page that is as it was is not
worth one: many of them are confirmed in the step that looks for more to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from ingestion.records import Records
from ingestion.sources.source import Content, SourceReader
from ingestion.unchanged import OURS, Received, Unchanged, may_be_as_it_was
from knowledge.store.tables import Document, Run, RunItem

log = structlog.get_logger(__name__)

Ahead = tuple[RunItem, Document | None]
_KNOWN_AT_ONCE = 64
_KEPT_BYTES = 500_000


@dataclass(slots=True)
class Upcoming:
    """What a process has of items that come next.

    ``ahead``: their records, read together. ``received``: what was sent of those that changed.
    """

    ahead: dict[UUID, Ahead] = field(default_factory=dict)
    received: dict[UUID, Received] = field(default_factory=dict)


class Waves:
    """Looks for what a run has still to read."""

    def __init__(self, records: Records, unchanged: Unchanged) -> None:
        self._records = records
        self._unchanged = unchanged

    async def next(
        self, run: Run, limit: int, begun: Sequence[UUID], upcoming: Upcoming
    ) -> list[UUID]:
        """The next items of a run that reads no source."""
        found = await self._records.next_items(run.id, run.source_id, limit, begun)
        upcoming.ahead |= {item.id: (item, document) for item, document in found}
        return [item.id for item, _ in found]

    async def look(
        self,
        run: Run,
        source: SourceReader,
        limit: int,
        begun: Sequence[UUID],
        slots: asyncio.Semaphore,
        upcoming: Upcoming,
    ) -> tuple[list[UUID], bool]:
        """The next items that have to be read, ``limit`` new ones at most; and whether any were
        found at all.
        """
        found = await self._records.next_items(run.id, run.source_id, _KNOWN_AT_ONCE, begun)
        wave = _until(found, limit)

        async def left(item: RunItem, document: Document | None) -> bool:
            if document is None or not may_be_as_it_was(document):
                return True
            async with slots:
                try:
                    received = await self._unchanged.confirm(source, item, document)
                except OURS:
                    raise
                except Exception:
                    # The edge of a job, as for every item: its own step says what is wrong with it.
                    log.exception("item.not_confirmed", item=str(item.id))
                    return True
            if received is None:
                return False
            # What is large is rather sent again than kept by the dozen.
            if not isinstance(received, Content) or len(received.file.data) <= _KEPT_BYTES:
                upcoming.received[item.id] = received
            return True

        is_left = await asyncio.gather(*(left(*pair) for pair in wave))
        rest = [pair for pair, stays in zip(wave, is_left, strict=True) if stays]
        upcoming.ahead |= {item.id: (item, document) for item, document in rest}
        return [item.id for item, _ in rest], bool(wave)


def _until(found: Sequence[Ahead], limit: int) -> Sequence[Ahead]:
    """The items up to the one that is the last of so many new ones."""
    new = 0
    for place, (_, document) in enumerate(found):
        new += not may_be_as_it_was(document)
        if new == limit:
            return found[: place + 1]
    return found
