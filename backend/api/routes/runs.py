"""``/runs``: how far ingestion is, and steering it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.runs import RunItemView, RunView
from backend.api.state import AppState, State
from knowledge.errors import Conflict, NotFound
from knowledge.store.database import Database, ReadSession, WriteSession
from knowledge.store.paging import Page, read_page
from knowledge.store.queries import runs as queries
from knowledge.store.queries.people import record
from knowledge.store.tables import Change, ItemState, Run, RunItem, RunState

router = APIRouter(prefix="/runs", tags=["runs"], responses=PROBLEMS)

HEARTBEAT_S = 15
_LOOK_EVERY_S = 0.5


async def view_runs(session: ReadSession, rows: Sequence[Run]) -> list[RunView]:
    """Views of runs with their progress counted."""
    counted = await queries.progress(session, [row.id for row in rows])
    return [RunView.of(row, counted[row.id]) for row in rows]


async def view_run(session: ReadSession, row: Run) -> RunView:
    """The view of one run."""
    (view,) = await view_runs(session, [row])
    return view


@router.get("", summary="List runs")
async def list_runs(
    caller: Viewer,
    state: State,
    paging: Paging,
    source: Annotated[UUID | None, Query()] = None,
    run_state: Annotated[RunState | None, Query(alias="state")] = None,
) -> PageView[RunView]:
    """Runs of the workspace, newest first."""
    query = queries.runs(caller.workspace_id)
    if source is not None:
        query = query.where(Run.source_id == source)
    if run_state is not None:
        query = query.where(Run.state == run_state)
    async with state.database.reading() as session:
        page = await read_page(session, query, Run, paging, newest_first=True)
        views = await view_runs(session, page.items)
    return PageView.of(Page(views, page.next_cursor))


@router.get("/{run_id}", summary="Read a run")
async def read_run(run_id: UUID, caller: Viewer, state: State) -> RunView:
    """One run and how far it is."""
    async with state.database.reading() as session:
        return await view_run(session, await queries.find_run(session, caller.workspace_id, run_id))


@router.get("/{run_id}/items", summary="List the documents of a run")
async def list_items(
    run_id: UUID,
    caller: Viewer,
    state: State,
    paging: Paging,
    item_state: Annotated[ItemState | None, Query(alias="state")] = None,
) -> PageView[RunItemView]:
    """The documents of a run, in the order they were found; ``state=failed`` names the misses."""
    async with state.database.reading() as session:
        run = await queries.find_run(session, caller.workspace_id, run_id)
        page = await read_page(session, queries.items(run.id, item_state), RunItem, paging)
    return PageView.of(page.map(RunItemView.of))


@router.get("/{run_id}/changes", summary="List what a run changed")
async def list_changes(
    run_id: UUID,
    caller: Viewer,
    state: State,
    paging: Paging,
    change: Annotated[Change | None, Query(description="Only this; may be `unchanged`.")] = None,
) -> PageView[RunItemView]:
    """The documents that a run added, changed or removed, that went missing, and that failed."""
    async with state.database.reading() as session:
        run = await queries.find_run(session, caller.workspace_id, run_id)
        page = await read_page(session, queries.changes(run.id, change), RunItem, paging)
    return PageView.of(page.map(RunItemView.of))


@router.get(
    "/{run_id}/events",
    summary="Watch a run",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"example": "event: progress\ndata: {}"}}}},
)
async def watch_run(run_id: UUID, caller: Viewer, state: State) -> EventSourceResponse:
    """Server-sent events: ``progress`` (the run) whenever it has changed, ``end`` at its end."""
    async with state.database.reading() as session:
        await queries.find_run(session, caller.workspace_id, run_id)
    events = _watch(state.database, caller.workspace_id, run_id)
    return EventSourceResponse(events, ping=HEARTBEAT_S, sep="\n")


async def _watch(
    database: Database, workspace_id: UUID, run_id: UUID
) -> AsyncIterator[ServerSentEvent]:
    before, number = "", 0
    while True:
        async with database.reading() as session:
            try:
                run = await queries.find_run(session, workspace_id, run_id)
            except NotFound:
                gone = json.dumps({"removed": True})
                yield ServerSentEvent(gone, event="end", id=str(number + 1), sep="\n")
                return
            view = await view_run(session, run)
        now = view.model_dump_json()
        if now != before:
            before, number = now, number + 1
            yield ServerSentEvent(
                now, event="end" if view.ended else "progress", id=str(number), sep="\n"
            )
        if view.ended:
            return
        await asyncio.sleep(_LOOK_EVERY_S)


@router.post("/{run_id}/cancel", summary="Stop a run")
async def cancel_run(run_id: UUID, caller: Editor, state: State) -> RunView:
    """Stop after the documents in work. What is indexed stays."""
    return await _steer(run_id, caller, state, queries.cancel, "run.cancel")


@router.post("/{run_id}/pause", summary="Pause a run")
async def pause_run(run_id: UUID, caller: Editor, state: State) -> RunView:
    """Wait after the documents in work."""
    return await _steer(run_id, caller, state, queries.pause, "run.pause")


@router.post("/{run_id}/resume", summary="Let a paused run go on")
async def resume_run(run_id: UUID, caller: Editor, state: State) -> RunView:
    """Go on where the run paused."""
    return await _steer(run_id, caller, state, queries.resume, "run.resume")


@router.post(
    "/{run_id}/retry",
    status_code=201,
    response_model=RunView,
    summary="Try the failed documents again",
)
async def retry_run(
    run_id: UUID, caller: Editor, state: State, repetition: Once
) -> RunView | JSONResponse:
    """Queue a run over the documents of the source that failed."""
    async with state.database.writing() as session:

        async def make() -> RunView:
            run = await queries.find_run(session, caller.workspace_id, run_id)
            if run.state not in queries.ENDED:
                raise Conflict("The run has not ended.", "Wait for its end, or stop it.")
            again = await queries.queue_run(session, run.knowledge_base_id, run.source_id, "retry")
            record(session, caller.workspace_id, caller.actor, "run.retry", str(run_id))
            return await view_run(session, again)

        answer = await repetition.once(session, caller, "", make)
    state.wake()
    return answer


async def _steer(
    run_id: UUID,
    caller: Caller,
    state: AppState,
    act: Callable[[WriteSession, Run], Awaitable[None]],
    name: str,
) -> RunView:
    async with state.database.writing() as session:
        run = await queries.find_run(session, caller.workspace_id, run_id)
        await act(session, run)
        record(session, caller.workspace_id, caller.actor, name, str(run_id))
        view = await view_run(session, run)
    state.wake()
    return view
