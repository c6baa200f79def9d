"""What a knowledge base can teach an encoder: its passages, and questions with their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from knowledge.passage_text import PassageContext, passage_prefix
from knowledge.store.database import ReadSession
from knowledge.store.tables import (
    Chunk,
    Conversation,
    Document,
    Feedback,
    JudgedQuery,
    Message,
    QueryOrigin,
    QuerySet,
)

_PER_STATEMENT = 500
_MOST_JUDGED = 10_000


@dataclass(frozen=True, slots=True)
class HeadedPassage:
    """A passage with the titles above it, outermost first, and its document's address."""

    id: UUID
    address: str
    titles: tuple[str, ...]
    text: str
    repeated: str

    def encoded(self, context: PassageContext) -> str:
        """The text that an index of that context holds vectors of."""
        return passage_prefix(self.titles[0], self.titles[1:], self.repeated, context) + self.text


async def headed_passages(
    session: ReadSession, knowledge_base_id: UUID
) -> AsyncIterator[HeadedPassage]:
    """Every passage of a knowledge base, by id, a page at a time."""
    after: UUID | None = None
    while True:
        query = _SELECT.where(Chunk.knowledge_base_id == knowledge_base_id).order_by(Chunk.id)
        if after is not None:
            query = query.where(Chunk.id > after)
        rows = list(await session.execute(query.limit(_PER_STATEMENT)))
        for row in rows:
            yield HeadedPassage(row.id, row.address, (row.title, *row.heading), *row[4:])
        if len(rows) < _PER_STATEMENT:
            return
        after = rows[-1].id


_SELECT = select(
    Chunk.id, Document.address, Document.title, Chunk.heading, Chunk.text, Chunk.repeated
).join(Document, Document.id == Chunk.document_id)


async def judged_pages(
    session: ReadSession, knowledge_base_id: UUID
) -> list[tuple[str, QueryOrigin, Mapping[str, int]]]:
    """The queries of every query set of a knowledge base, where each is from, and the grades of
    pages by address.
    """
    rows = await session.execute(
        select(JudgedQuery.query, JudgedQuery.origin, JudgedQuery.grades)
        .join(QuerySet, QuerySet.id == JudgedQuery.query_set_id)
        .where(QuerySet.knowledge_base_id == knowledge_base_id)
        .order_by(JudgedQuery.created_at, JudgedQuery.id)
    )
    return [(row.query, QueryOrigin(row.origin), row.grades) for row in rows]


async def cited_passages(
    session: ReadSession, workspace_id: UUID
) -> Sequence[tuple[str, bool, frozenset[UUID]]]:
    """Questions whose answers readers have judged: what was searched for, whether the answer
    helped, and the passages that it cites; the newest judgment first.
    """
    rows = await session.execute(
        select(Message.query, Feedback.helpful, Message.citations)
        .join(Feedback, Feedback.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.workspace_id == workspace_id, Message.query != "")
        .order_by(Feedback.created_at.desc(), Feedback.id)
        .limit(_MOST_JUDGED)
    )
    return [
        (row.query, row.helpful, frozenset(UUID(one["chunk_id"]) for one in row.citations))
        for row in rows
    ]
