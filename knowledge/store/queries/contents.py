"""The contents of documents: replacing chunks, text and the part in the statistics as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import undefer

from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_rows
from knowledge.store.queries.duplicates import Bands, replace_bands
from knowledge.store.statistics import join_counts, replace_counts
from knowledge.store.tables import Chunk, Document, RunItem


async def ensure_document(session: WriteSession, document: Document) -> Document:
    """The document as stored; added where it is new."""
    stored = await session.get(Document, document.id)
    if stored is None:
        session.add(document)
        return document
    return stored


async def prepare_content(
    session: WriteSession, document: Document
) -> tuple[Document, dict[str, UUID]]:
    """Make ready for a change of a document's content.

    Returns the document as stored (added where it is new), and the ids of its chunks by passage
    hash. The content hash is taken away until the change is complete: after a crash in between,
    the document must not look unchanged.
    """
    stored = await ensure_document(session, document)
    if stored is not document:
        stored.content_hash = stored.etag = stored.last_modified = ""
    if not stored.chunk_count:
        return stored, {}
    rows = await session.execute(
        select(Chunk.passage_hash, Chunk.id).where(Chunk.document_id == document.id)
    )
    return stored, {row[0]: row[1] for row in rows}


async def update_document(session: WriteSession, document_id: UUID, **values: Any) -> None:
    """Record ``values`` with a document."""
    await session.execute(update(Document).where(Document.id == document_id).values(**values))


@dataclass(frozen=True, slots=True)
class ContentChange:
    """A new content for a document: its chunks, its part in the statistics, and its record.

    ``is_new``: whether the document is to be added with it. ``values``: columns of its record.
    ``bands``: what the content shares with copies of it; ``None`` where that stays.
    """

    document: Document
    is_new: bool
    chunks: Sequence[Chunk]
    term_counts: bytes
    values: dict[str, Any]
    bands: Sequence[int] | None


async def replace_contents(session: WriteSession, changes: Sequence[ContentChange]) -> list[bool]:
    """Replace the contents of different documents; false for each that was deleted meanwhile."""
    ids = [change.document.id for change in changes]
    columns: list[Any] = [Document.id, Document.term_counts, Document.chunk_count]
    rows = await session.execute(select(*columns).where(Document.id.in_(ids)))
    before = {row.id: row for row in rows}
    there = [change for change in changes if change.document.id in before]
    new = [change for change in changes if change.is_new and change.document.id not in before]
    if new:
        await insert_rows(session, Document, [_record(change) for change in new])
    emptied = [change.document.id for change in there if before[change.document.id].chunk_count]
    if emptied:
        await session.execute(delete(Chunk).where(Chunk.document_id.in_(emptied)))
    done = [*there, *new]
    await insert_rows(session, Chunk, [_row(chunk) for change in done for chunk in change.chunks])
    for place in {change.document.knowledge_base_id for change in done}:
        here = [change for change in done if change.document.knowledge_base_id == place]
        old = [before[c.document.id].term_counts for c in here if c.document.id in before]
        if any(change.chunks for change in here) or any(old):
            added = join_counts(change.term_counts for change in here)
            await replace_counts(session, place, join_counts(old), added)
    await update_each(
        session,
        Document,
        [{"id": c.document.id, "term_counts": c.term_counts} | c.values for c in there],
    )
    await replace_bands(
        session,
        [
            Bands(
                change.document.id,
                change.document.knowledge_base_id,
                str(change.values.get("content_hash", change.document.content_hash)),
                change.bands,
            )
            for change in done
            if change.bands is not None
        ],
    )
    return [change.is_new or change.document.id in before for change in changes]


async def update_each(
    session: WriteSession, table: type[Document] | type[RunItem], rows: Iterable[dict[str, Any]]
) -> None:
    """Write the columns that each of ``rows`` names to the record whose ``id`` it names."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        alike.setdefault(tuple(sorted(row)), []).append({f"_{key}": row[key] for key in row})
    core = table.__table__
    for keys, values in alike.items():
        statement = (
            update(core)  # type: ignore[arg-type]
            .where(core.c.id == bindparam("_id"))
            .values({core.c[key]: bindparam(f"_{key}") for key in keys if key != "id"})
        )
        connection = await session.connection()
        await connection.execute(statement, values)


async def read_content(session: ReadSession, document_id: UUID) -> Document:
    """A document with its text and marks."""
    return (
        await session.scalars(
            select(Document)
            .where(Document.id == document_id)
            .options(undefer(Document.text), undefer(Document.marks))
        )
    ).one()


def _record(change: ContentChange) -> dict[str, Any]:
    columns = Document.__table__.columns
    whole = {column.key: getattr(change.document, column.key) for column in columns}
    return whole | change.values | {"term_counts": change.term_counts}


def _row(chunk: Chunk) -> dict[str, Any]:
    # Straight from the object's own dictionary: a chunk has 17 columns, a site 100,000 chunks.
    return {key: value for key, value in vars(chunk).items() if key != "_sa_instance_state"}
