"""The contents of documents: replacing chunks, text and the part in the statistics as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import undefer

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.statistics import replace_counts
from knowledge.store.tables import Chunk, Document


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


async def replace_content(
    session: WriteSession,
    document_id: UUID,
    chunks: Sequence[Chunk],
    term_counts: bytes,
    **values: Any,
) -> None:
    """Replace a document's chunks and its part in the statistics, and record ``values``.

    Raises :class:`NotFound` where the document has been deleted meanwhile.
    """
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
        await session.execute(insert(Chunk), [_row(chunk) for chunk in chunks])
    if chunks or before.chunk_count or before.term_counts:
        await replace_counts(session, before.knowledge_base_id, before.term_counts, term_counts)
    await update_document(session, document_id, term_counts=term_counts, **values)


async def read_content(session: ReadSession, document_id: UUID) -> Document:
    """A document with its text and marks."""
    return (
        await session.scalars(
            select(Document)
            .where(Document.id == document_id)
            .options(undefer(Document.text), undefer(Document.marks))
        )
    ).one()


def _row(chunk: Chunk) -> dict[str, Any]:
    return {column.key: getattr(chunk, column.key) for column in Chunk.__table__.columns}
