"""What is known of a source from before: the documents that a run begins with or cleans up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Document, DocumentState, utc_now


async def gone_documents(session: ReadSession, source_id: UUID, grace: timedelta) -> list[Document]:
    """Documents of a source that have been missing for longer than ``grace``."""
    rows = await session.scalars(
        select(Document).where(
            Document.source_id == source_id,
            Document.state == DocumentState.MISSING,
            Document.missing_since <= utc_now() - grace,
        )
    )
    return list(rows)


async def documents_of(session: ReadSession, source_id: UUID) -> list[Document]:
    """All documents of a source, without their texts."""
    return list(await session.scalars(select(Document).where(Document.source_id == source_id)))


async def documents_at(
    session: ReadSession, source_id: UUID, addresses: Sequence[str]
) -> list[Document]:
    """The documents that a source has at some addresses, at most a few hundred, without texts."""
    here = (Document.source_id == source_id, Document.address.in_(addresses))
    return list(await session.scalars(select(Document).where(*here)))


async def known_addresses(session: ReadSession, source_id: UUID) -> list[tuple[str, int]]:
    """Address and depth of all documents of a source, the oldest first."""
    return await _pages(session, Document.source_id == source_id)


async def changed_uploads(session: ReadSession, source_id: UUID) -> list[str]:
    """Addresses of files that have not been read, or were replaced since."""
    is_new = Document.state == DocumentState.QUEUED
    wanted = func.coalesce(Document.given["hash"].as_string(), Document.stored_file)
    is_replaced = Document.content_hash != wanted
    was_indexed = Document.state == DocumentState.INDEXED
    return await _addresses(
        session, Document.source_id == source_id, or_(is_new, and_(was_indexed, is_replaced))
    )


async def pages_to_retry(
    session: ReadSession, source_id: UUID, document_id: UUID | None
) -> list[tuple[str, int]]:
    """Address and depth of one document of a source, or of all whose last reading failed."""
    is_wanted = Document.id == document_id if document_id else Document.error_code != ""
    return await _pages(session, Document.source_id == source_id, is_wanted)


async def ids_with_chunks(session: ReadSession, knowledge_base_id: UUID) -> list[UUID]:
    """Ids of all documents of a knowledge base that have chunks."""
    rows = await session.scalars(
        select(Document.id).where(
            Document.knowledge_base_id == knowledge_base_id, Document.chunk_count > 0
        )
    )
    return list(rows)


async def _addresses(session: ReadSession, *conditions: ColumnElement[bool]) -> list[str]:
    return [address for address, _ in await _pages(session, *conditions)]


async def _pages(session: ReadSession, *conditions: ColumnElement[bool]) -> list[tuple[str, int]]:
    """Address and depth of documents, the oldest first."""
    columns = select(Document.address, Document.depth).where(*conditions)
    rows = await session.execute(columns.order_by(Document.created_at, Document.id))
    return [(row.address, row.depth) for row in rows]
