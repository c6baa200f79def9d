"""Conversations and their messages: finding them, reading them, adding to them.

Nothing is found across workspaces. A visitor finds only the conversations that were begun with
the same secret at the same assistant; staff find all of their workspace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

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
class NewQuestion:
    """A question as it is recorded. ``begins``: whether its conversation is known to be new.

    ``at``: when it was asked.
    """

    reader: Reader
    text: str
    begins: bool = False
    at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer as it is recorded. ``error_code`` is set where the turn failed on the way.

    ``at``: when it was finished.
    """

    message_id: UUID
    text: str
    query: str = ""
    abstained: bool = False
    citations: tuple[JsonObject, ...] = ()
    explanation: JsonObject | None = None
    model: str = ""
    took_ms: float = 0.0
    error_code: str = ""
    at: datetime = field(default_factory=utc_now)


class Entry(NamedTuple):
    """What is to be added to a conversation."""

    conversation_id: UUID
    message: NewQuestion | NewAnswer


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


async def add_messages(session: WriteSession, entries: Sequence[Entry]) -> set[UUID]:
    """Record questions and answers, of any conversations, each as the last of its own.

    A question begins its conversation where there is none. Returns the conversations that answers
    were written for and that are gone: deleted while they were being answered.
    """
    new = {id for id, message in entries if isinstance(message, NewQuestion) and message.begins}
    # Statements go past the session's bookkeeping, which costs more than they do.
    connection = await session.connection()
    last = await _lock(connection, {id for id, _ in entries} - new)
    gone: set[UUID] = set()
    begun: list[JsonObject] = []
    messages: list[JsonObject] = []
    for conversation_id, message in entries:
        if conversation_id not in last:
            if isinstance(message, NewAnswer):
                gone.add(conversation_id)
                continue
            begun.append({"id": conversation_id} | _conversation(message))
        ordinal = last[conversation_id] = last.get(conversation_id, -1) + 1
        messages.append(
            {"conversation_id": conversation_id, "ordinal": ordinal} | _message(message)
        )
    if begun:
        await connection.execute(insert(Conversation), begun)
    if messages:
        await connection.execute(insert(Message), messages)
    continued = last.keys() - {one["id"] for one in begun}
    if continued:
        await connection.execute(
            update(Conversation).where(Conversation.id.in_(continued)).values(updated_at=utc_now())
        )
    return gone


async def _lock(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, int]:
    """The conversations that exist, locked, with the ordinal of the last message of each."""
    if not ids:
        return {}
    found = await connection.execute(
        select(Conversation.id)
        .where(Conversation.id.in_(ids))
        .order_by(Conversation.id)
        .with_for_update()
    )
    last = dict.fromkeys(found.scalars(), -1)
    if last:
        # Only once they are locked: another process may just have added to them.
        rows = await connection.execute(
            select(Message.conversation_id, func.max(Message.ordinal))
            .where(Message.conversation_id.in_(last))
            .group_by(Message.conversation_id)
        )
        last.update((row[0], row[1]) for row in rows)
    return last


def _conversation(question: NewQuestion) -> JsonObject:
    text, reader = question.text, question.reader
    return {
        "created_at": question.at,
        "updated_at": question.at,
        "workspace_id": reader.workspace_id,
        "assistant_id": reader.assistant_id,
        "visitor": reader.visitor_name,
        "title": text if len(text) <= _TITLE_CHARACTERS else f"{text[: _TITLE_CHARACTERS - 1]}…",
    }


def _message(message: NewQuestion | NewAnswer) -> JsonObject:
    if isinstance(message, NewQuestion):
        message, role = NewAnswer(uuid4(), message.text, at=message.at), "user"
    else:
        role = "assistant"
    return {
        "id": message.message_id,
        "created_at": message.at,
        "role": role,
        "text": message.text,
        "query": message.query,
        "abstained": message.abstained,
        "citations": list(message.citations),
        "explanation": message.explanation or {},
        "model": message.model,
        "took_ms": message.took_ms,
        "error_code": message.error_code,
    }


def _pair(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Questions with the finished answers that follow them directly."""
    return [
        (asked.text, told.text)
        for asked, told in pairwise(messages)
        if asked.role == "user" and told.role == "assistant" and not told.error_code
    ]
