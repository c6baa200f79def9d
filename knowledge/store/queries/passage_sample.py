"""A sample of a knowledge base's passages that is the same every time."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select

from knowledge.store.database import ReadSession
from knowledge.store.passages import Passage, read_passages
from knowledge.store.tables import Chunk, Document

_SHORTEST = 160
"""Characters below which a passage is seldom more than a heading or a menu."""


async def sample_passages(
    session: ReadSession, knowledge_base_id: UUID, count: int, without: Collection[str]
) -> list[Passage]:
    """One passage of each of ``count`` documents, none of those at the addresses ``without``.

    The ids of chunks are hashes (UUIDv5): their order is as good as random, and never changes.
    """
    place = func.row_number().over(partition_by=Chunk.document_id, order_by=Chunk.id)
    placed = (
        select(Chunk.id, Chunk.document_id, place.label("place"))
        .where(Chunk.knowledge_base_id == knowledge_base_id, func.length(Chunk.text) >= _SHORTEST)
        .subquery()
    )
    rows = await session.execute(
        select(placed.c.id, Document.address)
        .join(Document, Document.id == placed.c.document_id)
        .where(placed.c.place == 1)
        .order_by(placed.c.id)
        .limit(count + len(without))
    )
    ids = [row.id for row in rows if row.address not in without][:count]
    passages = await read_passages(session, ids)
    return [passages[id] for id in ids]
