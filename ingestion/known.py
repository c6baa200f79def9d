"""What is known of a source from before: the addresses that a run begins with or cleans up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from ingestion.sources.pages import held_of
from ingestion.sources.website import FoundPage, Held
from knowledge.store.database import Database
from knowledge.store.queries import source_documents
from knowledge.store.queries.passage_edits import documents_with_open_edits
from knowledge.store.queries.run_items import found_by_the_last_run
from knowledge.store.tables import Document, Run


class Known:
    """Documents and pages of earlier runs, as the database has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gone_documents(self, source_id: UUID, grace: timedelta) -> list[Document]:
        """Documents of a source that have been missing for longer than ``grace``."""
        async with self._database.reading() as session:
            return await source_documents.gone_documents(session, source_id, grace)

    async def documents_of(self, source_id: UUID) -> list[Document]:
        """All documents of a source, without their texts."""
        async with self._database.reading() as session:
            return await source_documents.documents_of(session, source_id)

    async def known_pages(self, source_id: UUID) -> list[FoundPage]:
        """The pages of all documents of a source."""
        async with self._database.reading() as session:
            found = await source_documents.known_addresses(session, source_id)
        return [FoundPage(*page) for page in found]

    async def held_pages(self, source_id: UUID, addresses: Sequence[str]) -> dict[str, Held]:
        """What is held of those addresses of a source that were read before."""
        async with self._database.reading() as session:
            rows = await source_documents.documents_at(session, source_id, addresses)
        return {row.address: held for row in rows if (held := held_of(row))}

    async def changed_uploads(self, source_id: UUID) -> list[str]:
        """Addresses of files that have not been read, or were replaced since."""
        async with self._database.reading() as session:
            return await source_documents.changed_uploads(session, source_id)

    async def pages_to_retry(self, source_id: UUID, document_id: UUID | None) -> list[FoundPage]:
        """The page of one document of a source, or of all whose last reading failed."""
        async with self._database.reading() as session:
            found = await source_documents.pages_to_retry(session, source_id, document_id)
        return [FoundPage(*page) for page in found]

    async def indexed_addresses(self, knowledge_base_id: UUID) -> list[str]:
        """Ids, as addresses of items, of all documents of a knowledge base that have chunks."""
        async with self._database.reading() as session:
            ids = await source_documents.ids_with_chunks(session, knowledge_base_id)
        return [str(found) for found in ids]

    async def edited_addresses(self, knowledge_base_id: UUID) -> list[str]:
        """Ids, as addresses of items, of documents whose edits the index does not hold yet."""
        async with self._database.reading() as session:
            ids = await documents_with_open_edits(session, knowledge_base_id)
        return [str(found) for found in ids]

    async def unfinished_addresses(self, run: Run) -> list[FoundPage]:
        """Pages that the source's last crawl before this run found and that have no document."""
        async with self._database.reading() as session:
            return [FoundPage(*found) for found in await found_by_the_last_run(session, run)]
