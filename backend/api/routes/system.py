"""``/status`` and ``/reindex``, and what machines ask: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import time
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from backend.api.access import Admin, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.routes.runs import view_runs
from backend.api.schemas.content import KnowledgeBaseView
from backend.api.schemas.system import Check, EndedRun, Health, Readiness, Reindexed, Status
from backend.api.state import AppState, State
from knowledge.errors import CandorError
from knowledge.store.queries import knowledge_bases, people
from knowledge.store.queries.documents import failures
from knowledge.store.queries.runs import open_runs, queue_run, recent_runs
from knowledge.store.queries.totals import totals
from knowledge.store.tables import KnowledgeBase

router = APIRouter(tags=["system"], responses=PROBLEMS)
probes = APIRouter(include_in_schema=False)

_FAILURES = 100
_ENDED = 5


@router.get("/status", summary="Read what there is and what goes on")
async def read_status(caller: Viewer, state: State) -> Status:
    """Knowledge bases with their counts, runs that have not ended, documents that failed."""
    async with state.database.reading() as session:
        rows = list(
            await session.scalars(
                knowledge_bases.knowledge_bases(caller.workspace_id).order_by(
                    KnowledgeBase.created_at, KnowledgeBase.id
                )
            )
        )
        counts = await knowledge_bases.count_by_knowledge_base(session, [row.id for row in rows])
        ended = await recent_runs(session, caller.workspace_id, _ENDED)
        views = await view_runs(session, [run for run, _ in ended])
        owner = await people.first_owner(session, caller.workspace_id)
        return Status(
            version=state.options.version,
            encoder=state.encoder.spec.id,
            owner=owner.email if owner else "",
            knowledge_bases=[KnowledgeBaseView.of(row, counts[row.id]) for row in rows],
            runs=await view_runs(session, await open_runs(session, caller.workspace_id)),
            ended=[
                EndedRun(**view.model_dump(), source=name)
                for view, (_, name) in zip(views, ended, strict=True)
            ],
            failed=await failures(session, caller.workspace_id, _FAILURES),
        )


@router.post(
    "/reindex",
    status_code=201,
    response_model=Reindexed,
    summary="Encode and index everything again",
)
async def reindex(caller: Admin, state: State, repetition: Once) -> Reindexed | JSONResponse:
    """Queue a run for each knowledge base that encodes its texts again. Nothing is fetched."""
    async with state.database.writing() as session:

        async def make() -> Reindexed:
            rows = list(await session.scalars(knowledge_bases.knowledge_bases(caller.workspace_id)))
            queued = [await queue_run(session, row.id, None, "reindex") for row in rows]
            people.record(session, caller.workspace_id, caller.actor, "index.rebuild")
            return Reindexed(runs=await view_runs(session, queued))

        answer = await repetition.once(session, caller, "", make)
    state.wake()
    return answer


@probes.get("/healthz")
async def healthz(state: State) -> Health:
    """The process is alive."""
    return Health(version=state.options.version, instance=state.instance)


@probes.get("/readyz")
async def readyz(state: State, response: Response) -> Readiness:
    """Whether database, index and encoder answer; 503 where one does not."""
    checks = {
        "database": await _check_database(state),
        "index": await _check_index(state),
        "encoder": _check_encoder(state),
    }
    ready = all(check.ok for check in checks.values())
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks=checks)


@probes.get("/metrics")
async def metrics(state: State) -> Response:
    """Figures for Prometheus."""
    async with state.database.reading() as session:
        counted = await totals(session)
    for name, count in counted.documents.items():
        state.metrics.documents.labels(name).set(count)
    for name, count in counted.runs.items():
        state.metrics.runs.labels(name).set(count)
    state.metrics.chunks.set(counted.chunks)
    return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _check_database(state: AppState) -> Check:
    try:
        await state.database.ping()
    except CandorError as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True)


async def _check_index(state: AppState) -> Check:
    try:
        await state.index.retrieve([UUID(int=0)])
    except CandorError as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True)


def _check_encoder(state: AppState) -> Check:
    started = time.perf_counter()
    try:
        state.encoder.count_tokens(["ready"])
    except CandorError as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True, detail=f"{(time.perf_counter() - started) * 1000:.1f} ms")
