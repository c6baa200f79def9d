"""Reading and writing rules. A rule is never changed: it ends, and another takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Chunk, Document, KnowledgeBase, RuleRecord, Source, utc_now


@dataclass(frozen=True, slots=True)
class Versions:
    """What grows when a knowledge base's chunks, or its rules, change."""

    statistics: int
    rules: int


async def read_versions(
    session: ReadSession, knowledge_base_ids: Sequence[UUID]
) -> dict[UUID, Versions]:
    """The versions of each knowledge base named that exists."""
    rows = await session.execute(
        select(
            KnowledgeBase.id, KnowledgeBase.statistics_version, KnowledgeBase.rules_version
        ).where(KnowledgeBase.id.in_(knowledge_base_ids))
    )
    return {row.id: Versions(row.statistics_version, row.rules_version) for row in rows}


async def read_active_rules(
    session: ReadSession, knowledge_base_ids: Sequence[UUID]
) -> list[RuleRecord]:
    """The rules that have not been ended, oldest first; those that have expired are among them."""
    rows = await session.scalars(
        select(RuleRecord)
        .where(RuleRecord.knowledge_base_id.in_(knowledge_base_ids), RuleRecord.ended_at.is_(None))
        .order_by(RuleRecord.created_at, RuleRecord.id)
    )
    return list(rows)


async def read_rule_history(
    session: ReadSession, knowledge_base_id: UUID, limit: int = 200
) -> list[RuleRecord]:
    """All rules of a knowledge base, ended ones too, newest first."""
    rows = await session.scalars(
        select(RuleRecord)
        .where(RuleRecord.knowledge_base_id == knowledge_base_id)
        .order_by(RuleRecord.created_at.desc(), RuleRecord.id)
        .limit(limit)
    )
    return list(rows)


async def find_rule(
    session: ReadSession | WriteSession, knowledge_base_id: UUID, rule_id: UUID
) -> RuleRecord:
    """The rule of this knowledge base; raises :class:`NotFound`."""
    rule = await session.get(RuleRecord, rule_id)
    if rule is None or rule.knowledge_base_id != knowledge_base_id:
        raise NotFound(f"There is no rule {rule_id} in this knowledge base.")
    return rule


async def add_rules(session: WriteSession, rules: Sequence[RuleRecord]) -> None:
    """Store new rules; they act from the next search on."""
    session.add_all(rules)
    await session.flush()
    await _rules_changed(session, {rule.knowledge_base_id for rule in rules})


async def end_rule(session: WriteSession, rule: RuleRecord, by: str) -> None:
    """Let a rule act no more. Ending it twice changes nothing."""
    if rule.ended_at is None:
        rule.ended_at, rule.ended_by = utc_now(), by
        await session.flush()
        await _rules_changed(session, {rule.knowledge_base_id})


async def check_target(
    session: WriteSession,
    knowledge_base_id: UUID,
    chunk_id: UUID | None,
    document_id: UUID | None,
    source_id: UUID | None,
) -> None:
    """Raise :class:`NotFound` where one of these is named and not in the knowledge base."""
    named = ((Chunk, chunk_id), (Document, document_id), (Source, source_id))
    for table, id in named:
        if id is None:
            continue
        owner = await session.scalar(select(table.knowledge_base_id).where(table.id == id))
        if owner != knowledge_base_id:
            raise NotFound(
                f"There is no {table.__name__.lower()} {id} in this knowledge base.",
                "It may have been removed or changed since: search again.",
            )


async def read_target_chunks(
    session: ReadSession,
    chunk_ids: Sequence[UUID],
    document_ids: Sequence[UUID] = (),
    source_ids: Sequence[UUID] = (),
    among: Sequence[UUID] | None = None,
) -> list[tuple[UUID, UUID, UUID]]:
    """(chunk, document, source) of the chunks that are named or belong to what is named.

    ``among``: only these chunks. In the order of documents and of their text.
    """
    named = or_(
        Chunk.id.in_(chunk_ids),
        Chunk.document_id.in_(document_ids),
        Chunk.source_id.in_(source_ids),
    )
    query = select(Chunk.id, Chunk.document_id, Chunk.source_id).where(named)
    if among is not None:
        query = query.where(Chunk.id.in_(among))
    rows = await session.execute(query.order_by(Chunk.document_id, Chunk.ordinal))
    return [(row.id, row.document_id, row.source_id) for row in rows]


def is_active(rule: RuleRecord, now: datetime) -> bool:
    """Whether the rule acts at ``now``."""
    return rule.ended_at is None and (rule.expires_at is None or rule.expires_at > now)


async def _rules_changed(session: WriteSession, knowledge_base_ids: set[UUID]) -> None:
    await session.execute(
        update(KnowledgeBase)
        .where(KnowledgeBase.id.in_(knowledge_base_ids))
        .values(rules_version=KnowledgeBase.rules_version + 1)
    )
