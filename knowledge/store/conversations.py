"""Conversations and their messages: finding them, reading them, adding to them.

Nothing is found across workspaces. A visitor finds only the conversations that were begun with
the same secret at the same assistant; staff find all of their workspace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from sqlalchemy import func, select, update

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Conversation, Message, utc_now
from knowledge.store.tables.base import JsonObject

_TITLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and therefore whose conversations can be found.

    ``visitor``: ``None`` for staff; for a visitor of an assistant the secret that only the
    visitor's browser keeps. A visitor without one (``""``) can begin a conversation and never find
    it again.
    """

    workspace_id: UUID
    assistant_id: UUID | None = None
    visitor: str | None = None

    @property
    def visitor_name(self) -> str:
        """What is recorded of the visitor: the secret's SHA-256 in hex; ``""`` for staff."""
        return hashlib.sha256(self.visitor.encode()).hexdigest() if self.visitor else ""


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer as it is recorded. ``error_code`` is set where the turn failed on the way."""

    message_id: UUID
    text: str
    query: str = ""
    abstained: bool = False
    citations: tuple[JsonObject, ...] = ()
    explanation: JsonObject | None = None
    model: str = ""
    took_ms: float = 0.0
    error_code: str = ""


async def find_conversation(
    session: ReadSession, reader: Reader, conversation_id: UUID
) -> Conversation:
    """The conversation, if this reader may see it. Raises :class:`NotFound` otherwise."""
    query = select(Conversation).where(
        Conversation.id == conversation_id, Conversation.workspace_id == reader.workspace_id
    )
    if reader.visitor is not None:
        query = query.where(
            Conversation.assistant_id == reader.assistant_id,
            Conversation.visitor == reader.visitor_name,
            Conversation.visitor != "",
        )
    found = await session.scalar(query)
    if found is None:
        raise NotFound(
            f"There is no conversation {conversation_id}.", "Ask without it to begin a new one."
        )
    return found


async def read_messages(session: ReadSession, conversation_id: UUID) -> list[Message]:
    """All messages of a conversation, oldest first."""
    rows = await session.scalars(
        select(Message).where(Message.conversation_id == conversation_id).order_by(Message.ordinal)
    )
    return list(rows)


async def read_exchanges(
    session: ReadSession, conversation_id: UUID, limit: int
) -> list[tuple[str, str]]:
    """The last ``limit`` questions that were answered, each with its answer, oldest first."""
    rows = await session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.ordinal.desc())
        .limit(2 * limit + 2)
    )
    messages = sorted(rows, key=lambda message: message.ordinal)
    return _pair(messages)[-limit:] if limit else []


async def add_question(
    session: WriteSession, reader: Reader, conversation_id: UUID, text: str
) -> None:
    """Record a question, and begin the conversation with it where it is the first."""
    conversation = await session.scalar(
        select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    )
    if conversation is None:
        title = text if len(text) <= _TITLE_CHARACTERS else f"{text[: _TITLE_CHARACTERS - 1]}…"
        session.add(
            Conversation(
                id=conversation_id,
                workspace_id=reader.workspace_id,
                assistant_id=reader.assistant_id,
                visitor=reader.visitor_name,
                title=title,
            )
        )
        await session.flush()
    await _add(
        session,
        conversation_id,
        Message(conversation_id=conversation_id, ordinal=0, role="user", text=text),
    )


async def add_answer(session: WriteSession, conversation_id: UUID, answer: NewAnswer) -> None:
    """Record an answer, finished or not.

    Raises :class:`NotFound` where the conversation was deleted while the answer was written.
    """
    conversation = await session.scalar(
        select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    )
    if conversation is None:
        raise NotFound(
            f"Conversation {conversation_id} was deleted while it was being answered.",
            "Ask again to begin a new one.",
        )
    message = Message(
        id=answer.message_id,
        conversation_id=conversation_id,
        ordinal=0,
        role="assistant",
        text=answer.text,
        query=answer.query,
        abstained=answer.abstained,
        citations=list(answer.citations),
        explanation=answer.explanation or {},
        model=answer.model,
        took_ms=answer.took_ms,
        error_code=answer.error_code,
    )
    await _add(session, conversation_id, message)


async def _add(session: WriteSession, conversation_id: UUID, message: Message) -> None:
    """Add a message as the last; the conversation's row is locked by the caller."""
    last = await session.scalar(
        select(func.max(Message.ordinal)).where(Message.conversation_id == conversation_id)
    )
    message.ordinal = 0 if last is None else last + 1
    session.add(message)
    await session.execute(
        update(Conversation).where(Conversation.id == conversation_id).values(updated_at=utc_now())
    )


def _pair(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Questions with the finished answers that follow them directly."""
    return [
        (asked.text, told.text)
        for asked, told in pairwise(messages)
        if asked.role == "user" and told.role == "assistant" and not told.error_code
    ]
