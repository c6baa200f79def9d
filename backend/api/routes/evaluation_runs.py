"""``/query-sets/{id}/runs`` and ``/evaluation-runs``: measuring search, and comparing."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from backend.api.access import Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.query_sets import NewRun, RunComparisonView, RunView, WholeRun
from backend.api.state import State
from backend.explain.query_runs import QueryRuns
from knowledge.store import query_sets as stored
from knowledge.store.paging import read_page
from knowledge.store.queries.people import record
from knowledge.store.tables import EvaluationRun

router = APIRouter(tags=["evaluation"], responses=PROBLEMS)


@router.get("/query-sets/{query_set_id}/runs", summary="List evaluation runs")
async def list_runs(
    query_set_id: UUID,
    caller: Viewer,
    state: State,
    paging: Paging,
    name: Annotated[str, Query(max_length=200, description="Only those of this name.")] = "",
) -> PageView[RunView]:
    """The runs over a set, newest first."""
    async with state.database.reading() as session:
        found = await stored.find_set_of_workspace(session, caller.workspace_id, query_set_id)
        query = stored.runs_of(found.id)
        if name:
            query = query.where(EvaluationRun.name == name)
        page = await read_page(session, query, EvaluationRun, paging, newest_first=True)
    return PageView.of(page.map(RunView.of))


@router.post(
    "/query-sets/{query_set_id}/runs",
    status_code=201,
    response_model=RunView,
    summary="Measure search",
)
async def run_query_set(
    query_set_id: UUID, body: NewRun, caller: Editor, state: State, repetition: Once
) -> RunView | JSONResponse:
    """Search every query of the set with the settings and rules of now, and keep the figures:
    some 10 ms for each query.
    """
    async with state.database.reading() as session:
        found = await stored.find_set_of_workspace(session, caller.workspace_id, query_set_id)
    runs = QueryRuns(state.searcher)
    run = await runs.measure(found.knowledge_base_id, found.id, body.name)
    async with state.database.writing() as session:

        async def make() -> RunView:
            await runs.keep(session, run)
            record(session, caller.workspace_id, caller.actor, "query-set.run", found.name)
            return RunView.of(run)

        return await repetition.once(session, caller, body, make)


@router.get("/evaluation-runs/{run_id}", summary="Read an evaluation run")
async def read_run(run_id: UUID, caller: Viewer, state: State) -> WholeRun:
    """A run with the figures of each query and the pages that it found."""
    async with state.database.reading() as session:
        run, _ = await stored.find_run_of_workspace(session, caller.workspace_id, run_id)
    return WholeRun.of(run)


@router.delete("/evaluation-runs/{run_id}", status_code=204, summary="Remove an evaluation run")
async def remove_run(run_id: UUID, caller: Editor, state: State) -> None:
    """Remove a run."""
    async with state.database.writing() as session:
        run, _ = await stored.find_run_of_workspace(session, caller.workspace_id, run_id)
        await stored.remove_run(session, run.id)
        record(session, caller.workspace_id, caller.actor, "query-set.run-remove", str(run.id))


@router.get("/evaluation-runs/{run_id}/comparison", summary="Compare two evaluation runs")
async def compare_runs(
    run_id: UUID,
    caller: Viewer,
    state: State,
    baseline: Annotated[UUID, Query(description="The run to compare with, over the same set.")],
) -> RunComparisonView:
    """What became better and worse since the baseline, query by query, both under the judgments
    of today, with the p-value of a randomization test.
    """
    async with state.database.reading() as session:
        _, base = await stored.find_run_of_workspace(session, caller.workspace_id, run_id)
    found = await QueryRuns(state.searcher).compare(base, baseline, run_id)
    return RunComparisonView(**found.to_json())
