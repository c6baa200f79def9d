"""Counting what was asked, how it was answered, how long it took, and what it was answered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from knowledge.store.database import ReadSession
from knowledge.store.tables import (
    AskedQuestion,
    Assistant,
    AssistantUse,
    Document,
    DocumentState,
    DocumentUse,
    Feedback,
    Handoff,
    KnowledgeBase,
    ModelUse,
    Outcome,
    SearchEvent,
    SearchEventKind,
)

Counted = TypeVar("Counted", AssistantUse, ModelUse)
"""What is counted by assistant and day."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose questions, of which days (UTC, both ends included)."""

    workspace_id: UUID
    first: date
    last: date
    assistant_id: UUID | None = None

    def condition(self) -> ColumnElement[bool]:
        """The questions that are in it; greetings are none."""
        parts = [
            AskedQuestion.workspace_id == self.workspace_id,
            AskedQuestion.day >= self.first,
            AskedQuestion.day <= self.last,
            AskedQuestion.outcome != Outcome.OTHER,
        ]
        if self.assistant_id:
            parts.append(AskedQuestion.assistant_id == self.assistant_id)
        return and_(*parts)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Questions of one day, and how they ended."""

    day: date
    conversations: int
    questions: int
    answered: int
    abstained: int
    failed: int
    helpful: int
    unhelpful: int
    reformulated: int


def was_reformulated(workspace_id: UUID) -> ColumnElement[bool]:
    """Whether a question was asked again: as the vectors tell, or as the widget saw it."""
    seen = select(SearchEvent.message_id).where(
        SearchEvent.workspace_id == workspace_id,
        SearchEvent.kind == SearchEventKind.REFORMULATION,
    )
    return or_(AskedQuestion.reformulated, AskedQuestion.message_id.in_(seen))


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """In how many rows a condition holds."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def count_days(session: ReadSession, scope: Scope) -> list[DayCounts]:
    """Each day that has a question."""
    rows = await session.execute(
        select(
            AskedQuestion.day,
            func.count(AskedQuestion.conversation_id.distinct()),
            func.count(),
            counted(AskedQuestion.outcome == Outcome.ANSWERED),
            counted(AskedQuestion.outcome == Outcome.ABSTAINED),
            counted(AskedQuestion.outcome == Outcome.FAILED),
            counted(Feedback.helpful.is_(True)),
            counted(Feedback.helpful.is_(False)),
            counted(was_reformulated(scope.workspace_id)),
        )
        .outerjoin(Feedback, Feedback.message_id == AskedQuestion.message_id)
        .where(scope.condition())
        .group_by(AskedQuestion.day)
        .order_by(AskedQuestion.day)
    )
    return [DayCounts(row[0], *(int(value) for value in row[1:])) for row in rows]


async def count_conversations(session: ReadSession, scope: Scope) -> int:
    """Conversations with a question; one that goes over midnight counts once."""
    return (
        await session.scalar(
            select(func.count(AskedQuestion.conversation_id.distinct())).where(scope.condition())
        )
        or 0
    )


async def handed_off_at(
    session: ReadSession, scope: Scope, begins: datetime, ends: datetime
) -> list[datetime]:
    """When visitors asked for a person."""
    query = select(Handoff.created_at).where(
        Handoff.workspace_id == scope.workspace_id,
        Handoff.created_at >= begins,
        Handoff.created_at < ends,
    )
    if scope.assistant_id:
        query = query.where(Handoff.assistant_id == scope.assistant_id)
    return list(await session.scalars(query))


async def read_durations(session: ReadSession, scope: Scope) -> dict[str, list[float]]:
    """Milliseconds of every answer, by the model that wrote it; failed turns are left out."""
    rows = await session.execute(
        select(AskedQuestion.model, AskedQuestion.took_ms).where(
            scope.condition(), AskedQuestion.outcome != Outcome.FAILED
        )
    )
    found: dict[str, list[float]] = {}
    for model, took_ms in rows:
        found.setdefault(model, []).append(took_ms)
    return found


