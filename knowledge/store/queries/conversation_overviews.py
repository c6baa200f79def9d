"""Conversations as a list shows them: how long they are, and how they went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, case, exists, func, or_, select

from knowledge.store.database import ReadSession
from knowledge.store.queries.conversations import conversations
from knowledge.store.tables import Conversation, Feedback, Message


@dataclass(frozen=True, slots=True)
class Overview:
    """Questions asked, answers that found nothing, turns that failed, feedback given."""

    questions: int = 0
    abstained: int = 0
    failed: int = 0
    helpful: int = 0
    unhelpful: int = 0


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which are wanted. ``text``: in a message; ``unanswered``: a question had no answer."""

    assistant_id: UUID | None = None
    text: str = ""
    unanswered: bool = False


def wanted_conversations(workspace_id: UUID, wanted: ConversationFilter) -> Select[Conversation]:
    """The conversations of a workspace that a filter lets through."""
    query = conversations(workspace_id, wanted.assistant_id)
    if wanted.text:
        said = exists().where(
            Message.conversation_id == Conversation.id,
            Message.text.icontains(wanted.text, autoescape=True),
        )
        query = query.where(said)
    if wanted.unanswered:
        failed = exists().where(
            Message.conversation_id == Conversation.id,
            or_(Message.abstained, Message.error_code != ""),
        )
        query = query.where(failed)
    return query


async def overviews(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Overview]:
    """An overview of each conversation named."""
    asked = func.sum(case((Message.role == "user", 1), else_=0))
    abstained = func.sum(case((Message.abstained, 1), else_=0))
    failed = func.sum(case((Message.error_code != "", 1), else_=0))
    helpful = func.sum(case((Feedback.helpful, 1), else_=0))
    unhelpful = func.sum(case((Feedback.helpful.is_(False), 1), else_=0))
    rows = await session.execute(
        select(Message.conversation_id, asked, abstained, failed, helpful, unhelpful)
        .outerjoin(Feedback, Feedback.message_id == Message.id)
        .where(Message.conversation_id.in_(ids))
        .group_by(Message.conversation_id)
    )
    found = {row[0]: Overview(*(int(value or 0) for value in row[1:])) for row in rows}
    return {id: found.get(id, Overview()) for id in ids}


async def feedback_of(session: ReadSession, message_ids: Sequence[UUID]) -> dict[UUID, Feedback]:
    """What readers think of the answers named."""
    rows = await session.scalars(select(Feedback).where(Feedback.message_id.in_(message_ids)))
    return {row.message_id: row for row in rows}
