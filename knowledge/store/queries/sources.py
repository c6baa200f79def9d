"""Sources: where the documents of a knowledge base come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.queries.documents import take_back_counts
from knowledge.store.queries.knowledge_bases import Counts
from knowledge.store.queries.runs import OPEN
from knowledge.store.tables import Chunk, Document, KnowledgeBase, Run, Source, SourceKind
from knowledge.store.tables.base import JsonObject

UPLOADS = "Uploaded files"


@dataclass(frozen=True, slots=True)
class Removed:
    """How much went with something that was removed."""

    documents: int
    chunks: int


def sources(workspace_id: UUID) -> Select[Source]:
    """The sources of a workspace."""
    return (
        select(Source)
        .join(KnowledgeBase, KnowledgeBase.id == Source.knowledge_base_id)
        .where(KnowledgeBase.workspace_id == workspace_id)
    )


async def find_source(session: ReadSession, workspace_id: UUID, source_id: UUID) -> Source:
    """A source by id. Raises :class:`NotFound`."""
    found = await session.scalar(sources(workspace_id).where(Source.id == source_id))
    if found is None:
        raise NotFound(f"There is no source {source_id}.")
    return found


async def upload_source(session: WriteSession, knowledge_base_id: UUID) -> Source:
    """The source of a knowledge base that uploaded files belong to, made where it is missing.

    The knowledge base's row is locked, so that two uploads at once make one.
    """
    await session.execute(
        select(KnowledgeBase.id).where(KnowledgeBase.id == knowledge_base_id).with_for_update()
    )
    found = await session.scalar(
        select(Source)
        .where(Source.knowledge_base_id == knowledge_base_id, Source.kind == SourceKind.UPLOAD)
        .order_by(Source.created_at)
        .limit(1)
    )
    if found is not None:
        return found
    return await create_source(session, knowledge_base_id, SourceKind.UPLOAD, UPLOADS, {})


async def create_source(
    session: WriteSession, knowledge_base_id: UUID, kind: SourceKind, name: str, config: JsonObject
) -> Source:
    """Add a source to a knowledge base."""
    made = Source(knowledge_base_id=knowledge_base_id, kind=kind, name=name, config=config)
    session.add(made)
    await session.flush()
    return made


async def find_by_start(
    session: ReadSession, knowledge_base_id: UUID, kind: SourceKind, start: str
) -> Source | None:
    """The source of this kind that begins at this address, if the knowledge base has one."""
    rows = await session.scalars(
        select(Source).where(Source.knowledge_base_id == knowledge_base_id, Source.kind == kind)
    )
    return next((row for row in rows if row.config.get("start") == start), None)


async def scheduled_sources(session: ReadSession) -> list[Source]:
    """The sources of every workspace that have a schedule, are not paused, and have no open run."""
    busy = select(Run.source_id).where(Run.state.in_(OPEN), Run.source_id.is_not(None))
    rows = await session.scalars(
        select(Source).where(
            Source.schedule != "", Source.paused.is_(False), Source.id.not_in(busy)
        )
    )
    return list(rows)


async def count_by_source(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """What each of the sources named holds."""
    documents = await session.execute(
        select(Document.source_id, Document.state, func.count())
        .where(Document.source_id.in_(ids))
        .group_by(Document.source_id, Document.state)
    )
    chunks = await session.execute(
        select(Chunk.source_id, func.count())
        .where(Chunk.source_id.in_(ids))
        .group_by(Chunk.source_id)
    )
    by_state: dict[UUID, dict[str, int]] = {}
    for source_id, state, count in documents.all():
        by_state.setdefault(source_id, {})[str(state)] = count
    of_chunks = {row[0]: row[1] for row in chunks.all()}
    return {found: Counts(1, by_state.get(found, {}), of_chunks.get(found, 0)) for found in ids}


async def last_runs(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Run]:
    """The newest run of each of the sources named that has one."""
    newest = (
        select(Run.source_id, func.max(Run.created_at).label("newest"))
        .where(Run.source_id.in_(ids))
        .group_by(Run.source_id)
        .subquery()
    )
    rows = await session.scalars(
        select(Run).join(
            newest, (Run.source_id == newest.c.source_id) & (Run.created_at == newest.c.newest)
        )
    )
    return {run.source_id: run for run in rows if run.source_id is not None}


async def remove_source(session: WriteSession, source: Source) -> Removed:
    """Remove a source with its documents, chunks and runs, and take back their terms."""
    documents = await session.scalar(
        select(func.count()).select_from(Document).where(Document.source_id == source.id)
    )
    chunks = await session.scalar(
        select(func.count()).select_from(Chunk).where(Chunk.source_id == source.id)
    )
    await take_back_counts(session, source.knowledge_base_id, Document.source_id == source.id)
    await session.execute(delete(Source).where(Source.id == source.id))
    return Removed(documents or 0, chunks or 0)