async def read_acts(
    session: ReadSession, scope: Scope, begins: datetime, ends: datetime
) -> list[tuple[SearchEventKind, datetime, int | None]]:
    """What visitors did after answers: which act, when, and for a dwell its milliseconds."""
    query = select(SearchEvent.kind, SearchEvent.created_at, SearchEvent.milliseconds).where(
        SearchEvent.workspace_id == scope.workspace_id,
        SearchEvent.created_at >= begins,
        SearchEvent.created_at < ends,
    )
    if scope.assistant_id:
        query = query.where(SearchEvent.assistant_id == scope.assistant_id)
    rows = await session.execute(query)
    return [(SearchEventKind(kind), at, milliseconds) for kind, at, milliseconds in rows]


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Language-model tokens of one assistant on one day."""

    day: date
    assistant_id: UUID
    assistant: str
    questions: int
    tokens: int


async def read_tokens(session: ReadSession, scope: Scope) -> list[TokenUse]:
    """Tokens by day and assistant, of the days that have any question."""
    rows = await session.execute(by_assistant(AssistantUse, scope))
    return [
        TokenUse(row.day, row.assistant_id, name, row.questions, row.tokens) for row, name in rows
    ]


def by_assistant(counted: type[Counted], scope: Scope) -> Select[Counted, str]:
    """What is counted of the assistants in ``scope``, with their names, by day and name."""
    query = (
        select(counted, Assistant.name)
        .join(Assistant, Assistant.id == counted.assistant_id)
        .where(
            Assistant.workspace_id == scope.workspace_id,
            counted.day >= scope.first,
            counted.day <= scope.last,
        )
        .order_by(counted.day, Assistant.name, Assistant.id)
    )
    if scope.assistant_id:
        query = query.where(Assistant.id == scope.assistant_id)
    return query


@dataclass(frozen=True, slots=True)
class DocumentUsage:
    """In how many answers a document's passages were read (``shown``) and cited."""

    document_id: UUID
    source_id: UUID
    knowledge_base_id: UUID
    title: str
    address: str
    shown: int
    cited: int


async def read_document_use(
    session: ReadSession,
    workspace_id: UUID,
    first: date,
    last: date,
    knowledge_base_id: UUID | None = None,
) -> Sequence[DocumentUsage]:
    """The use of every document that can be found, the most cited first, unused ones too."""
    used = (
        select(
            DocumentUse.document_id,
            func.sum(DocumentUse.shown).label("shown"),
            func.sum(DocumentUse.cited).label("cited"),
        )
        .where(DocumentUse.day >= first, DocumentUse.day <= last)
        .group_by(DocumentUse.document_id)
        .subquery()
    )
    shown, cited = (func.coalesce(column, 0) for column in (used.c.shown, used.c.cited))
    query = (
        select(
            Document.id,
            Document.source_id,
            Document.knowledge_base_id,
            Document.title,
            Document.address,
            shown.label("shown"),
            cited.label("cited"),
        )
        .join(KnowledgeBase, KnowledgeBase.id == Document.knowledge_base_id)
        .outerjoin(used, used.c.document_id == Document.id)
        .where(KnowledgeBase.workspace_id == workspace_id, Document.state == DocumentState.INDEXED)
        .order_by(cited.desc(), shown.desc(), Document.address, Document.id)
    )
    if knowledge_base_id:
        query = query.where(Document.knowledge_base_id == knowledge_base_id)
    rows = await session.execute(query)
    return [_usage(row) for row in rows]


def _usage(row: Any) -> DocumentUsage:
    return DocumentUsage(
        document_id=row.id,
        source_id=row.source_id,
        knowledge_base_id=row.knowledge_base_id,
        title=row.title,
        address=row.address,
        shown=int(row.shown),
        cited=int(row.cited),
    )
