"""What a document holds, put into the index and the records together, and taken out again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from ingestion.chunk import Chunker
from ingestion.indexing import Indexer, chunk_rows, passages_of
from ingestion.near_duplicates import Wording
from ingestion.parse.reading import marks_from_json
from ingestion.records import Records
from knowledge.errors import NotFound
from knowledge.index.search_index import MAX_UPSERT
from knowledge.store.queries.contents import ContentChange
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import Document, ItemState, utc_now
from knowledge.types import ParsedDocument


class Contents:
    """Replaces and removes the contents of documents, each whole and safe to repeat."""

    def __init__(self, records: Records, chunker: Chunker, indexer: Indexer) -> None:
        self._records = records
        self._chunker = chunker
        self._indexer = indexer
        # A thread of its own: a text of millions of characters must not hold up the encoding.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chunk")
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def changing(self, document_id: UUID) -> asyncio.Lock:
        """The lock that whoever changes a document's content holds: points and records go apart
        where two do it at once.
        """
        return self._locks.setdefault(document_id, asyncio.Lock())

    async def bands(self, wording: Wording) -> list[int]:
        """What a document may share with copies of it: see :meth:`Wording.bands`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, wording.bands)

    async def replace(
        self,
        item_id: UUID | None,
        document: Document,
        parsed: ParsedDocument,
        stored: dict[str, UUID],
        values: dict[str, Any],
        outcome: Outcome,
        bands: list[int],
        is_new: bool = False,
    ) -> None:
        """Cut into chunks, encode those that are new, and put them in the place of the old.

        ``stored``: ids of the chunks it had, by passage hash. ``values`` are recorded with the
        document, ``outcome`` with the item of the run, where there is one. ``is_new``: whether the
        document is to be added with it. The caller holds :meth:`changing`.
        """
        chunks = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._chunker.chunks, parsed
        )
        # An edit that is made after this is newer than ``indexed_at``, and so found by its own run.
        begun = utc_now()
        edits = {} if is_new else await self._records.edits(document.id)
        passages = passages_of(parsed, chunks, document, edits, self._indexer.context)

        async def report(encoded: int) -> None:
            if item_id is not None:
                await self._records.progress(item_id, ItemState.CHUNKED, chunks_encoded=encoded)

        if item_id is not None and len(passages) > MAX_UPSERT:
            await self._records.progress(item_id, ItemState.CHUNKED, chunks=len(passages))
        terms = await self._indexer.replace(document, parsed, passages, stored, report)
        values = values | {"chunk_count": len(passages), "indexed_at": begun}
        rows = chunk_rows(passages, document)
        try:
            change = ContentChange(document, is_new, rows, terms, values, bands)
            await self._records.store_document(change, item_id, outcome)
        except NotFound:
            # Removed by an editor meanwhile, before these points were written.
            await self._indexer.remove(document.id)
            raise

    async def reindex(
        self, item_id: UUID | None, document: Document, values: dict[str, Any], outcome: Outcome
    ) -> None:
        """Chunk, encode and index a document with its stored text again."""
        parsed = ParsedDocument(
            title=document.title,
            text=document.text,
            media_type=document.media_type,
            marks=marks_from_json(document.marks),
            language=document.language,
            modified_at=document.modified_at,
        )
        bands = await self.bands(Wording(document.title, document.text))
        await self.replace(item_id, document, parsed, {}, values, outcome, bands)

    async def remove(self, run_id: UUID, document: Document) -> None:
        """Take a document that is gone out of the index and the records."""
        async with self.changing(document.id):
            await self._indexer.remove(document.id)
            await self._records.delete_document(run_id, document)

    async def empty(
        self, item_id: UUID | None, document: Document, outcome: Outcome, **values: Any
    ) -> None:
        """Take a document's passages away; ``values`` are recorded with it."""
        async with self.changing(document.id):
            await self.withdraw(item_id, document, outcome, values, [])

    async def withdraw(
        self,
        item_id: UUID | None,
        document: Document,
        outcome: Outcome,
        values: dict[str, Any],
        bands: list[int] | None,
        is_new: bool = False,
    ) -> None:
        """As :meth:`empty`, by a caller who holds :meth:`changing`.

        ``bands``: what it shares with copies of it; ``None`` where that stays.
        """
        await self._indexer.remove(document.id)
        values = values | {"chunk_count": 0}
        change = ContentChange(document, is_new, [], b"", values, bands)
        await self._records.store_document(change, item_id, outcome)

    def close(self) -> None:
        """Let go of the chunking thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)
