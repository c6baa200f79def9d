"""Questions of a period grouped by their words, for the clusters that insights and gaps show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from knowledge.store.database import ReadSession
from knowledge.store.queries.knowledge_bases import searched_by_default
from knowledge.store.queries.usage import Scope, counted, was_reformulated
from knowledge.store.tables import (
    AskedQuestion,
    Assistant,
    Feedback,
    KnowledgeBase,
    Message,
    Outcome,
    QuestionVector,
)

_KEYS = 500
"""Text keys of one statement."""

_ANSWERS = 300
"""Answers that are read for them."""


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """One question in all its spellings, with the last time that it was asked.

    ``badly``: how often it had no good answer, for one reason or several: ``abstained``,
    ``unhelpful``, ``reformulated``, ``unsure``. ``vector``: ``float16[d]``, empty where there is
    none.
    """

    text_key: str
    text: str
    message_id: UUID
    conversation_id: UUID
    assistant_id: UUID | None
    last_asked: datetime
    asked: int
    badly: int
    abstained: int
    unhelpful: int
    reformulated: int
    unsure: int
    vector: bytes = field(repr=False)


async def read_groups(
    session: ReadSession, scope: Scope, encoder: str, unsure: float, limit: int, only_badly: bool
) -> list[QuestionGroup]:
    """The groups asked most often, or those most often answered badly, at most ``limit``.

    ``unsure``: an answer whose confidence is below this is counted as one that was not good. The
    order is the same every time.
    """
    reasons = {
        "abstained": AskedQuestion.outcome == Outcome.ABSTAINED,
        "unhelpful": Feedback.helpful.is_(False),
        "reformulated": was_reformulated(scope.workspace_id),
        "unsure": and_(
            AskedQuestion.outcome == Outcome.ANSWERED, AskedQuestion.confidence < unsure
        ),
    }
    asked = func.count().label("asked")
    badly = counted(or_(*reasons.values())).label("badly")
    last = func.max(AskedQuestion.asked_at).label("last_asked")
    query = (
        select(
            AskedQuestion.text_key,
            asked,
            badly,
            last,
            *(counted(condition).label(name) for name, condition in reasons.items()),
        )
        .outerjoin(Feedback, Feedback.message_id == AskedQuestion.message_id)
        .where(scope.condition())
        .group_by(AskedQuestion.text_key)
        .order_by((badly if only_badly else asked).desc(), last.desc(), AskedQuestion.text_key)
        .limit(limit)
    )
    if only_badly:
        query = query.having(badly > 0)
    groups = query.subquery()
    rows = await session.execute(
        select(
            groups,
            AskedQuestion.message_id,
            AskedQuestion.conversation_id,
            AskedQuestion.assistant_id,
            AskedQuestion.text,
            QuestionVector.vector,
        )
        .join(
            AskedQuestion,
            and_(
                AskedQuestion.workspace_id == scope.workspace_id,
                AskedQuestion.text_key == groups.c.text_key,
                AskedQuestion.asked_at == groups.c.last_asked,
            ),
        )
        .outerjoin(
            QuestionVector,
            and_(
                QuestionVector.message_id == AskedQuestion.message_id,
                QuestionVector.encoder == encoder,
            ),
        )
        .order_by(
            (groups.c.badly if only_badly else groups.c.asked).desc(),
            groups.c.last_asked.desc(),
            groups.c.text_key,
            AskedQuestion.message_id,
        )
    )
    found: dict[str, QuestionGroup] = {}
    for row in rows:
        # Two messages of one moment: the first stands for both.
        found.setdefault(
            row.text_key,
            QuestionGroup(
                text_key=row.text_key,
                text=row.text,
                message_id=row.message_id,
                conversation_id=row.conversation_id,
                assistant_id=row.assistant_id,
                last_asked=row.last_asked,
                asked=row.asked,
                badly=int(row.badly),
                abstained=int(row.abstained),
                unhelpful=int(row.unhelpful),
                reformulated=int(row.reformulated),
                unsure=int(row.unsure),
                vector=row.vector or b"",
            ),
        )
    return list(found.values())


async def cited_in_bad_answers(
    session: ReadSession, scope: Scope, text_keys: Sequence[str]
) -> dict[str, set[UUID]]:
    """Text key to the chunks cited in answers that visitors found unhelpful, or asked again after.

    Only questions that have such an answer are named; of very many, the last ones count.
    """
    rows = await session.execute(
        select(AskedQuestion.text_key, Message.citations)
        .join(Message, AskedQuestion.message_id == Message.id)
        .outerjoin(Feedback, Feedback.message_id == Message.id)
        .where(
            scope.condition(),
            AskedQuestion.outcome == Outcome.ANSWERED,
            AskedQuestion.text_key.in_(text_keys[:_KEYS]),
            or_(Feedback.helpful.is_(False), was_reformulated(scope.workspace_id)),
        )
        .order_by(AskedQuestion.asked_at.desc())
        .limit(_ANSWERS)
    )
    found: dict[str, set[UUID]] = {}
    for key, citations in rows:
        found.setdefault(key, set()).update(UUID(one["chunk_id"]) for one in citations)
    return found


async def bases_asked(
    session: ReadSession, workspace_id: UUID, assistant_id: UUID | None
) -> tuple[UUID, ...]:
    """The knowledge bases that an assistant reads; those searched by default without one."""
    if assistant_id is None:
        return await searched_by_default(session, workspace_id)
    ids = await session.scalar(
        select(Assistant.knowledge_base_ids).where(
            Assistant.id == assistant_id, Assistant.workspace_id == workspace_id
        )
    )
    return tuple(UUID(id) for id in ids or ())


async def content_states(
    session: ReadSession, knowledge_base_ids: Sequence[UUID]
) -> list[tuple[UUID, int, int]]:
    """Each knowledge base with the versions of its content and of its rules, by id."""
    rows = await session.execute(
        select(KnowledgeBase.id, KnowledgeBase.statistics_version, KnowledgeBase.rules_version)
        .where(KnowledgeBase.id.in_(knowledge_base_ids))
        .order_by(KnowledgeBase.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]
