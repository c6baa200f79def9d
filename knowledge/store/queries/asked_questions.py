"""Questions as insights count them: collecting them from messages, and reading them.

A message is collected once, after its answer is stored. Who reads names days in UTC, both ends
included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update

from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import (
    AskedQuestion,
    Chunk,
    Conversation,
    DocumentUse,
    Message,
    Outcome,
    QuestionVector,
)

_LATE = timedelta(minutes=10)
"""How much later than another an answer may be stored and still be met."""

_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """An answer that is not collected yet. ``given``: chunks that it was written from."""

    message_id: UUID
    conversation_id: UUID
    workspace_id: UUID
    assistant_id: UUID | None
    asked_at: datetime
    query: str
    outcome: Outcome
    confidence: float | None
    took_ms: float
    model: str
    given: frozenset[UUID]
    cited: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class EarlierQuestion:
    """The last question of a conversation that is collected; ``vector`` is its ``float16[d]``."""

    message_id: UUID
    asked_at: datetime
    vector: bytes


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer with what was made of its question. ``vector`` is empty where there is none."""

    answer: PendingAnswer
    text_key: str
    vector: bytes = field(default=b"", repr=False)


async def read_pending(session: ReadSession, limit: int) -> list[PendingAnswer]:
    """The oldest answers that are not collected yet."""
    newest = await session.scalar(select(func.max(AskedQuestion.asked_at)))
    query = (
        select(Message, Conversation.workspace_id, Conversation.assistant_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(AskedQuestion, AskedQuestion.message_id == Message.id)
        .where(Message.role == "assistant", AskedQuestion.message_id.is_(None))
        .order_by(Message.created_at)
        .limit(limit)
    )
    if newest is not None:
        # Answers are collected in their order: before this there is none left.
        query = query.where(Message.created_at >= newest - _LATE)
    rows = await session.execute(query)
    return [_pending(message, workspace, assistant) for message, workspace, assistant in rows]


async def earlier_questions(
    session: ReadSession, conversation_ids: Sequence[UUID]
) -> dict[UUID, EarlierQuestion]:
    """The last collected question of each of the conversations named that has one."""
    found: dict[UUID, EarlierQuestion] = {}
    for start in range(0, len(conversation_ids), _PER_STATEMENT):
        rows = await session.execute(
            select(
                AskedQuestion.conversation_id,
                AskedQuestion.message_id,
                AskedQuestion.asked_at,
                QuestionVector.vector,
            )
            .join(QuestionVector, QuestionVector.message_id == AskedQuestion.message_id)
            .where(
                AskedQuestion.conversation_id.in_(conversation_ids[start : start + _PER_STATEMENT])
            )
            .order_by(AskedQuestion.asked_at)
        )
        for conversation_id, message_id, asked_at, vector in rows:
            found[conversation_id] = EarlierQuestion(message_id, asked_at, vector)
    return found


async def add_collected(
    session: WriteSession, collected: Sequence[Collected], encoder: str
) -> None:
    """Keep what was collected; one that another process has kept meanwhile is left as it is."""
    chunks = {id for one in collected for id in one.answer.given | one.answer.cited}
    documents = await _documents_of(session, sorted(chunks))
    for one in collected:
        answer = one.answer
        added = await session.execute(
            insert_for(session, AskedQuestion)
            .values(
                message_id=answer.message_id,
                workspace_id=answer.workspace_id,
                conversation_id=answer.conversation_id,
                assistant_id=answer.assistant_id,
                asked_at=answer.asked_at,
                day=answer.asked_at.date(),
                text=answer.query,
                text_key=one.text_key,
                outcome=answer.outcome,
                confidence=answer.confidence,
                took_ms=answer.took_ms,
                model=answer.model,
                reformulated=False,
            )
            .on_conflict_do_nothing()
        )
        if not cast("CursorResult[tuple[()]]", added).rowcount:
            continue
        if one.vector:
            session.add(
                QuestionVector(message_id=answer.message_id, encoder=encoder, vector=one.vector)
            )
        await _count_use(session, answer, documents)


async def mark_reformulated(session: WriteSession, message_ids: Sequence[UUID]) -> None:
    """Note that the questions of these answers were asked again in other words."""
    await session.execute(
        update(AskedQuestion)
        .where(AskedQuestion.message_id.in_(message_ids))
        .values(reformulated=True)
    )


async def read_strange_vectors(
    session: ReadSession, encoder: str, limit: int
) -> list[tuple[UUID, str]]:
    """Questions whose vectors another encoder made: the answer's id and the text."""
    rows = await session.execute(
        select(AskedQuestion.message_id, AskedQuestion.text)
        .join(QuestionVector, QuestionVector.message_id == AskedQuestion.message_id)
        .where(QuestionVector.encoder != encoder)
        .order_by(AskedQuestion.asked_at.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def replace_vectors(
    session: WriteSession, vectors: Mapping[UUID, bytes], encoder: str
) -> None:
    """Put the vectors of this encoder in place of another's."""
    for message_id, vector in vectors.items():
        await session.execute(
            update(QuestionVector)
            .where(QuestionVector.message_id == message_id)
            .values(vector=vector, encoder=encoder)
        )


async def _count_use(
    session: WriteSession, answer: PendingAnswer, documents: Mapping[UUID, UUID]
) -> None:
    """One more use of each document that the answer was given or cites."""
    cited = {documents[id] for id in answer.cited if id in documents}
    shown = cited | {documents[id] for id in answer.given if id in documents}
    statement = insert_for(session, DocumentUse)
    statement = statement.on_conflict_do_update(
        index_elements=["document_id", "day"],
        set_={
            "shown": DocumentUse.shown + statement.excluded.shown,
            "cited": DocumentUse.cited + statement.excluded.cited,
        },
    )
    rows = [
        {"document_id": id, "day": answer.asked_at.date(), "shown": 1, "cited": int(id in cited)}
        for id in sorted(shown)
    ]
    if rows:
        await session.execute(statement, rows)


async def _documents_of(session: ReadSession, chunk_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    for start in range(0, len(chunk_ids), _PER_STATEMENT):
        rows = await session.execute(
            select(Chunk.id, Chunk.document_id).where(
                Chunk.id.in_(chunk_ids[start : start + _PER_STATEMENT])
            )
        )
        found |= {row[0]: row[1] for row in rows}
    return found


def _pending(message: Message, workspace_id: UUID, assistant_id: UUID | None) -> PendingAnswer:
    given = message.explanation.get("given", [])
    cited = [citation["chunk_id"] for citation in message.citations]
    return PendingAnswer(
        message_id=message.id,
        conversation_id=message.conversation_id,
        workspace_id=workspace_id,
        assistant_id=assistant_id,
        asked_at=message.created_at,
        query=message.query,
        outcome=_outcome(message, bool(given)),
        confidence=message.explanation.get("confidence"),
        took_ms=message.took_ms,
        model=message.model,
        given=frozenset(UUID(id) for id in given),
        cited=frozenset(UUID(id) for id in cited),
    )


def _outcome(message: Message, given: bool) -> Outcome:
    if message.error_code:
        return Outcome.FAILED
    if message.abstained:
        return Outcome.ABSTAINED
    # An answer that was written from nothing and declined nothing answers a greeting.
    answered = given or bool(message.citations)
    return Outcome.ANSWERED if answered and message.query else Outcome.OTHER
