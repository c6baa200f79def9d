"""What editors made of passages: recorded here first, put into the index by a run of kind ``edit``.

An edit belongs to the words of a document and not to a chunk, whose id changes with its text:
:func:`words_hash` of a chunk as it was read finds the edit again whenever the document is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.queries.documents import find_document
from knowledge.store.queries.runs import queue_run
from knowledge.store.tables import Chunk, Document, PassageEdit, Run, utc_now

EDIT_RUN = "edit"
"""The kind of a run that puts edits into the index; it is of a knowledge base."""

_CHANGES = or_(PassageEdit.text != PassageEdit.original, PassageEdit.hidden)


def words_hash(text: str) -> str:
    """What an edit is found by: the SHA-256 of a passage's own text as it was read."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def edits_to_apply(session: ReadSession, document_id: UUID) -> dict[str, PassageEdit]:
    """The edits of a document that change something, by the hash of the words they change."""
    rows = await session.scalars(
        select(PassageEdit).where(PassageEdit.document_id == document_id, _CHANGES)
    )
    return {row.original_hash: row for row in rows}


async def edits_by_id(session: ReadSession, document_id: UUID) -> dict[UUID, PassageEdit]:
    """All edits of a document."""
    rows = await session.scalars(select(PassageEdit).where(PassageEdit.document_id == document_id))
    return {row.id: row for row in rows}


async def lost_edits(session: ReadSession, document_id: UUID) -> list[PassageEdit]:
    """Edits that no passage has any more, because the document has changed in their words."""
    rows = await session.scalars(
        select(PassageEdit)
        .join(Document, Document.id == PassageEdit.document_id)
        .where(PassageEdit.document_id == document_id, _is_lost())
        .order_by(PassageEdit.updated_at)
    )
    return list(rows)


async def documents_with_lost_edits(
    session: ReadSession, source_id: UUID, limit: int
) -> list[Document]:
    """Documents of a source that have lost the words of an edit."""
    lost = exists().where(PassageEdit.document_id == Document.id, _is_lost())
    rows = await session.scalars(
        select(Document)
        .where(Document.source_id == source_id, Document.chunk_count > 0, lost)
        .order_by(Document.created_at, Document.id)
        .limit(limit)
    )
    return list(rows)


def _is_lost() -> ColumnElement[bool]:
    """Whether an edit is older than its document's content and stands in no chunk of it."""
    stands = exists().where(
        Chunk.document_id == PassageEdit.document_id, Chunk.edit_id == PassageEdit.id
    )
    return and_(PassageEdit.updated_at <= Document.indexed_at, _CHANGES, ~stands)


async def documents_with_open_edits(session: ReadSession, knowledge_base_id: UUID) -> list[UUID]:
    """Documents whose edits are newer than what the index holds."""
    rows = await session.scalars(
        select(Document.id)
        .where(
            Document.knowledge_base_id == knowledge_base_id,
            Document.chunk_count > 0,
            exists().where(
                PassageEdit.document_id == Document.id,
                PassageEdit.updated_at > Document.indexed_at,
            ),
        )
        .order_by(Document.id)
    )
    return list(rows)


async def has_open_edits(session: ReadSession, document: Document) -> bool:
    """Whether an edit of a document waits for its way into the index."""
    if document.indexed_at is None:
        return False
    newest = exists().where(
        PassageEdit.document_id == document.id, PassageEdit.updated_at > document.indexed_at
    )
    return bool(await session.scalar(select(newest)))


async def edit_passage(
    session: WriteSession, chunk: Chunk, editor: str, text: str | None, hidden: bool | None
) -> tuple[PassageEdit, Run]:
    """Change a passage's text, or whether searches find it; ``None`` leaves it as it is.

    Returns the edit, and the run that brings the index up to it.
    """
    edit = await find_edit(session, chunk)
    if edit is None:
        edit = PassageEdit(
            document_id=chunk.document_id,
            original_hash=words_hash(chunk.text),
            original=chunk.text,
            text=chunk.text,
        )
        session.add(edit)
    if text is not None:
        edit.text = text
    if hidden is not None:
        edit.hidden = hidden
        # What is hidden must be out at once, also where a long run is ahead of this one.
        await session.execute(update(Chunk).where(Chunk.id == chunk.id).values(hidden=hidden))
    edit.editor, edit.updated_at = editor[:320], utc_now()
    await session.flush()
    return edit, await queue_run(session, chunk.knowledge_base_id, None, EDIT_RUN)


async def restore_passage(session: WriteSession, chunk: Chunk, editor: str) -> Run:
    """Let a passage be what the document says. Returns the run that does it.

    Raises :class:`NotFound` where nobody has edited it.
    """
    edit = await find_edit(session, chunk)
    if edit is None:
        raise NotFound("Nobody has edited this passage.")
    return (await edit_passage(session, chunk, editor, edit.original, False))[1]


async def discard_edit(session: WriteSession, workspace_id: UUID, edit_id: UUID) -> PassageEdit:
    """Forget an edit that no passage has any more.

    Raises :class:`NotFound`, also for one that a passage has: that one is restored.
    """
    edit = await session.get(PassageEdit, edit_id)
    if edit is not None:
        await find_document(session, workspace_id, edit.document_id)
        if edit.id in {one.id for one in await lost_edits(session, edit.document_id)}:
            await session.execute(delete(PassageEdit).where(PassageEdit.id == edit_id))
            return edit
    raise NotFound(
        f"There is no edit {edit_id} that has lost its passage.",
        "An edit that a passage has is taken back with the passage.",
    )


async def find_edit(session: ReadSession, chunk: Chunk) -> PassageEdit | None:
    """The edit of a passage, also one that the index does not hold yet."""
    if chunk.edit_id is not None:
        return await session.get(PassageEdit, chunk.edit_id)
    return await session.scalar(
        select(PassageEdit).where(
            PassageEdit.document_id == chunk.document_id,
            PassageEdit.original_hash == words_hash(chunk.text),
        )
    )


def edit_of_words(edits: Mapping[str, PassageEdit], text: str) -> PassageEdit | None:
    """The edit of a passage as it was read, if there is one."""
    return edits.get(words_hash(text)) if edits else None
