"""Copies and originals put where they belong, once a run has read what there is."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from ingestion.contents import Contents
from ingestion.duplicates import Duplicates, Move, Original
from ingestion.records import Records
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import Change, Document, DocumentState, ItemState, RunItem

log = structlog.get_logger(__name__)


class Settling:
    """Carries out what :meth:`Duplicates.plan` finds. Safe to repeat."""

    def __init__(self, records: Records, contents: Contents, duplicates: Duplicates) -> None:
        self._records = records
        self._contents = contents
        self._duplicates = duplicates
        self._stopping = False
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def settle(self, knowledge_base_id: UUID, run_id: UUID | None = None) -> int:
        """Settle a knowledge base; how many documents were moved.

        Items of the run tell how its documents ended in the end.
        """
        async with self._locks.setdefault(knowledge_base_id, asyncio.Lock()):
            moves = await self._duplicates.plan(knowledge_base_id)
            for move in moves:
                if self._stopping and run_id is None:
                    break
                async with self._contents.changing(move.id):
                    await self._move(move, run_id)
        return len(moves)

    def stop(self) -> None:
        """End :meth:`settle_all` after the document that it moves; the next start goes on."""
        self._stopping = True

    async def settle_all(self) -> None:
        """Settle every knowledge base in which a copy has lost its original outside of a run."""
        for knowledge_base_id in await self._duplicates.to_settle():
            await self.settle(knowledge_base_id)

    async def _move(self, move: Move, run_id: UUID | None) -> None:
        document = await self._records.copy(move.id)
        # Without a hash its content is being changed: the run that does it settles it as well.
        if document is None or document.version != move.version or not document.content_hash:
            return
        item = await self._records.item_of(run_id, document.id) if run_id else None
        if move.of is None:
            await self._promote(document, item)
        elif document.state == DocumentState.DUPLICATE:
            await self._records.update_document(document.id, duplicate_of=move.of.id)
        else:
            await self._set_aside(document, move.of, item)

    async def _set_aside(
        self, document: Document, original: Original, item: RunItem | None
    ) -> None:
        outcome = original.outcome
        if item is not None and item.change != Change.ADDED:
            outcome = outcome.with_change(Change.REMOVED)
        values: dict[str, Any] = {
            "state": DocumentState.DUPLICATE,
            "duplicate_of": original.id,
            "missing_since": None,
        }
        item_id = item.id if item else None
        await self._contents.withdraw(item_id, document, outcome, values, None)
        log.info("document.set_aside", document=str(document.id), of=str(original.id))

    async def _promote(self, document: Document, item: RunItem | None) -> None:
        if not document.text:
            # Set aside by a version that kept no text of copies: it is read again.
            values = {"state": DocumentState.QUEUED, "content_hash": "", "duplicate_of": None}
            await self._records.update_document(document.id, **values)
            return
        values = {"state": DocumentState.INDEXED, "duplicate_of": None}
        outcome = Outcome(ItemState.INDEXED, change=Change.ADDED)
        await self._contents.reindex(item.id if item else None, document, values, outcome)
        log.info("document.promoted", document=str(document.id), address=document.address)
