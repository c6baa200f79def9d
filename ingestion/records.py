"""The database as ingestion uses it: what belongs together is written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ingestion.sources.website import FoundPage
from knowledge.errors import CandorError
from knowledge.store.database import Database
from knowledge.store.queries import claims, contents, duplicates, passage_edits, run_items
from knowledge.store.queries.documents import remove_document
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import (
    Chunk,
    Document,
    DocumentState,
    ItemState,
    PassageEdit,
    Run,
    RunItem,
    RunState,
    Source,
)


class Records:
    """Runs, their items, documents and chunks. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run_id: UUID) -> tuple[Run, Source | None]:
        """A run and its source. Raises :class:`NotFound`."""
        async with self._database.reading() as session:
            return await claims.run_and_source(session, run_id)

    async def end_run(self, run_id: UUID, state: RunState, error: CandorError | None) -> None:
        """Record how a run ended, and when its source was last read."""
        async with self._database.writing() as session:
            await claims.end_run(session, run_id, state, error)

    async def add_items(self, run_id: UUID, pages: Sequence[FoundPage]) -> None:
        """Add pages to a run; one that it has already stays as it is."""
        async with self._database.writing() as session:
            found = [(page.address, page.depth) for page in pages]
            await run_items.add_items(session, run_id, found)

    async def item_addresses(self, run_id: UUID) -> set[str]:
        """The addresses of all items of a run."""
        async with self._database.reading() as session:
            return await run_items.item_addresses(session, run_id)

    async def next_items(self, run_id: UUID, limit: int) -> list[UUID]:
        """Items that are not at their end, those nearest to the start first."""
        async with self._database.reading() as session:
            return await run_items.next_items(session, run_id, limit)

    async def item(self, item_id: UUID, source_id: UUID | None) -> tuple[RunItem, Document | None]:
        """An item and the document at its address, where there is one already."""
        async with self._database.reading() as session:
            return await run_items.item_with_document(session, item_id, source_id)

    async def item_state(self, run_id: UUID, address: str) -> tuple[str, str] | None:
        """State and error code of the run's item at an address."""
        async with self._database.reading() as session:
            return await run_items.state_at(session, run_id, address)

    async def progress(self, item_id: UUID, state: ItemState, **values: Any) -> None:
        """Record how far an item has come."""
        async with self._database.writing() as session:
            await run_items.move_item(session, item_id, state, **values)

    async def prepare(self, document: Document) -> tuple[Document, dict[str, UUID]]:
        """Make ready for a change of a document's content: see :func:`prepare_content`."""
        async with self._database.writing() as session:
            return await contents.prepare_content(session, document)

    async def ensure_document(self, document: Document) -> Document:
        """The document as stored; added where it is new."""
        async with self._database.writing() as session:
            return await contents.ensure_document(session, document)

    async def end_item(
        self, item_id: UUID, outcome: Outcome, document_id: UUID | None = None, **values: Any
    ) -> None:
        """Record an item's end, and ``values`` with its document."""
        async with self._database.writing() as session:
            await run_items.end_item(session, item_id, outcome, document_id)
            if document_id is not None and values:
                await contents.update_document(session, document_id, **values)

    async def fail_item(self, item: RunItem, outcome: Outcome, document: Document) -> None:
        """Record that a document could not be read.

        One that was indexed before stays so: what could be read last still answers questions.
        """
        values: dict[str, Any] = {
            "error_code": outcome.code,
            "error_detail": outcome.detail,
            "error_action": outcome.action,
        }
        if not document.chunk_count and document.state != DocumentState.MISSING:
            values["state"] = DocumentState.FAILED
        async with self._database.writing() as session:
            await contents.ensure_document(session, document)
            await session.flush()
            await run_items.end_item(session, item.id, outcome, document.id)
            await contents.update_document(session, document.id, **values)

    async def store_document(
        self,
        item_id: UUID | None,
        document: Document,
        chunks: Sequence[Chunk],
        term_counts: bytes,
        values: dict[str, Any],
        outcome: Outcome,
        bands: Sequence[int] | None,
    ) -> None:
        """Replace a document's chunks and statistics and end its item, in one transaction.

        ``bands``: what its content shares with copies of it; ``None`` where that stays.
        """
        count = len(chunks)
        digest = str(values.get("content_hash", document.content_hash))
        async with self._database.writing() as session:
            await contents.replace_content(session, document.id, chunks, term_counts, **values)
            if bands is not None:
                await duplicates.replace_bands(
                    session, document.id, document.knowledge_base_id, digest, bands
                )
            if item_id is not None:
                counts = {"chunks": count, "chunks_encoded": count} if count else {}
                await run_items.end_item(session, item_id, outcome, document.id, **counts)

    async def delete_document(self, run_id: UUID, document: Document) -> None:
        """Forget a document and record its removal with the run."""
        async with self._database.writing() as session:
            await remove_document(session, document)
            await run_items.record_removal(session, run_id, document.address)

    async def update_document(self, document_id: UUID, **values: Any) -> None:
        """Record ``values`` with a document."""
        async with self._database.writing() as session:
            await contents.update_document(session, document_id, **values)

    async def item_of(self, run_id: UUID, document_id: UUID) -> RunItem | None:
        """The item of a run that a document ended."""
        async with self._database.reading() as session:
            return await run_items.item_of_document(session, run_id, document_id)

    async def edits(self, document_id: UUID) -> dict[str, PassageEdit]:
        """What editors changed of a document's passages, by the hash of the words they changed."""
        async with self._database.reading() as session:
            return await passage_edits.edits_to_apply(session, document_id)

    async def copy(self, document_id: UUID) -> Document | None:
        """A document with its text and marks, if it is still there."""
        async with self._database.reading() as session:
            return await duplicates.read_copy(session, document_id)

    async def stored_text(self, document_id: UUID) -> Document:
        """A document with its text and marks."""
        async with self._database.reading() as session:
            return await contents.read_content(session, document_id)
