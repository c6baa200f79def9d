"""How much there is of everything, over all workspaces: for figures, not for readers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Chunk, Document, Run


@dataclass(frozen=True, slots=True)
class Totals:
    """Documents and runs by state, and the number of chunks."""

    documents: dict[str, int]
    runs: dict[str, int]
    chunks: int


async def totals(session: ReadSession) -> Totals:
    """Count everything."""
    documents = await session.execute(select(Document.state, func.count()).group_by(Document.state))
    runs = await session.execute(select(Run.state, func.count()).group_by(Run.state))
    chunks = await session.scalar(select(func.count()).select_from(Chunk))
    return Totals(
        {str(state): count for state, count in documents.all()},
        {str(state): count for state, count in runs.all()},
        chunks or 0,
    )
