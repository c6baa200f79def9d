"""When pages changed, were fetched, and could be found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Chunk, Document, DocumentState


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document, when it said that it changed, when it was fetched, and when it was in the index.

    ``text`` is its newest passage: of several the longest, which is the most its own.
    """

    id: UUID
    title: str
    address: str
    version: int
    modified_at: datetime | None
    fetched_at: datetime | None
    indexed_at: datetime
    text: str


async def read_last_indexed(
    session: ReadSession, knowledge_base_id: UUID, since: datetime, limit: int
) -> list[IndexedDocument]:
    """The documents of a knowledge base that were indexed last, since a moment, newest first."""
    rows = await session.execute(
        select(
            Document.id,
            Document.title,
            Document.address,
            Document.version,
            Document.modified_at,
            Document.fetched_at,
            Document.indexed_at,
        )
        .where(
            Document.knowledge_base_id == knowledge_base_id,
            Document.state == DocumentState.INDEXED,
            Document.chunk_count > 0,
            Document.indexed_at >= since,
        )
        .order_by(Document.indexed_at.desc(), Document.id)
        .limit(limit)
    )
    documents = rows.all()
    texts = await _newest_passages(session, [row.id for row in documents])
    nothing = ("", since)
    return [
        IndexedDocument(
            id=row.id,
            title=row.title,
            address=row.address,
            version=row.version,
            modified_at=row.modified_at,
            fetched_at=row.fetched_at,
            # The document's own time is when its indexing began; its new passages are written last.
            indexed_at=max(row.indexed_at or since, texts.get(row.id, nothing)[1]),
            text=texts.get(row.id, nothing)[0],
        )
        for row in documents
    ]


async def _newest_passages(
    session: ReadSession, document_ids: list[UUID]
) -> dict[UUID, tuple[str, datetime]]:
    """Document to the text of its newest passage, and when that was written."""
    place = func.row_number().over(
        partition_by=Chunk.document_id,
        order_by=(Chunk.created_at.desc(), func.length(Chunk.text).desc(), Chunk.ordinal),
    )
    placed = (
        select(Chunk.document_id, Chunk.text, Chunk.created_at, place.label("place"))
        .where(Chunk.document_id.in_(document_ids))
        .subquery()
    )
    rows = await session.execute(
        select(placed.c.document_id, placed.c.text, placed.c.created_at).where(placed.c.place == 1)
    )
    return {row[0]: (row[1], row[2]) for row in rows}
