"""``/sources``, and adding to a knowledge base: websites, texts, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import JSONResponse

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS, problem
from backend.api.idempotency import Once
from backend.api.multipart import Received, receive_files
from backend.api.routes.runs import view_run, view_runs
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.content import (
    ChangedRules,
    NewFeed,
    NewSource,
    NewText,
    NewWebsite,
    RemovedView,
    SourceChange,
    SourceCreated,
    SourceView,
    Uploaded,
    UploadedFile,
)
from backend.api.schemas.runs import RunView
from backend.api.schemas.written import NewPairs
from backend.api.state import State
from backend.api.written import create_written
from knowledge.errors import Conflict, InvalidInput
from knowledge.index.conditions import belonging_to
from knowledge.schedule import next_time
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.paging import Page, read_page
from knowledge.store.queries import sources as queries
from knowledge.store.queries.documents import QueuedFile, queue_files
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.people import record
from knowledge.store.queries.runs import queue_run
from knowledge.store.tables import Source, SourceKind, utc_now

router = APIRouter(tags=["sources"], responses=PROBLEMS)

UPLOADS = "/uploads"
UPLOAD_ADDRESS = "upload:///"

_RULES = {
    SourceKind.WEBSITE: frozenset(ChangedRules.model_fields),
    SourceKind.FEED: frozenset({"max_pages"}),
}


@router.get("/sources", summary="List sources")
async def list_sources(
    caller: Viewer,
    state: State,
    paging: Paging,
    knowledge_base: Annotated[UUID | None, Query(description="Only of this one.")] = None,
) -> PageView[SourceView]:
    """All sources of the workspace or of one knowledge base, with their newest run."""
    query = queries.sources(caller.workspace_id)
    if knowledge_base is not None:
        query = query.where(Source.knowledge_base_id == knowledge_base)
    async with state.database.reading() as session:
        page = await read_page(session, query, Source, paging)
        views = await _view(session, page.items)
    return PageView.of(Page(views, page.next_cursor))


@router.post(
    "/knowledge-bases/{knowledge_base_id}/sources",
    status_code=201,
    response_model=SourceCreated,
    summary="Add a website, a feed or a text",
)
async def create_source(
    knowledge_base_id: UUID,
    body: Annotated[NewSource, Body()],
    caller: Editor,
    state: State,
    repetition: Once,
) -> SourceCreated | JSONResponse:
    """Add a source and queue the run that reads it. A website or feed that is there already is
    read anew, with the rules given; those that are left out stay as they are.
    """
    async with state.database.writing() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)

        async def make() -> SourceCreated:
            if isinstance(body, NewText | NewPairs):
                written = body.text if isinstance(body, NewText) else body.pairs
                folder = state.options.files_folder
                source = await create_written(session, folder, base.id, body.title, written)
            else:
                source = await _crawled(session, base.id, body)
            run = await queue_run(session, base.id, source.id)
            record(session, caller.workspace_id, caller.actor, "source.create", source.name)
            (view,) = await _view(session, [source])
            return SourceCreated(source=view, run=await view_run(session, run))

        made = await repetition.once(session, caller, body, make)
    state.wake()
    return made


@router.post(
    "/knowledge-bases/{knowledge_base_id}" + UPLOADS,
    status_code=201,
    response_model=Uploaded,
    summary="Upload files",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "files": {
                                "type": "array",
                                "items": {"type": "string", "format": "binary"},
                            }
                        },
                    }
                }
            },
        }
    },
)
async def upload_files(
    knowledge_base_id: UUID, request: Request, caller: Editor, state: State, repetition: Once
) -> Uploaded | JSONResponse:
    """Upload one or many files and queue the run that reads them. A file takes the place of the
    one with its name. Files over the limit are named in ``refused``; the rest goes on.
    """
    async with state.database.reading() as reading:
        base = await find_knowledge_base(reading, caller.workspace_id, knowledge_base_id)
    received = await receive_files(
        request.headers.get("content-type", ""),
        request.stream(),
        state.options.files_folder,
        state.options.upload_max_bytes,
    )
    if not received.files and not received.refused:
        raise InvalidInput("There is no file in the upload.", "Name at least one.")
    state.metrics.uploads.inc(sum(file.size_bytes for file in received.files))
    content = json.dumps([(file.name, file.sha256) for file in received.files])
    async with state.database.writing() as session:

        async def make() -> Uploaded:
            return await _queue_upload(session, caller, base.id, received)

        made = await repetition.once(session, caller, content, make)
    state.wake()
    return made


@router.get("/sources/{source_id}", summary="Read a source")
async def read_source(source_id: UUID, caller: Viewer, state: State) -> SourceView:
    """One source with what it holds and its newest run."""
    async with state.database.reading() as session:
        source = await queries.find_source(session, caller.workspace_id, source_id)
        (view,) = await _view(session, [source])
    return view


@router.patch("/sources/{source_id}", summary="Change a source")
async def change_source(
    source_id: UUID, body: SourceChange, caller: Editor, state: State
) -> SourceView:
    """Change the name, the schedule or a website's rules, or keep the source from being read while
    it is paused.
    """
    async with state.database.writing() as session:
        source = await queries.find_source(session, caller.workspace_id, source_id)
        if body.name is not None:
            source.name = body.name
        if body.paused is not None:
            source.paused = body.paused
        if body.schedule is not None:
            _check_schedule(body.schedule)
            source.schedule = body.schedule
        if body.rules is not None:
            source.config = _with_rules(source, body.rules)
        record(
            session,
            caller.workspace_id,
            caller.actor,
            "source.change",
            source.name,
            body.model_dump(mode="json", exclude_none=True),
        )
        (view,) = await _view(session, [source])
    return view


@router.post(
    "/sources/{source_id}/runs",
    status_code=201,
    response_model=RunView,
    summary="Read a source now",
)
async def run_source(
    source_id: UUID, caller: Editor, state: State, repetition: Once
) -> RunView | JSONResponse:
    """Queue a run. What has not changed is not read or encoded again."""
    async with state.database.writing() as session:
        source = await queries.find_source(session, caller.workspace_id, source_id)
        if source.paused:
            raise Conflict(f"The source {source.name} is paused.", "Let it go on first.")

        async def make() -> RunView:
            run = await queue_run(session, source.knowledge_base_id, source.id)
            record(session, caller.workspace_id, caller.actor, "source.run", source.name)
            return await view_run(session, run)

        made = await repetition.once(session, caller, str(source_id), make)
    state.wake()
    return made


@router.delete("/sources/{source_id}", summary="Remove a source with its documents")
async def remove_source(source_id: UUID, caller: Editor, state: State) -> RemovedView:
    """Remove a source with its documents, chunks and runs; answers how many went."""
    async with state.database.writing() as session:
        source = await queries.find_source(session, caller.workspace_id, source_id)
        removed = await queries.remove_source(session, source)
        gone = RemovedView(documents=removed.documents, chunks=removed.chunks)
        record(
            session,
            caller.workspace_id,
            caller.actor,
            "source.remove",
            source.name,
            gone.model_dump(),
        )
    await state.index.delete(belonging_to("source", source_id))
    return gone


async def _view(session: ReadSession, rows: Sequence[Source]) -> list[SourceView]:
    ids = [row.id for row in rows]
    counts = await queries.count_by_source(session, ids)
    newest = await queries.last_runs(session, ids)
    seen = await view_runs(session, list(newest.values()))
    by_source = {view.source_id: view for view in seen}
    return [SourceView.of(row, counts[row.id], by_source.get(row.id)) for row in rows]


async def _crawled(
    session: WriteSession, knowledge_base_id: UUID, body: NewWebsite | NewFeed
) -> Source:
    _check_schedule(body.schedule)
    start, kind = str(body.start), SourceKind(body.kind)
    config = body.model_dump(mode="json", exclude={"kind", "name", "schedule"})
    source = await queries.find_by_start(session, knowledge_base_id, kind, start)
    if source is None:
        source = await queries.create_source(session, knowledge_base_id, kind, start, config)
    else:
        given = body.model_fields_set
        source.config = source.config | {key: config[key] for key in config if key in given}
    source.name = body.name or source.name
    source.schedule = body.schedule or source.schedule
    return source


def _with_rules(source: Source, changed: ChangedRules) -> dict[str, Any]:
    """The configuration of a source with some rules changed. Raises :class:`InvalidInput`."""
    rules = changed.model_dump(mode="json", exclude_none=True)
    known = _RULES.get(SourceKind(source.kind), frozenset())
    if unknown := sorted(rules.keys() - known):
        raise InvalidInput(
            f"{source.name} has no rule {', '.join(unknown)}: it is of kind {source.kind}.",
            f"Its rules are {', '.join(sorted(known))}." if known else "It is not crawled.",
        )
    return source.config | rules


def _check_schedule(schedule: str) -> None:
    if schedule:
        next_time(schedule, utc_now())


async def _queue_upload(
    session: WriteSession, caller: Caller, knowledge_base_id: UUID, received: Received
) -> Uploaded:
    refused = [{"name": one.name} | problem(one.error) for one in received.refused]
    if not received.files:
        raise received.refused[0].error
    source = await queries.upload_source(session, knowledge_base_id)
    newest = {file.name: file for file in received.files}
    queued = await queue_files(
        session,
        knowledge_base_id,
        source.id,
        [
            QueuedFile(
                address=UPLOAD_ADDRESS + quote(file.name),
                title=file.name,
                stored_file=file.sha256,
                size_bytes=file.size_bytes,
                media_type=file.media_type,
            )
            for file in newest.values()
        ],
    )
    run = await queue_run(session, knowledge_base_id, source.id)
    record(
        session,
        caller.workspace_id,
        caller.actor,
        "source.upload",
        source.name,
        {"files": len(newest), "refused": len(refused)},
    )
    return Uploaded(
        files=[
            UploadedFile(
                document_id=document.id,
                name=file.name,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
            )
            for document, file in zip(queued, newest.values(), strict=True)
        ],
        refused=refused,
        run=await view_run(session, run),
    )
