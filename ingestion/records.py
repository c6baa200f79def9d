"""The database as ingestion uses it: what belongs together is written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from ingestion.grouping import Grouped
from ingestion.sources.website import FoundPage
from knowledge.crawl_limits import RunNote
from knowledge.errors import CandorError, NotFound
from knowledge.store.database import Database
from knowledge.store.queries import claims, contents, duplicates, passage_edits, run_items
from knowledge.store.queries.contents import ContentChange
from knowledge.store.queries.documents import remove_document
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import (
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
    """Runs, their items, documents and chunks.

    Every method is one transaction, or part of one that is whole or not at all: what many
    documents have to write at the same time is written together.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends = Grouped(self._write_ends)
        self._changes = Grouped(self._write_changes)
        self._finds = Grouped(self._write_finds)

    async def close(self) -> None:
        """Wait until everything is written."""
        for grouped in (self._ends, self._changes, self._finds):
            await grouped.finish()

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
        await self._finds((run_id, pages))

    async def leave_out(self, run_id: UUID, pages: Sequence[FoundPage], outcome: Outcome) -> None:
        """Add pages that a run does not come to, and why."""
        async with self._database.writing() as session:
            found = [(page.address, page.depth) for page in pages]
            await run_items.leave_out(session, run_id, found, outcome)

    async def leave_out_rest(self, run_id: UUID, begun: Sequence[UUID], outcome: Outcome) -> None:
        """Let a run end with the items that it has ``begun``."""
        async with self._database.writing() as session:
            await run_items.leave_out_rest(session, run_id, begun, outcome)

    async def left_out(self, run_id: UUID) -> dict[str, int]:
        """How many addresses a run left out, by the code of the reason."""
        async with self._database.reading() as session:
            return await run_items.left_out_by(session, run_id)

    async def note_run(self, run_id: UUID, notes: Sequence[RunNote]) -> None:
        """Record what a reader should know of a run."""
        async with self._database.writing() as session:
            await claims.note_run(session, run_id, [asdict(note) for note in notes])

    async def count_bytes(self, run_id: UUID, fetched: int) -> None:
        """Record how much a run has received."""
        async with self._database.writing() as session:
            await claims.count_bytes(session, run_id, fetched)

    async def item_addresses(self, run_id: UUID) -> tuple[set[str], int]:
        """The addresses of all items of a run, and how many of them it left out."""
        async with self._database.reading() as session:
            return await run_items.item_addresses(session, run_id)

    async def next_items(
        self, run_id: UUID, source_id: UUID | None, limit: int, begun: Sequence[UUID]
    ) -> list[tuple[RunItem, Document | None]]:
        """Items that are neither ``begun`` nor at their end, those nearest to the start first,
        with documents.
        """
        async with self._database.reading() as session:
            return await run_items.next_items(session, run_id, source_id, limit, begun)

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
        end = run_items.end_of(item_id, outcome, document_id)
        record = {"id": document_id, **values} if document_id is not None and values else None
        await self._ends((end, record))

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
            end = run_items.end_of(item.id, outcome, document.id)
            await contents.update_each(session, RunItem, [end])
            await contents.update_document(session, document.id, **values)

    async def store_document(
        self, change: ContentChange, item_id: UUID | None, outcome: Outcome
    ) -> None:
        """Replace a document's content and end its item, in one transaction.

        Raises :class:`NotFound` where the document has been deleted meanwhile.
        """
        end = None
        if item_id is not None:
            count = len(change.chunks)
            counts = {"chunks": count, "chunks_encoded": count} if count else {}
            end = run_items.end_of(item_id, outcome, change.document.id, **counts)
        if not await self._changes((change, end)):
            raise NotFound("The document has been deleted meanwhile.")

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

    async def _write_ends(
        self, ends: Sequence[tuple[dict[str, Any], dict[str, Any] | None]]
    ) -> list[None]:
        async with self._database.writing() as session:
            await contents.update_each(session, RunItem, [end for end, _ in ends])
            await contents.update_each(session, Document, [row for _, row in ends if row])
        return [None] * len(ends)

    async def _write_changes(
        self, changes: Sequence[tuple[ContentChange, dict[str, Any] | None]]
    ) -> list[bool]:
        async with self._database.writing() as session:
            made = await contents.replace_contents(session, [change for change, _ in changes])
            ends = [end for (_, end), is_made in zip(changes, made, strict=True) if is_made]
            await contents.update_each(session, RunItem, [end for end in ends if end])
        return made

    async def _write_finds(self, finds: Sequence[tuple[UUID, Sequence[FoundPage]]]) -> list[None]:
        async with self._database.writing() as session:
            found = [(run, page.address, page.depth) for run, pages in finds for page in pages]
            await run_items.add_items(session, found)
        return [None] * len(finds)
