"""``/documents`` and ``/chunks``"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from backend.api.access import Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.routes.runs import view_run
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.content import (
    ChunkInDocument,
    ChunkView,
    DocumentText,
    DocumentView,
    RemovedView,
)
from backend.api.schemas.runs import RunView
from backend.api.state import State
from knowledge.errors import Conflict, InvalidInput
from knowledge.index.conditions import belonging_to
from knowledge.store.paging import read_page
from knowledge.store.queries import documents as queries
from knowledge.store.queries.people import record
from knowledge.store.queries.runs import RETRY_RUN, queue_run
from knowledge.store.queries.sources import find_source
from knowledge.store.tables import Document, DocumentState

router = APIRouter(tags=["documents"], responses=PROBLEMS)


@router.get("/documents", summary="List documents")
async def list_documents(
    caller: Viewer,
    state: State,
    paging: Paging,
    knowledge_base: Annotated[UUID | None, Query()] = None,
    source: Annotated[UUID | None, Query()] = None,
    document_state: Annotated[DocumentState | None, Query(alias="state")] = None,
    text: Annotated[str, Query(max_length=200, description="In the title or address.")] = "",
    address: Annotated[str, Query(max_length=2000, description="At this very address.")] = "",
) -> PageView[DocumentView]:
    """Documents of the workspace, those that were found first first."""
    wanted = queries.DocumentFilter(knowledge_base, source, document_state, text, address)
    query = queries.documents(caller.workspace_id, wanted)
    async with state.database.reading() as session:
        page = await read_page(session, query, Document, paging)
    return PageView.of(page.map(DocumentView.of))


@router.get("/documents/{document_id}", summary="Read a document")
async def read_document(document_id: UUID, caller: Viewer, state: State) -> DocumentText:
    """One document with its text as Markdown."""
    async with state.database.reading() as session:
        found = await queries.find_document(
            session, caller.workspace_id, document_id, with_text=True
        )
    return DocumentText(**DocumentView.of(found).model_dump(), text=found.text)


@router.get("/documents/{document_id}/chunks", summary="List the chunks of a document")
async def list_chunks(
    document_id: UUID, caller: Viewer, state: State, paging: Paging
) -> PageView[ChunkView]:
    """The passages of a document, in their order."""
    if paging.cursor and not paging.cursor.isdigit():
        raise InvalidInput(
            "The cursor is not one that a list gave.", "Leave it out to start at the first page."
        )
    after = int(paging.cursor) if paging.cursor else -1
    async with state.database.reading() as session:
        found = await queries.find_document(session, caller.workspace_id, document_id)
        rows = await queries.read_chunks(session, found.id, after, paging.limit + 1)
    shown = rows[: paging.limit]
    more = str(shown[-1].ordinal) if len(rows) > len(shown) else None
    return PageView(items=[ChunkView.of(row) for row in shown], next_cursor=more)


@router.delete("/documents/{document_id}", summary="Remove a document")
async def remove_document(document_id: UUID, caller: Editor, state: State) -> RemovedView:
    """Remove a document with its chunks. A website's next run finds it again."""
    async with state.database.writing() as session:
        found = await queries.find_document(session, caller.workspace_id, document_id)
        chunks = await queries.remove_document(session, found)
        record(session, caller.workspace_id, caller.actor, "document.remove", found.address[:400])
    await state.index.delete(belonging_to("document", document_id))
    return RemovedView(documents=1, chunks=chunks)


@router.post(
    "/documents/{document_id}/retry",
    status_code=201,
    response_model=RunView,
    summary="Try a document again",
)
async def retry_document(
    document_id: UUID, caller: Editor, state: State, repetition: Once
) -> RunView | JSONResponse:
    """Queue a run that reads this document alone: a page is fetched again, a file parsed again.

    Meant for one that failed. One that has not changed stays as it is.
    """
    async with state.database.writing() as session:
        found = await queries.find_document(session, caller.workspace_id, document_id)
        source = await find_source(session, caller.workspace_id, found.source_id)
        if source.paused:
            raise Conflict(f"The source {source.name} is paused.", "Let it go on first.")

        async def make() -> RunView:
            run = await queue_run(
                session, found.knowledge_base_id, source.id, RETRY_RUN, document_id
            )
            record(
                session, caller.workspace_id, caller.actor, "document.retry", found.address[:400]
            )
            return await view_run(session, run)

        made = await repetition.once(session, caller, str(document_id), make)
    state.wake()
    return made


@router.get("/chunks/{chunk_id}", summary="Read a chunk")
async def read_chunk(chunk_id: UUID, caller: Viewer, state: State) -> ChunkInDocument:
    """A passage with its document."""
    async with state.database.reading() as session:
        chunk, document = await queries.find_chunk(session, caller.workspace_id, chunk_id)
    return ChunkInDocument(**ChunkView.of(chunk).model_dump(), document=DocumentView.of(document))
