"""Knowledge bases: finding, counting, making and removing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Assistant, Chunk, Document, KnowledgeBase, Source


@dataclass(frozen=True, slots=True)
class Counts:
    """What a knowledge base or a source holds. ``documents``: number by state."""

    sources: int = 0
    documents: dict[str, int] = field(default_factory=dict)
    chunks: int = 0


def knowledge_bases(workspace_id: UUID) -> Select[KnowledgeBase]:
    """The knowledge bases of a workspace."""
    return select(KnowledgeBase).where(KnowledgeBase.workspace_id == workspace_id)


async def find_knowledge_base(
    session: ReadSession, workspace_id: UUID, name_or_id: str | UUID
) -> KnowledgeBase:
    """A knowledge base by name or id. Raises :class:`NotFound`."""
    found = None
    wanted = name_or_id if isinstance(name_or_id, UUID) else _as_uuid(name_or_id)
    if wanted is not None:
        found = await session.scalar(
            knowledge_bases(workspace_id).where(KnowledgeBase.id == wanted)
        )
    if found is None and isinstance(name_or_id, str):
        found = await session.scalar(
            knowledge_bases(workspace_id).where(KnowledgeBase.name == name_or_id)
        )
    if found is None:
        raise NotFound(
            f"There is no knowledge base {name_or_id}.",
            "`candor status` and GET /api/v1/knowledge-bases list those there are.",
        )
    return found


async def searched_by_default(session: ReadSession, workspace_id: UUID) -> tuple[UUID, ...]:
    """What is searched where nobody says: all knowledge bases but the sample's.

    The sample's is searched as long as there is no other.
    """
    every = list(
        await session.scalars(
            select(KnowledgeBase.id)
            .where(KnowledgeBase.workspace_id == workspace_id)
            .order_by(KnowledgeBase.created_at, KnowledgeBase.id)
        )
    )
    samples = await session.scalars(
        select(Assistant.knowledge_base_ids).where(
            Assistant.workspace_id == workspace_id, Assistant.sample
        )
    )
    sample = {UUID(text) for ids in samples for text in ids}
    own = [found for found in every if found not in sample]
    return tuple(own or every)


async def create_knowledge_base(
    session: WriteSession, workspace_id: UUID, name: str, description: str = ""
) -> KnowledgeBase:
    """Make a knowledge base. Raises :class:`Conflict` where the name is taken."""
    made = KnowledgeBase(workspace_id=workspace_id, name=name, description=description)
    session.add(made)
    await flush_named(session, name)
    return made


async def flush_named(session: WriteSession, name: str) -> None:
    """Write a knowledge base's name. Raises :class:`Conflict` where it is taken."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"There is a knowledge base {name} already.", "Use it, or choose another name."
        ) from error


async def remove_knowledge_base(session: WriteSession, knowledge_base_id: UUID) -> None:
    """Remove a knowledge base with all that is in it, from the database and from assistants."""
    readers = await session.scalars(
        select(Assistant)
        .join(KnowledgeBase, KnowledgeBase.workspace_id == Assistant.workspace_id)
        .where(KnowledgeBase.id == knowledge_base_id)
    )
    for assistant in readers:
        assistant.knowledge_base_ids = [
            text for text in assistant.knowledge_base_ids if text != str(knowledge_base_id)
        ]
    await session.execute(delete(KnowledgeBase).where(KnowledgeBase.id == knowledge_base_id))


async def count_by_knowledge_base(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """What each of the knowledge bases named holds."""
    sources = await session.execute(
        select(Source.knowledge_base_id, func.count())
        .where(Source.knowledge_base_id.in_(ids))
        .group_by(Source.knowledge_base_id)
    )
    documents = await session.execute(
        select(Document.knowledge_base_id, Document.state, func.count())
        .where(Document.knowledge_base_id.in_(ids))
        .group_by(Document.knowledge_base_id, Document.state)
    )
    chunks = await session.execute(
        select(Chunk.knowledge_base_id, func.count())
        .where(Chunk.knowledge_base_id.in_(ids))
        .group_by(Chunk.knowledge_base_id)
    )
    by_state: dict[UUID, dict[str, int]] = {}
    for knowledge_base_id, state, count in documents.all():
        by_state.setdefault(knowledge_base_id, {})[str(state)] = count
    of_sources = {row[0]: row[1] for row in sources.all()}
    of_chunks = {row[0]: row[1] for row in chunks.all()}
    return {
        found: Counts(of_sources.get(found, 0), by_state.get(found, {}), of_chunks.get(found, 0))
        for found in ids
    }


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
