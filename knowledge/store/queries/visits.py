"""What is counted of visitors: search events, the use of a day, identity tokens that were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select

from knowledge.errors import NotFound
from knowledge.store.conversations import Reader
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import (
    AssistantUse,
    Conversation,
    Message,
    SearchEvent,
    SearchEventKind,
    UsedIdentityToken,
    utc_now,
)


@dataclass(frozen=True, slots=True)
class Act:
    """What a visitor did after an answer; the fields are those of :class:`SearchEvent`."""

    message_id: UUID
    kind: SearchEventKind
    chunk_id: UUID | None = None
    rank: int | None = None
    milliseconds: int | None = None


async def add_search_events(session: WriteSession, reader: Reader, acts: Sequence[Act]) -> None:
    """Keep what a visitor did. Raises :class:`NotFound` for an answer that is not the visitor's."""
    wanted = {act.message_id for act in acts}
    known = set(
        await session.scalars(
            select(Message.id)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(
                Message.id.in_(wanted),
                Message.role == "assistant",
                Conversation.workspace_id == reader.workspace_id,
                Conversation.assistant_id == reader.assistant_id,
                Conversation.visitor == reader.visitor_name,
                Conversation.visitor != "",
            )
        )
    )
    for act in acts:
        if act.message_id not in known:
            raise NotFound(f"There is no answer {act.message_id} of this visitor.")
        session.add(
            SearchEvent(
                workspace_id=reader.workspace_id,
                assistant_id=reader.assistant_id,
                message_id=act.message_id,
                kind=act.kind,
                chunk_id=act.chunk_id,
                rank=act.rank,
                milliseconds=act.milliseconds,
            )
        )


@dataclass(frozen=True, slots=True)
class LastExchange:
    """The last question of a conversation that was answered, and the answer's id."""

    question: str
    message_id: UUID


async def last_exchange(
    session: ReadSession, reader: Reader, conversation_id: UUID
) -> LastExchange | None:
    """How a visitor's own conversation ended so far; ``None`` where it is not theirs."""
    rows = await session.scalars(
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.id == conversation_id,
            Conversation.workspace_id == reader.workspace_id,
            Conversation.visitor == reader.visitor_name,
            Conversation.visitor != "",
        )
        .order_by(Message.ordinal.desc())
        .limit(2)
    )
    messages = list(rows)
    if [message.role for message in messages] != ["assistant", "user"]:
        return None
    return LastExchange(messages[1].text, messages[0].id)


@dataclass(frozen=True, slots=True)
class Use:
    """Questions asked and language-model tokens spent."""

    questions: int = 0
    tokens: int = 0


async def use_of(session: ReadSession, assistant_id: UUID, day: date) -> Use:
    """What an assistant was used on a day (UTC)."""
    row = await session.get(AssistantUse, (assistant_id, day))
    return Use(row.questions, row.tokens) if row else Use()


async def add_use(session: WriteSession, assistant_id: UUID, day: date, more: Use) -> Use:
    """Add to an assistant's use of a day. Returns what it now is, over all processes."""
    statement = insert_for(session, AssistantUse).values(
        assistant_id=assistant_id, day=day, questions=more.questions, tokens=more.tokens
    )
    row = (
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["assistant_id", "day"],
                set_={
                    "questions": AssistantUse.questions + more.questions,
                    "tokens": AssistantUse.tokens + more.tokens,
                },
            ).returning(AssistantUse.questions, AssistantUse.tokens)
        )
    ).one()
    return Use(*row)


async def use_identity_token(
    session: WriteSession, assistant_id: UUID, token_hash: str, expires_at: datetime
) -> bool:
    """Note that a token was used. ``False`` where it was used before."""
    await session.execute(delete(UsedIdentityToken).where(UsedIdentityToken.expires_at < utc_now()))
    noted = await session.scalar(
        insert_for(session, UsedIdentityToken)
        .values(token_hash=token_hash, assistant_id=assistant_id, expires_at=expires_at)
        .on_conflict_do_nothing(index_elements=["token_hash"])
        .returning(UsedIdentityToken.token_hash)
    )
    return noted is not None
