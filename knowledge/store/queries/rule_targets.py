"""What rules are about, by name: passages, documents and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Chunk, Document, KnowledgeBase, Source

_IDS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """A passage (``chunk``), ``document`` or ``source``. ``name``: what people know it by."""

    id: UUID
    kind: str
    name: str
    knowledge_base_id: UUID
    document_id: UUID | None = None


async def read_rule_targets(
    session: ReadSession, workspace_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, RuleTarget]:
    """Those of ``ids`` that a passage, document or source of the workspace has."""
    found: dict[UUID, RuleTarget] = {}
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        some = ids[start : start + _IDS_PER_STATEMENT]
        for target in [
            *await _chunks(session, workspace_id, some),
            *await _documents(session, workspace_id, some),
            *await _sources(session, workspace_id, some),
        ]:
            found[target.id] = target
    return found


async def _chunks(
    session: ReadSession, workspace_id: UUID, ids: Sequence[UUID]
) -> list[RuleTarget]:
    rows = await session.execute(
        select(
            Chunk.id,
            Chunk.document_id,
            Chunk.knowledge_base_id,
            Chunk.heading,
            Document.title,
            Document.address,
        )
        .join(Document, Document.id == Chunk.document_id)
        .join(KnowledgeBase, KnowledgeBase.id == Chunk.knowledge_base_id)
        .where(Chunk.id.in_(ids), KnowledgeBase.workspace_id == workspace_id)
    )
    return [
        RuleTarget(
            row.id,
            "chunk",
            " › ".join(dict.fromkeys([row.title or row.address, *row.heading])),
            row.knowledge_base_id,
            row.document_id,
        )
        for row in rows
    ]


async def _documents(
    session: ReadSession, workspace_id: UUID, ids: Sequence[UUID]
) -> list[RuleTarget]:
    rows = await session.execute(
        select(Document.id, Document.knowledge_base_id, Document.title, Document.address)
        .join(KnowledgeBase, KnowledgeBase.id == Document.knowledge_base_id)
        .where(Document.id.in_(ids), KnowledgeBase.workspace_id == workspace_id)
    )
    return [
        RuleTarget(row.id, "document", row.title or row.address, row.knowledge_base_id, row.id)
        for row in rows
    ]


async def _sources(
    session: ReadSession, workspace_id: UUID, ids: Sequence[UUID]
) -> list[RuleTarget]:
    rows = await session.execute(
        select(Source.id, Source.knowledge_base_id, Source.name, Source.kind)
        .join(KnowledgeBase, KnowledgeBase.id == Source.knowledge_base_id)
        .where(Source.id.in_(ids), KnowledgeBase.workspace_id == workspace_id)
    )
    return [
        RuleTarget(row.id, "source", row.name or row.kind, row.knowledge_base_id) for row in rows
    ]
