"""Reading passages with what is shown beside them: their document's title and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from knowledge.passage_text import PassageContext, passage_prefix
from knowledge.store.database import ReadSession
from knowledge.store.tables import Chunk, Document
from knowledge.types import Span


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its document's title, address, language and version."""

    id: UUID
    document_id: UUID
    source_id: UUID
    knowledge_base_id: UUID
    ordinal: int
    title: str
    address: str
    language: str
    version: int
    fetched_at: datetime | None
    text: str
    span: Span
    heading: tuple[str, ...]
    repeated: str
    page: int | None
    seconds: float | None
    anchor: str | None

    def prefix(self, context: PassageContext) -> str:
        """What the passage was encoded with in front of its text, in an index of that context."""
        return passage_prefix(self.title, self.heading, self.repeated, context)

    @property
    def link(self) -> str:
        """The address, with the place in it: an element's id, a page, or a second."""
        if "#" in self.address:
            return self.address
        if self.anchor:
            return f"{self.address}#{self.anchor}"
        if self.page is not None:
            return f"{self.address}#page={self.page}"
        if self.seconds is not None:
            return f"{self.address}#t={int(self.seconds)}"
        return self.address


_SELECT = select(
    Chunk.id,
    Chunk.document_id,
    Chunk.source_id,
    Chunk.knowledge_base_id,
    Chunk.ordinal,
    Document.title,
    Document.address,
    Document.language,
    Document.version,
    Document.fetched_at,
    Chunk.text,
    Chunk.span_start,
    Chunk.span_end,
    Chunk.heading,
    Chunk.repeated,
    Chunk.page,
    Chunk.seconds,
    Chunk.anchor,
).join(Document, Document.id == Chunk.document_id)


async def read_passages(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Passage]:
    """The passages named that exist."""
    if not ids:
        return {}
    rows = await session.execute(_SELECT.where(Chunk.id.in_(ids)))
    return {row.id: _passage(row) for row in rows}


async def read_versions(session: ReadSession, document_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The content version of each document named that exists."""
    rows = await session.execute(
        select(Document.id, Document.version).where(Document.id.in_(document_ids))
    )
    return {row.id: row.version for row in rows}


def _passage(row: Any) -> Passage:
    return Passage(
        id=row.id,
        document_id=row.document_id,
        source_id=row.source_id,
        knowledge_base_id=row.knowledge_base_id,
        ordinal=row.ordinal,
        title=row.title,
        address=row.address,
        language=row.language,
        version=row.version,
        fetched_at=row.fetched_at,
        text=row.text,
        span=(row.span_start, row.span_end),
        heading=tuple(row.heading),
        repeated=row.repeated,
        page=row.page,
        seconds=row.seconds,
        anchor=row.anchor,
    )
