"""How many documents a filter lets through."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func

from knowledge.store.database import ReadSession
from knowledge.store.queries.documents import DocumentFilter, documents


async def count_documents(session: ReadSession, workspace_id: UUID, wanted: DocumentFilter) -> int:
    """The number of documents of a workspace that a filter lets through."""
    query = documents(workspace_id, wanted).with_only_columns(func.count())
    return await session.scalar(query) or 0
