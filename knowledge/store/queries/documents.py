"""Documents and their chunks: listing, reading, queueing and removing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import undefer

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.statistics import join_counts, replace_counts
from knowledge.store.tables import Chunk, Document, DocumentState, KnowledgeBase
from knowledge.store.tables.base import JsonObject


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents are wanted; ``None`` and ``""`` ask for all.

    ``text`` is in the title or the address, ``address`` the whole of it.
    """

    knowledge_base_id: UUID | None = None
    source_id: UUID | None = None
    state: DocumentState | None = None
    text: str = ""
    address: str = ""


def documents(workspace_id: UUID, wanted: DocumentFilter | None = None) -> Select[Document]:
    """The documents of a workspace that a filter lets through."""
    query = (
        select(Document)
        .join(KnowledgeBase, KnowledgeBase.id == Document.knowledge_base_id)
        .where(KnowledgeBase.workspace_id == workspace_id)
    )
    if wanted is None:
        return query
    if wanted.knowledge_base_id:
        query = query.where(Document.knowledge_base_id == wanted.knowledge_base_id)
    if wanted.source_id:
        query = query.where(Document.source_id == wanted.source_id)
    if wanted.state:
        query = query.where(Document.state == wanted.state)
    if wanted.address:
        query = query.where(Document.address == wanted.address)
    if wanted.text:
        query = query.where(
            or_(
                Document.title.icontains(wanted.text, autoescape=True),
                Document.address.icontains(wanted.text, autoescape=True),
            )
        )
    return query


async def find_document(
    session: ReadSession, workspace_id: UUID, document_id: UUID, with_text: bool = False
) -> Document:
    """A document by id. Raises :class:`NotFound`."""
    query = documents(workspace_id).where(Document.id == document_id)
    if with_text:
        query = query.options(undefer(Document.text))
    found = await session.scalar(query)
    if found is None:
        raise NotFound(f"There is no document {document_id}.")
    return found


async def read_chunks(
    session: ReadSession, document_id: UUID, after: int, limit: int
) -> list[Chunk]:
    """Chunks of a document in their order, those after the ordinal ``after``."""
    rows = await session.scalars(
        select(Chunk)
        .where(Chunk.document_id == document_id, Chunk.ordinal > after)
        .order_by(Chunk.ordinal)
        .limit(limit)
    )
    return list(rows)


async def find_chunk(
    session: ReadSession, workspace_id: UUID, chunk_id: UUID
) -> tuple[Chunk, Document]:
    """A chunk and its document. Raises :class:`NotFound`."""
    row = (
        await session.execute(
            select(Chunk, Document)
            .join(Document, Document.id == Chunk.document_id)
            .join(KnowledgeBase, KnowledgeBase.id == Chunk.knowledge_base_id)
            .where(Chunk.id == chunk_id, KnowledgeBase.workspace_id == workspace_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no chunk {chunk_id}.", "Its document may have changed: search again."
        )
    return row[0], row[1]


@dataclass(frozen=True, slots=True)
class QueuedFile:
    """A file that lies in the files folder and is to be read.

    ``stored_file`` is its name there: the SHA-256 of its bytes in hex. ``given`` goes with its
    document.
    """

    address: str
    title: str
    stored_file: str
    size_bytes: int
    media_type: str
    given: JsonObject = field(default_factory=dict)


async def document_at(session: ReadSession, source_id: UUID, address: str) -> Document | None:
    """The document that a source has at an address."""
    return await session.scalar(
        select(Document).where(Document.source_id == source_id, Document.address == address)
    )


async def queue_files(
    session: WriteSession, knowledge_base_id: UUID, source_id: UUID, files: Sequence[QueuedFile]
) -> list[Document]:
    """Put files among a source's documents, each in place of the one with its address.

    A document that is indexed keeps its state and stays searchable until its new content has
    taken its place.
    """
    addresses = [file.address for file in files]
    known: dict[str, Document] = {}
    for start in range(0, len(addresses), 500):
        rows = await session.scalars(
            select(Document).where(
                Document.source_id == source_id,
                Document.address.in_(addresses[start : start + 500]),
            )
        )
        known |= {row.address: row for row in rows}
    for file in files:
        document = known.get(file.address)
        if document is None:
            document = Document(
                knowledge_base_id=knowledge_base_id, source_id=source_id, address=file.address
            )
            session.add(document)
            known[file.address] = document
        document.title = document.title or file.title
        document.stored_file = file.stored_file
        document.size_bytes = file.size_bytes
        document.media_type = file.media_type
        document.given = file.given
        if document.state != DocumentState.INDEXED:
            document.state = DocumentState.QUEUED
    await session.flush()
    return [known[address] for address in dict.fromkeys(addresses)]


async def remove_document(session: WriteSession, document: Document) -> int:
    """Remove a document with its chunks, and take back its terms. Returns how many chunks."""
    chunks = await session.scalar(
        select(func.count()).select_from(Chunk).where(Chunk.document_id == document.id)
    )
    await take_back_counts(session, document.knowledge_base_id, Document.id == document.id)
    await session.execute(delete(Document).where(Document.id == document.id))
    return chunks or 0


async def take_back_counts(
    session: WriteSession, knowledge_base_id: UUID, condition: ColumnElement[bool]
) -> None:
    """Take what the documents that match added to the term statistics out of them again."""
    packed = await session.scalars(
        select(Document.term_counts).where(condition, Document.term_counts != b"")
    )
    await replace_counts(session, knowledge_base_id, before=join_counts(packed), after=b"")


async def failures(session: ReadSession, workspace_id: UUID, limit: int) -> list[JsonObject]:
    """The newest documents that could not be read, each with its reason."""
    rows = await session.scalars(
        documents(workspace_id, DocumentFilter(state=DocumentState.FAILED))
        .order_by(Document.created_at.desc())
        .limit(limit)
    )
    return [
        {
            "document_id": str(row.id),
            "address": row.address,
            "code": row.error_code,
            "detail": row.error_detail,
            "action": row.error_action,
        }
        for row in rows
    ]
