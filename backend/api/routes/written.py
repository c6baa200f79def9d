"""``/sources/{id}/text`` and ``/sources/{id}/pairs``: what people wrote, read and written anew."""

from __future__ import annotations

import json
from uuid import UUID

from fastapi import APIRouter

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.runs import view_run
from backend.api.schemas.runs import RunView
from backend.api.schemas.written import Pair, PairsView, TextChange, TextView
from backend.api.state import AppState, State
from backend.api.written import keep_written, read_written
from knowledge.store.queries.people import record
from knowledge.store.queries.runs import queue_run
from knowledge.store.queries.sources import find_source

router = APIRouter(tags=["sources"], responses=PROBLEMS)


@router.get("/sources/{source_id}/text", summary="Read a pasted text")
async def read_text(source_id: UUID, caller: Viewer, state: State) -> TextView:
    """The text as it was written."""
    return TextView(text=await _read(source_id, caller, state, pairs=False))


@router.put("/sources/{source_id}/text", summary="Write a pasted text anew")
async def write_text(source_id: UUID, body: TextChange, caller: Editor, state: State) -> RunView:
    """Put another text in its place. What it said before is found until the new one is indexed."""
    return await _write(source_id, caller, state, body.text)


@router.get("/sources/{source_id}/pairs", summary="Read questions and answers")
async def read_pairs(source_id: UUID, caller: Viewer, state: State) -> PairsView:
    """The questions and answers as they were typed."""
    return PairsView(pairs=json.loads(await _read(source_id, caller, state, pairs=True)))


@router.put("/sources/{source_id}/pairs", summary="Write questions and answers anew")
async def write_pairs(source_id: UUID, body: PairsView, caller: Editor, state: State) -> RunView:
    """Put these in the place of all that were there."""
    return await _write(source_id, caller, state, body.pairs)


async def _read(source_id: UUID, caller: Caller, state: AppState, pairs: bool) -> str:
    async with state.database.reading() as session:
        source = await find_source(session, caller.workspace_id, source_id)
        return await read_written(session, state.options.files_folder, source, pairs)


async def _write(
    source_id: UUID, caller: Caller, state: AppState, written: str | list[Pair]
) -> RunView:
    folder = state.options.files_folder
    async with state.database.writing() as session:
        source = await find_source(session, caller.workspace_id, source_id)
        await read_written(session, folder, source, pairs=not isinstance(written, str))
        await keep_written(session, folder, source, written)
        run = await queue_run(session, source.knowledge_base_id, source.id)
        record(session, caller.workspace_id, caller.actor, "source.write", source.name)
        answer = await view_run(session, run)
    state.wake()
    return answer
