"""Which worker has which run: claiming what is queued, and taking over from the dead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import aliased

from knowledge.errors import CandorError, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.queries.runs import ENDED
from knowledge.store.tables import Run, RunState, Source, WorkerRecord, utc_now
from knowledge.store.tables.base import JsonObject


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a run. ``over``: whether it has ended or been paused."""

    cancel: bool
    pause: bool
    over: bool


async def run_and_source(session: ReadSession, run_id: UUID) -> tuple[Run, Source | None]:
    """A run and its source. Raises :class:`NotFound`."""
    run = await session.get(Run, run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    source = await session.get(Source, run.source_id) if run.source_id else None
    return run, source


async def end_run(
    session: WriteSession, run_id: UUID, state: RunState, error: CandorError | None
) -> None:
    """Record how a run ended, and when its source was last read."""
    now = utc_now()
    run = await session.get(Run, run_id)
    if run is None:
        return
    run.state = state
    run.finished_at = None if state is RunState.PAUSED else now
    if error is not None:
        run.error_code, run.error_detail = error.code, error.detail[:1000]
        run.error_action = error.action[:1000]
    if run.source_id is not None:
        await session.execute(
            update(Source).where(Source.id == run.source_id).values(last_run_at=now)
        )


async def note_run(session: WriteSession, run_id: UUID, notes: list[JsonObject]) -> None:
    """Record what a reader should know of a run."""
    await session.execute(update(Run).where(Run.id == run_id).values(notes=notes))


async def count_bytes(session: WriteSession, run_id: UUID, fetched: int) -> None:
    """Record how much a run has received."""
    await session.execute(update(Run).where(Run.id == run_id).values(fetched_bytes=fetched))


async def wishes(session: ReadSession, run_ids: Collection[UUID]) -> dict[UUID, Wish]:
    """What is asked of each of the runs named that exists."""
    rows = await session.execute(
        select(Run.id, Run.state, Run.cancel_requested, Run.pause_requested).where(
            Run.id.in_(run_ids)
        )
    )
    return {
        row.id: Wish(
            row.cancel_requested, row.pause_requested, row.state in (*ENDED, RunState.PAUSED)
        )
        for row in rows
    }


async def queued_runs(session: ReadSession, limit: int) -> list[UUID]:
    """Runs that no worker has, first those of knowledge bases that have the fewest going."""
    going = (
        select(Run.knowledge_base_id, func.count().label("runs"))
        .where(Run.state == RunState.RUNNING)
        .group_by(Run.knowledge_base_id)
        .subquery()
    )
    rows = await session.scalars(
        select(Run.id)
        .outerjoin(going, going.c.knowledge_base_id == Run.knowledge_base_id)
        .where(Run.state == RunState.QUEUED, _source_is_free())
        .order_by(func.coalesce(going.c.runs, 0), Run.created_at)
        .limit(limit)
    )
    return list(rows)


async def claim_run(session: WriteSession, run_id: UUID, worker: str) -> bool:
    """Make a queued run the worker's; whether it still was to be had."""
    claimed = await session.scalar(
        update(Run)
        .where(Run.id == run_id, Run.state == RunState.QUEUED, _source_is_free())
        .values(
            state=RunState.RUNNING,
            worker=worker,
            started_at=func.coalesce(Run.started_at, utc_now()),
        )
        .returning(Run.id)
    )
    return claimed is not None


def _source_is_free() -> ColumnElement[bool]:
    """Whether no other run reads the source: two would ask a website twice as often as is polite,
    and what is pushed while one runs is read by the next, all together.
    """
    other = aliased(Run)
    is_read = exists().where(other.source_id == Run.source_id, other.state == RunState.RUNNING)
    return ~is_read.correlate(Run)


async def assign_run(session: WriteSession, run_id: UUID, worker: str) -> None:
    """Record which worker works on a run."""
    await session.execute(update(Run).where(Run.id == run_id).values(worker=worker))


async def beat(session: WriteSession, worker: str) -> None:
    """Record that a worker is alive."""
    await session.merge(WorkerRecord(id=worker, heartbeat_at=utc_now()))


async def forget_worker(session: WriteSession, worker: str) -> None:
    """Remove a worker that has stopped."""
    await session.execute(delete(WorkerRecord).where(WorkerRecord.id == worker))


async def take_over(
    session: WriteSession, worker: str, lease: timedelta, alone: bool
) -> list[UUID]:
    """Give a worker the runs of those not heard of within ``lease``, and forget these; the runs.

    ``alone``: whether there can be no other, so that whoever else is on record has died.
    """
    alive = select(WorkerRecord.id).where(WorkerRecord.heartbeat_at > utc_now() - lease)
    if alone:
        alive = alive.where(WorkerRecord.id == worker)
    rows = await session.scalars(
        update(Run)
        .where(Run.state == RunState.RUNNING, Run.worker.not_in(alive))
        .values(worker=worker)
        .returning(Run.id)
    )
    orphans = list(rows)
    await session.execute(delete(WorkerRecord).where(WorkerRecord.id.not_in(alive)))
    return orphans
