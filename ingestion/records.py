"""What ingestion reads from and writes to the database: runs, their items, documents, chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import undefer

from ingestion.sources.website import FoundPage
from knowledge.errors import CandorError, NotFound
from knowledge.store.database import Database, WriteSession
from knowledge.store.statistics import replace_counts
from knowledge.store.tables import (
    Chunk,
    Document,
    DocumentState,
    ItemState,
    Run,
    RunItem,
    RunState,
    Source,
    utc_now,
)

_OPEN_ITEMS = (
    ItemState.FOUND,
    ItemState.FETCHED,
    ItemState.PARSED,
    ItemState.CHUNKED,
    ItemState.ENCODED,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item of a run ended. ``detail`` and ``action`` say why where that is not obvious."""

    state: ItemState
    code: str = ""
    detail: str = ""
    action: str = ""

    @classmethod
    def of(cls, error: CandorError, state: ItemState = ItemState.FAILED) -> Outcome:
        """The end that an error makes."""
        return cls(state, error.code, error.detail[:1000], error.action[:1000])


class Records:
    """The database as ingestion uses it. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run_id: UUID) -> tuple[Run, Source | None]:
        """A run and its source. Raises :class:`NotFound`."""
        async with self._database.reading() as session:
            run = await session.get(Run, run_id)
            if run is None:
                raise NotFound(f"There is no run {run_id}.")
            source = await session.get(Source, run.source_id) if run.source_id else None
            return run, source

    async def end_run(self, run_id: UUID, state: RunState, error: CandorError | None) -> None:
        """Record how a run ended, and when its source was last read."""
        now = utc_now()
        async with self._database.writing() as session:
            run = await session.get(Run, run_id)
            if run is None:
                return
            run.state = state
            run.finished_at = None if state is RunState.PAUSED else now
            if error is not None:
                run.error_code, run.error_detail = error.code, error.detail[:1000]
                run.error_action = error.action[:1000]
            if run.source_id is not None:
                await session.execute(
                    update(Source).where(Source.id == run.source_id).values(last_run_at=now)
                )

    async def add_items(self, run_id: UUID, pages: Sequence[FoundPage]) -> None:
        """Add pages to a run; one that it has already stays as it is."""
        rows = [_item_row(run_id, page) for page in pages]
        async with self._database.writing() as session:
            statement = _insert(session)(RunItem).on_conflict_do_nothing()
            await session.execute(statement, rows)

    async def item_addresses(self, run_id: UUID) -> set[str]:
        """The addresses of all items of a run."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(RunItem.address).where(RunItem.run_id == run_id))
            return set(rows)

    async def next_items(self, run_id: UUID, limit: int) -> list[UUID]:
        """Items that are not at their end, those nearest to the start first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(RunItem.id)
                .where(RunItem.run_id == run_id, RunItem.state.in_(_OPEN_ITEMS))
                .order_by(RunItem.depth, RunItem.created_at, RunItem.id)
                .limit(limit)
            )
            return list(rows)

    async def item(self, item_id: UUID, source_id: UUID | None) -> tuple[RunItem, Document | None]:
        """An item and the document at its address, where there is one already."""
        async with self._database.reading() as session:
            here = (Document.address == RunItem.address) & (Document.source_id == source_id)
            row = (
                await session.execute(
                    select(RunItem, Document).outerjoin(Document, here).where(RunItem.id == item_id)
                )
            ).one()
            return row[0], row[1]

    async def item_state(self, run_id: UUID, address: str) -> tuple[str, str] | None:
        """State and error code of the run's item at an address."""
        async with self._database.reading() as session:
            row = (
                await session.execute(
                    select(RunItem.state, RunItem.error_code).where(
                        RunItem.run_id == run_id, RunItem.address == address
                    )
                )
            ).first()
            return (row[0], row[1]) if row else None

    async def progress(self, item_id: UUID, state: ItemState, **values: Any) -> None:
        """Record how far an item has come."""
        async with self._database.writing() as session:
            await session.execute(
                update(RunItem).where(RunItem.id == item_id).values(state=state, **values)
            )

    async def prepare(
        self, document: Document, content_hash: str
    ) -> tuple[Document, UUID | None, dict[str, UUID]]:
        """Make ready for a change of a document's content.

        Returns the document as stored (added where it is new), another indexed document of the
        knowledge base with the same bytes, and the ids of its chunks by passage hash. The content
        hash is taken away until the change is complete: after a crash in between, the document
        must not look unchanged.
        """
        async with self._database.writing() as session:
            stored = await session.get(Document, document.id)
            if stored is None:
                session.add(document)
                stored = document
            else:
                stored.content_hash = stored.etag = stored.last_modified = ""
            twin = await session.scalar(
                select(Document.id)
                .where(
                    Document.content_hash == content_hash,
                    Document.knowledge_base_id == document.knowledge_base_id,
                    Document.state == DocumentState.INDEXED,
                    Document.id != document.id,
                )
                .order_by(Document.created_at, Document.id)
                .limit(1)
            )
            if not stored.chunk_count:
                return stored, twin, {}
            rows = await session.execute(
                select(Chunk.passage_hash, Chunk.id).where(Chunk.document_id == document.id)
            )
            return stored, twin, {row[0]: row[1] for row in rows}

    async def ensure_document(self, document: Document) -> Document:
        """The document as stored; added where it is new."""
        async with self._database.writing() as session:
            stored = await session.get(Document, document.id)
            if stored is None:
                session.add(document)
                return document
            return stored

    async def end_item(
        self, item_id: UUID, outcome: Outcome, document_id: UUID | None = None, **values: Any
    ) -> None:
        """Record an item's end, and ``values`` with its document."""
        async with self._database.writing() as session:
            await _end_item(session, item_id, outcome, document_id)
            if document_id is not None and values:
                await session.execute(
                    update(Document).where(Document.id == document_id).values(**values)
                )

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
        await self.ensure_document(document)
        await self.end_item(item.id, outcome, document.id, **values)

    async def store_document(
        self,
        item_id: UUID,
        document: Document,
        chunks: Sequence[Chunk],
        term_counts: bytes,
        values: dict[str, Any],
    ) -> None:
        """Replace a document's chunks and statistics and end its item, in one transaction."""
        async with self._database.writing() as session:
            await _replace_chunks(session, document.id, chunks, term_counts, **values)
            count = len(chunks)
            await _end_item(
                session,
                item_id,
                Outcome(ItemState.INDEXED),
                document.id,
                chunks=count,
                chunks_encoded=count,
            )

    async def clear_document(self, document_id: UUID, **values: Any) -> None:
        """Take a document's chunks and statistics away, and record ``values`` with it."""
        async with self._database.writing() as session:
            await _replace_chunks(session, document_id, [], b"", chunk_count=0, **values)

    async def delete_document(self, run_id: UUID, document: Document) -> None:
        """Forget a document and record its removal with the run."""
        async with self._database.writing() as session:
            await _replace_chunks(session, document.id, [], b"")
            await session.execute(delete(Document).where(Document.id == document.id))
            values = {"state": ItemState.REMOVED, "finished_at": utc_now()} | dict.fromkeys(
                ("error_code", "error_detail", "error_action"), ""
            )
            item = await session.scalar(
                select(RunItem).where(RunItem.run_id == run_id, RunItem.address == document.address)
            )
            if item is None:
                session.add(
                    RunItem(
                        id=uuid5(run_id, document.address),
                        run_id=run_id,
                        address=document.address,
                        state=ItemState.REMOVED,
                        finished_at=utc_now(),
                    )
                )
            else:
                await session.execute(update(RunItem).where(RunItem.id == item.id).values(**values))

    async def stored_text(self, document_id: UUID) -> Document:
        """A document with its text and marks."""
        async with self._database.reading() as session:
            return (
                await session.scalars(
                    select(Document)
                    .where(Document.id == document_id)
                    .options(undefer(Document.text), undefer(Document.marks))
                )
            ).one()


def _insert(session: WriteSession) -> Any:
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert if is_postgres else sqlite.insert


def _item_row(run_id: UUID, page: FoundPage) -> dict[str, Any]:
    return {
        "id": uuid5(run_id, page.address),
        "run_id": run_id,
        "address": page.address,
        "depth": page.depth,
        "state": ItemState.FOUND.value,
        "created_at": utc_now(),
        "document_id": None,
        "chunks": 0,
        "chunks_encoded": 0,
        "error_code": "",
        "error_detail": "",
        "error_action": "",
    }


async def _end_item(
    session: WriteSession,
    item_id: UUID,
    outcome: Outcome,
    document_id: UUID | None,
    **values: Any,
) -> None:
    await session.execute(
        update(RunItem)
        .where(RunItem.id == item_id)
        .values(
            state=outcome.state,
            document_id=document_id,
            error_code=outcome.code,
            error_detail=outcome.detail,
            error_action=outcome.action,
            finished_at=utc_now(),
            **values,
        )
    )


async def _replace_chunks(
    session: WriteSession,
    document_id: UUID,
    chunks: Sequence[Chunk],
    term_counts: bytes,
    **values: Any,
) -> None:
    """Replace a document's chunks and its part in the statistics, and record ``values``."""
    before = (
        await session.execute(
            select(Document.knowledge_base_id, Document.term_counts, Document.chunk_count).where(
                Document.id == document_id
            )
        )
    ).one_or_none()
    if before is None:
        raise NotFound("The document has been deleted meanwhile.")
    if before.chunk_count:
        await session.execute(delete(Chunk).where(Chunk.document_id == document_id))
    if chunks:
        await session.execute(insert(Chunk), [_chunk_row(chunk) for chunk in chunks])
    await replace_counts(session, before.knowledge_base_id, before.term_counts, term_counts)
    await session.execute(
        update(Document).where(Document.id == document_id).values(term_counts=term_counts, **values)
    )


def _chunk_row(chunk: Chunk) -> dict[str, Any]:
    return {column.key: getattr(chunk, column.key) for column in Chunk.__table__.columns}
