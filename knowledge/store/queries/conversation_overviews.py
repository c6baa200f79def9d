"""Conversations as a list shows them: how long they are, and how they went."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select

from knowledge.store.database import ReadSession
from knowledge.store.paging import MAX_LIMIT, PageRequest, read_page
from knowledge.store.queries.conversations import conversations
from knowledge.store.tables import Conversation, Feedback, Handoff, HandoffState, Message


@dataclass(frozen=True, slots=True)
class Overview:
    """Questions asked, answers that found nothing, turns that failed, feedback given, and the
    state of the last hand-off, if a person was asked for.
    """

    questions: int = 0
    abstained: int = 0
    failed: int = 0
    helpful: int = 0
    unhelpful: int = 0
    handoff: HandoffState | None = None


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which are wanted. ``text``: in a message; ``unanswered``: a question had no answer;
    ``helpful``: an answer was judged so, or (``False``) not; ``handed_off``: a person was asked
    for; begun at ``since`` or after it, and before ``until``.
    """

    assistant_id: UUID | None = None
    text: str = ""
    unanswered: bool = False
    helpful: bool | None = None
    handed_off: bool = False
    since: datetime | None = None
    until: datetime | None = None


def wanted_conversations(workspace_id: UUID, wanted: ConversationFilter) -> Select[Conversation]:
    """The conversations of a workspace that a filter lets through.

    Each condition is asked of what was said as a whole, not of each conversation anew: reading
    messages in their order costs half of looking for those of one conversation after the other.
    """
    query = conversations(workspace_id, wanted.assistant_id)
    if wanted.text:
        said = select(Message.conversation_id).where(
            Message.text.icontains(wanted.text, autoescape=True)
        )
        query = query.where(Conversation.id.in_(said))
    if wanted.unanswered:
        failed = select(Message.conversation_id).where(
            or_(Message.abstained, Message.error_code != "")
        )
        query = query.where(Conversation.id.in_(failed))
    if wanted.helpful is not None:
        judged = (
            select(Message.conversation_id)
            .join(Feedback, Feedback.message_id == Message.id)
            .where(Feedback.helpful.is_(wanted.helpful))
        )
        query = query.where(Conversation.id.in_(judged))
    if wanted.handed_off:
        query = query.where(Conversation.id.in_(select(Handoff.conversation_id)))
    if wanted.since is not None:
        query = query.where(Conversation.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Conversation.created_at < wanted.until)
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
    found = {}
    for id, *counts in rows:
        questions, silent, broken, good, bad = (int(value or 0) for value in counts)
        found[id] = Overview(questions, silent, broken, good, bad)
    handed = await session.execute(
        select(Handoff.conversation_id, Handoff.state)
        .where(Handoff.conversation_id.in_(ids))
        .order_by(Handoff.created_at)
    )
    for id, state in handed:
        found[id] = replace(found.get(id, Overview()), handoff=HandoffState(state))
    return {id: found.get(id, Overview()) for id in ids}


async def every_conversation(
    session: ReadSession, workspace_id: UUID, wanted: ConversationFilter
) -> AsyncIterator[Conversation]:
    """All of them, newest first, page by page."""
    request = PageRequest(MAX_LIMIT)
    while True:
        page = await read_page(
            session,
            wanted_conversations(workspace_id, wanted),
            Conversation,
            request,
            newest_first=True,
        )
        for row in page.items:
            yield row
        if page.next_cursor is None:
            return
        request = PageRequest(MAX_LIMIT, page.next_cursor)


async def feedback_of(session: ReadSession, message_ids: Sequence[UUID]) -> dict[UUID, Feedback]:
    """What readers think of the answers named."""
    rows = await session.scalars(select(Feedback).where(Feedback.message_id.in_(message_ids)))
    return {row.message_id: row for row in rows}
