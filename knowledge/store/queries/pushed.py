"""Documents that others push, replace and delete by a name of their own: the external id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import undefer

from knowledge.errors import Conflict, InvalidInput, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.queries.sources import create_source
from knowledge.store.tables import Document, DocumentState, KnowledgeBase, Source, SourceKind
from knowledge.store.tables.base import JsonObject

PUSHED = "Pushed documents"
_HELD = (DocumentState.INDEXED, DocumentState.DUPLICATE, DocumentState.SKIPPED)


@dataclass(frozen=True, slots=True)
class PushedFile:
    """A document as it was pushed; its bytes lie in the files folder under ``sha256``.

    ``told``: what the sender says of it (``title``, ``language``, ``modified_at``), as JSON.
    ``address`` is what citations link to, ``""`` for a document that is on no website.
    """

    external_id: str
    sha256: str
    size_bytes: int
    media_type: str
    address: str = ""
    told: JsonObject = field(default_factory=dict)

    @property
    def given(self) -> JsonObject:
        """``told``, with a hash over it and the bytes: what the content hash is to become."""
        words = json.dumps([self.sha256, self.media_type, self.told], sort_keys=True)
        return self.told | {"hash": hashlib.sha256(words.encode()).hexdigest()}


@dataclass(frozen=True, slots=True)
class Put:
    """What putting a document came to. ``changed``: it has to be read."""

    document: Document
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Webhook:
    """What receiving a message needs of a source. ``secret`` is ``""`` where it takes none."""

    source_id: UUID
    workspace_id: UUID
    secret: str


def document_id(source_id: UUID, external_id: str) -> UUID:
    """The id of a pushed document: known even once its record is gone."""
    return uuid5(source_id, f"push:{external_id}")


async def push_source(
    session: WriteSession, knowledge_base_id: UUID, source_id: UUID | None = None
) -> Source:
    """The source that pushed documents belong to: the one named, or the knowledge base's own.

    Its own is made where it is missing; the knowledge base's row is locked meanwhile, so that
    two pushes at once make one. Raises :class:`NotFound` and :class:`InvalidInput`.
    """
    if source_id is not None:
        return await find_push_source(session, knowledge_base_id, source_id)
    await session.execute(
        select(KnowledgeBase.id).where(KnowledgeBase.id == knowledge_base_id).with_for_update()
    )
    found = await _own_source(session, knowledge_base_id)
    if found is not None:
        return found
    return await create_source(session, knowledge_base_id, SourceKind.PUSH, PUSHED, {})


async def find_push_source(
    session: ReadSession, knowledge_base_id: UUID, source_id: UUID | None
) -> Source:
    """As :func:`push_source`, without making one."""
    if source_id is None:
        found = await _own_source(session, knowledge_base_id)
        if found is None:
            raise NotFound("Nothing was pushed to this knowledge base yet.")
        return found
    source = await session.get(Source, source_id)
    if source is None or source.knowledge_base_id != knowledge_base_id:
        raise NotFound(f"There is no source {source_id}.")
    if source.kind != SourceKind.PUSH:
        raise InvalidInput(
            f"The source {source.name} reads its documents itself ({source.kind}).",
            "Push to a source that was made for it, or leave the source out.",
        )
    return source


async def _own_source(session: ReadSession, knowledge_base_id: UUID) -> Source | None:
    rows = await session.scalars(
        select(Source)
        .where(Source.knowledge_base_id == knowledge_base_id, Source.kind == SourceKind.PUSH)
        .order_by(Source.created_at, Source.id)
    )
    return next((row for row in rows if not row.config.get("webhook")), None)


async def find_pushed(session: ReadSession, source_id: UUID, external_id: str) -> Document:
    """A pushed document. Raises :class:`NotFound`."""
    found = await _find(session, source_id, external_id)
    if found is None:
        raise NotFound(f"There is no document with the external id {external_id!r}.")
    return found


async def put_document(session: WriteSession, source: Source, pushed: PushedFile) -> Put:
    """Add a document, or replace the one with its external id.

    A document that is indexed stays searchable until its new content has taken its place. The
    same once more changes nothing. Raises :class:`Conflict` where another document of the source
    has the address.
    """
    address = pushed.address or f"push:///{quote(pushed.external_id)}"
    document = await _find(session, source.id, pushed.external_id)
    await _check_address(session, source.id, address, pushed.external_id)
    if document is None:
        document = Document(
            id=document_id(source.id, pushed.external_id),
            knowledge_base_id=source.knowledge_base_id,
            source_id=source.id,
            address=address,
            external_id=pushed.external_id,
        )
        session.add(document)
        _fill(document, pushed)
        await session.flush()
        return Put(document, created=True, changed=True)
    is_same = document.given.get("hash") == pushed.given["hash"]
    changed = not is_same or document.state not in _HELD
    if changed:
        _fill(document, pushed)
    document.address = address
    await session.flush()
    return Put(document, created=False, changed=changed)


def _fill(document: Document, pushed: PushedFile) -> None:
    document.given = pushed.given
    document.title = str(pushed.told.get("title") or document.title or pushed.external_id)[:1000]
    document.stored_file = pushed.sha256
    document.size_bytes = pushed.size_bytes
    document.media_type = pushed.media_type
    if document.state != DocumentState.INDEXED:
        document.state = DocumentState.QUEUED


async def _check_address(
    session: ReadSession, source_id: UUID, address: str, external_id: str
) -> None:
    other = await session.scalar(
        select(Document).where(Document.source_id == source_id, Document.address == address)
    )
    if other is not None and other.external_id != external_id:
        raise Conflict(
            f"The address {address} is that of the document {other.external_id!r}.",
            "Give each document an address of its own, or delete the other one first.",
        )


async def _find(session: ReadSession, source_id: UUID, external_id: str) -> Document | None:
    found: Document | None = await session.scalar(
        select(Document).where(Document.source_id == source_id, Document.external_id == external_id)
    )
    return found


async def find_webhook(session: ReadSession, source_id: UUID) -> Webhook | None:
    """The webhook of a source. The caller is known by the signature alone, of no workspace yet."""
    row = (
        await session.execute(
            select(Source, KnowledgeBase.workspace_id)
            .join(KnowledgeBase, KnowledgeBase.id == Source.knowledge_base_id)
            .where(Source.id == source_id, Source.kind == SourceKind.PUSH)
            .options(undefer(Source.webhook_secret))
        )
    ).one_or_none()
    return Webhook(row[0].id, row[1], row[0].webhook_secret) if row else None
