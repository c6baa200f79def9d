"""Answers that readers have judged, with the pages that they cite."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Conversation, Feedback, Message

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """What was searched for, whether the answer helped, and the addresses of the pages cited."""

    query: str
    helpful: bool
    pages: tuple[str, ...]


async def read_judged_answers(session: ReadSession, workspace_id: UUID) -> list[JudgedAnswer]:
    """The last answers of a workspace that readers have judged, the newest judgment first."""
    rows = await session.execute(
        select(Message.query, Message.citations, Feedback.helpful)
        .join(Feedback, Feedback.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.workspace_id == workspace_id, Message.query != "")
        .order_by(Feedback.created_at.desc(), Feedback.id)
        .limit(_MOST)
    )
    return [
        JudgedAnswer(
            row.query,
            row.helpful,
            tuple(dict.fromkeys(one["address"].split("#")[0] for one in row.citations)),
        )
        for row in rows
    ]
