"""``/knowledge-bases/{id}/documents/{external_id}``: documents that are pushed, not fetched."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, ValidationError

from backend.api.access import Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.pushing import delete, delete_points, file_as_told, file_of_text, put, told_wrong
from backend.api.raw_body import receive_body
from backend.api.routes.runs import view_run
from backend.api.schemas.content import DocumentView, RemovedView
from backend.api.schemas.pushing import PushedText, PushedView, Told, printable
from backend.api.state import AppState, State
from knowledge.errors import InvalidInput, LimitExceeded
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.people import record
from knowledge.store.queries.pushed import PushedFile, find_push_source, find_pushed, push_source

router = APIRouter(
    prefix="/knowledge-bases/{knowledge_base_id}/documents",
    tags=["documents"],
    responses=PROBLEMS,
)

MOST_TEXT_BYTES = 32_000_000
"""The largest JSON body with a text or HTML in it; files may be larger."""

ExternalId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=400,
        description="The sender's own name for the document; slashes are part of it.",
        examples=["shop/returns"],
    ),
    AfterValidator(printable),
]
OfSource = Annotated[
    UUID | None,
    Query(description="A source for pushed documents; left out: the knowledge base's own."),
]


class ToldOfFile(Told):
    """What is told of a file in the query."""

    name: str = Query(default="", max_length=200, description="A file name, for its ending.")
    source: UUID | None = None


@router.put(
    "/{external_id:path}",
    response_model=PushedView,
    summary="Push a document",
    responses={201: {"model": PushedView, "description": "The document is new"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/PushedText"},
                    "example": {
                        "title": "Returns",
                        "text": "Goods can be returned within 30 days.",
                        "address": "https://www.example.com/returns",
                        "language": "en",
                    },
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def push_document(
    knowledge_base_id: UUID,
    external_id: ExternalId,
    told: Annotated[ToldOfFile, Query()],
    request: Request,
    response: Response,
    caller: Editor,
    state: State,
) -> PushedView:
    """Add a document, or replace the one with this external id, and queue the run that reads it.

    As ``application/json`` the body holds a text or HTML with what is told of it; a body of any
    other type is the file itself, and what is told of it is in the query. The same once more
    changes nothing.
    """
    async with state.database.reading() as reading:
        await find_knowledge_base(reading, caller.workspace_id, knowledge_base_id)
    pushed = await _receive(state, request, external_id, told)
    async with state.database.writing() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        source = await push_source(session, base.id, told.source)
        done, run = await put(session, source, pushed)
        if done.changed:
            record(session, caller.workspace_id, caller.actor, "document.push", external_id)
        view = PushedView(
            document=DocumentView.of(done.document),
            created=done.created,
            changed=done.changed,
            run=await view_run(session, run) if run else None,
        )
    state.wake()
    response.status_code = 201 if done.created else 200
    return view


@router.get("/{external_id:path}", summary="Read a pushed document")
async def read_pushed(
    knowledge_base_id: UUID,
    external_id: ExternalId,
    caller: Viewer,
    state: State,
    source: OfSource = None,
) -> DocumentView:
    """The document with an external id: where it stands, and what is wrong with it."""
    async with state.database.reading() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        of = await find_push_source(session, base.id, source)
        return DocumentView.of(await find_pushed(session, of.id, external_id))


@router.delete("/{external_id:path}", summary="Delete a pushed document")
async def delete_pushed(
    knowledge_base_id: UUID,
    external_id: ExternalId,
    caller: Editor,
    state: State,
    source: OfSource = None,
) -> RemovedView:
    """Remove the document with an external id. Deleting it once more removes nothing."""
    async with state.database.writing() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        of = await push_source(session, base.id, source)
        deleted = await delete(session, of, external_id)
        if deleted.documents:
            record(session, caller.workspace_id, caller.actor, "document.remove", external_id)
    await delete_points(state, deleted)
    state.wake()
    return RemovedView(documents=deleted.documents, chunks=deleted.chunks)


async def _receive(
    state: AppState, request: Request, external_id: str, told: ToldOfFile
) -> PushedFile:
    media_type = request.headers.get("content-type", "")
    if media_type.split(";")[0].strip().lower() == "application/json":
        return await file_of_text(state, external_id, await _text(request))
    sha256, size = await receive_body(
        request.stream(), state.options.files_folder, state.options.upload_max_bytes
    )
    if not size:
        raise InvalidInput("The body is empty.", "Send the document, or delete it.")
    state.metrics.uploads.inc(size)
    return file_as_told(external_id, sha256, size, media_type, told, told.name)


async def _text(request: Request) -> PushedText:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_TEXT_BYTES:
            raise LimitExceeded(
                f"The text is over {MOST_TEXT_BYTES:,} bytes.", "Push it as a file instead."
            )
    try:
        return PushedText.model_validate_json(bytes(body))
    except ValidationError as error:
        raise told_wrong(error) from error
