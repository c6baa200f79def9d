"""What is known of a source from before: the addresses that a run begins with or cleans up."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from ingestion.sources.website import FoundPage
from knowledge.store.database import Database
from knowledge.store.tables import Document, DocumentState, ItemState, Run, RunItem, utc_now


class Known:
    """Documents and pages of earlier runs, as the database has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gone_documents(self, source_id: UUID, grace: timedelta) -> list[Document]:
        """Documents of a source that have been missing for longer than ``grace``."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(Document).where(
                    Document.source_id == source_id,
                    Document.state == DocumentState.MISSING,
                    Document.missing_since <= utc_now() - grace,
                )
            )
            return list(rows)

    async def documents_of(self, source_id: UUID) -> list[Document]:
        """All documents of a source, without their texts."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(Document).where(Document.source_id == source_id))
            return list(rows)

    async def known_addresses(self, source_id: UUID) -> list[str]:
        """Addresses of all documents of a source."""
        return await self._addresses(Document.source_id == source_id)

    async def changed_uploads(self, source_id: UUID) -> list[str]:
        """Addresses of files that have not been read, or were replaced since."""
        is_new = Document.state == DocumentState.QUEUED
        is_replaced = Document.content_hash != Document.stored_file
        was_indexed = Document.state == DocumentState.INDEXED
        return await self._addresses(
            Document.source_id == source_id, or_(is_new, and_(was_indexed, is_replaced))
        )

    async def failed_addresses(self, source_id: UUID) -> list[str]:
        """Addresses of a source's documents whose last reading failed."""
        return await self._addresses(Document.source_id == source_id, Document.error_code != "")

    async def indexed_addresses(self, knowledge_base_id: UUID) -> list[str]:
        """Ids, as addresses of items, of all documents of a knowledge base that have chunks."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(Document.id).where(
                    Document.knowledge_base_id == knowledge_base_id, Document.chunk_count > 0
                )
            )
            return [str(row) for row in rows]

    async def _addresses(self, *conditions: ColumnElement[bool]) -> list[str]:
        async with self._database.reading() as session:
            statement = select(Document.address).where(*conditions)
            return list(await session.scalars(statement.order_by(Document.created_at, Document.id)))

    async def unfinished_addresses(self, run: Run) -> list[FoundPage]:
        """Pages that the source's last run before this one found and did not come to."""
        async with self._database.reading() as session:
            last = await session.scalar(
                select(Run.id)
                .where(Run.source_id == run.source_id, Run.created_at < run.created_at)
                .order_by(Run.created_at.desc())
                .limit(1)
            )
            rows = await session.execute(
                select(RunItem.address, RunItem.depth).where(
                    RunItem.run_id == last, RunItem.state == ItemState.FOUND
                )
            )
            return [FoundPage(row[0], row[1]) for row in rows]
