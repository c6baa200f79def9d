"""Runs as durable workflows: what a killed process leaves undone is taken up where it stood.

DBOS records every step's outcome in its own database (SQLite beside the records, or a schema in
PostgreSQL). Steps return words, never pages: outcomes are stored, and errors are recorded with
the run before a step ends. A workflow has the id of its run and is forgotten once it has ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.engine import URL

from ingestion.runs import Runs
from knowledge.errors import CandorError, IndexUnavailable, StoreFault
from knowledge.store.database import DriverError
from knowledge.store.tables import RunState

log = structlog.get_logger(__name__)

# Part of every stored workflow: raise it only when old workflows can no longer be replayed. Left
# to DBOS it would be a hash of the source, and every release would leave work lying.
_VERSION = "1"
_ITEMS_AT_ONCE = 16
_BATCHES = 3
_WAITS_S = (1.0, 5.0, 15.0)
_ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class Verdict(StrEnum):
    """How a step ended."""

    GO_ON = "go-on"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    FAILED = "failed"


class Control:
    """What a run in this process has been asked to do."""

    def __init__(self) -> None:
        self.verdict = Verdict.GO_ON
        self._stopped = asyncio.Event()

    def ask(self, verdict: Verdict) -> None:
        """Stop now. What is in flight is given up; a run that goes on reads it again."""
        self.verdict = verdict
        self._stopped.set()

    async def guard(self, work: Coroutine[Any, Any, None]) -> Verdict:
        """Do the work unless the run was asked to stop, and end it where that comes later."""
        if self.verdict is not Verdict.GO_ON:
            work.close()
            return self.verdict
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
                return Verdict.GO_ON
            return self.verdict
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)


class Jobs:
    """The job engine of this process. There can be one at a time: DBOS keeps global state."""

    def __init__(
        self,
        runs: Runs,
        engine: URL | Path,
        executor: str,
        began: Callable[[UUID], Awaitable[None]],
    ) -> None:
        self._runs = runs
        self._engine = engine
        self._executor = executor
        self._began = began
        self._controls: dict[UUID, Control] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._workflow: Callable[[str], Coroutine[Any, Any, str]] | None = None

    @property
    def active(self) -> set[UUID]:
        """Runs that this process works on now."""
        return set(self._controls)

    def start(self) -> None:
        """Open the engine. To be called in the event loop that the runs' parts belong to."""
        DBOS(config=_config(self._engine, self._executor))

        async def work(name: str) -> str:
            # DBOS registers functions, and refuses bound methods.
            return await self._work(name)

        self._workflow = DBOS.workflow(name="candor.run")(work)
        DBOS.launch()

    async def stop(self) -> None:
        """Let go of the runs: their workflows stay open, and go on at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        # DBOS made its own pool the loop's default and has now ended it; whoever closes after the
        # worker may need a thread as well.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())

    async def begin(self, run_id: UUID) -> None:
        """Start a run, or take up where it stood."""
        name = str(run_id)
        status = await DBOS.get_workflow_status_async(name)
        if status is not None and status.status not in _ENDED:
            log.info("run.taken_up", run=name, from_worker=status.executor_id)
            await DBOS.resume_workflow_async(name)
            return
        if status is not None:
            await DBOS.delete_workflow_async(name)
        assert self._workflow is not None
        with SetWorkflowID(name):
            await DBOS.start_workflow_async(self._workflow, name)

    async def forget(self, run_id: UUID) -> bool:
        """Drop what the engine keeps of a run that has ended; whether it had."""
        status = await DBOS.get_workflow_status_async(str(run_id))
        if status is None or status.status not in _ENDED:
            return status is None
        await DBOS.delete_workflow_async(str(run_id))
        return True

    def ask(self, run_id: UUID, verdict: Verdict) -> None:
        """Ask a run of this process to stop."""
        control = self._controls.get(run_id)
        if control is not None and control.verdict is Verdict.GO_ON:
            control.ask(verdict)

    async def _work(self, name: str) -> str:
        """The workflow: find pages, read them batch by batch, clean up."""
        run_id = UUID(name)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._controls[run_id] = Control()
        try:
            await self._began(run_id)
            verdict = await self._steps(run_id)
            if verdict in (Verdict.CANCELLED, Verdict.PAUSED):
                await self._step("stop", self._stopped, run_id, verdict)
            return verdict
        finally:
            self._controls.pop(run_id, None)
            self._tasks.discard(task)
            await self._runs.close(run_id)

    async def _steps(self, run_id: UUID) -> str:
        verdict = await self._step("discover", self._guarded, run_id, "discover")
        # The next batches are fetched while the last items of the one before are being encoded.
        batches: deque[tuple[list[str], asyncio.Future[list[str]]]] = deque()
        try:
            while verdict == Verdict.GO_ON:
                begun = [item for items, _ in batches for item in items]
                items = await self._step("next", self._next, run_id, begun)
                if items:
                    batches.append((items, await self._begin_batch(run_id, items)))
                elif not batches:
                    return str(await self._step("finish", self._guarded, run_id, "finish"))
                if not items or len(batches) == _BATCHES:
                    # The oldest, whichever is through first: a replay has to begin its steps in
                    # the order of the first time.
                    verdicts = await batches.popleft()[1]
                    verdict = next((v for v in verdicts if v != Verdict.GO_ON), Verdict.GO_ON)
            return str(verdict)
        finally:
            if verdict == Verdict.GO_ON:
                for _, batch in batches:
                    batch.cancel()
            await asyncio.gather(*(batch for _, batch in batches), return_exceptions=True)

    async def _next(self, run_id: UUID, begun: list[str]) -> list[str]:
        """The items of the next batch. Pages that are as they were end here, many in one step."""
        found: list[str] = []

        async def look() -> None:
            found[:] = await self._runs.next_items(run_id, _ITEMS_AT_ONCE, begun)

        await self._guard(run_id, look)
        return found

    async def _begin_batch(self, run_id: UUID, items: list[str]) -> asyncio.Future[list[str]]:
        """Begin to ingest items; steps are numbered as they begin, so all of them begin here."""
        batch = asyncio.gather(
            *(self._step("ingest", self._guarded, run_id, "ingest", item) for item in items)
        )
        await asyncio.sleep(0)
        return batch

    async def _step(self, name: str, work: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        return await DBOS.run_step_async({"name": name}, work, *given)

    async def _guarded(self, run_id: UUID, stage: str, item: str = "") -> str:
        return await self._guard(run_id, lambda: self._stage(run_id, stage, item))

    async def _guard(self, run_id: UUID, work: Callable[[], Coroutine[Any, Any, None]]) -> str:
        """One stage of a run. An error that is Candor's own ends the run, and is its reason."""
        control = self._controls[run_id]
        for wait_s in (*_WAITS_S, None):
            try:
                return await control.guard(work())
            except IndexUnavailable as error:
                if wait_s is None:
                    return await self._failed(run_id, error)
                log.warning("run.index_unavailable", run=str(run_id), again_in_s=wait_s)
                await asyncio.sleep(wait_s)
            except CandorError as error:
                return await self._failed(run_id, error)
            except DriverError as error:
                log.exception("run.database_failed", run=str(run_id))
                fault = StoreFault(f"The database failed: {error}"[:900], "Look into the log.")
                return await self._failed(run_id, fault)
        raise AssertionError("unreachable")

    async def _stage(self, run_id: UUID, stage: str, item: str) -> None:
        if stage == "discover":
            await self._runs.discover(run_id)
        elif stage == "ingest":
            control = self._controls[run_id]
            await self._runs.ingest(run_id, UUID(item), lambda: control.verdict is Verdict.GO_ON)
        else:
            await self._runs.finish(run_id)

    async def _failed(self, run_id: UUID, error: CandorError) -> str:
        control = self._controls[run_id]
        if control.verdict is Verdict.GO_ON:
            control.ask(Verdict.FAILED)
            log.warning("run.failed", run=str(run_id), error=error.code, detail=error.detail)
            await self._runs.stop(run_id, RunState.FAILED, error)
        return Verdict.FAILED

    async def _stopped(self, run_id: UUID, verdict: str) -> str:
        await self._runs.stop(run_id, RunState(verdict))
        return verdict


def _config(engine: URL | Path, executor: str) -> DBOSConfig:
    config = DBOSConfig(
        name="candor",
        executor_id=executor,
        application_version=_VERSION,
        log_level="ERROR",
        enable_otlp=False,
    )
    if isinstance(engine, Path):
        config["system_database_url"] = f"sqlite:///{engine}"
        config["system_database_engine"] = _sqlite(engine)
    else:
        config["system_database_url"] = engine.set(
            drivername="postgresql+psycopg"
        ).render_as_string(hide_password=False)
        config["sys_db_pool_size"] = 5
    return config


def _sqlite(file: Path) -> sqlalchemy.Engine:
    """DBOS's own engine keeps SQLite's rollback journal; with a WAL steps are twice as fast."""
    engine = sqlalchemy.create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})

    @sqlalchemy.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=30000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine
