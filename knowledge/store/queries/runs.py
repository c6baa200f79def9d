"""Runs of ingestion: queueing them, steering them, counting how far they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, case, func, select

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import (
    Change,
    ItemState,
    KnowledgeBase,
    Run,
    RunItem,
    RunState,
    Source,
    utc_now,
)

ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)
OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)
INGEST_RUN = "ingest"
RETRY_RUN = "retry"
_RECENT = timedelta(seconds=30)
ITEM_ENDS = (
    ItemState.INDEXED,
    ItemState.UNCHANGED,
    ItemState.SKIPPED,
    ItemState.FAILED,
    ItemState.REMOVED,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. ``items``: number by state; ``done`` of ``found`` are at their end.

    ``left_out``: addresses beyond a limit of the source, which count for neither.

    ``changes``: number of documents by what was done to them. ``documents_per_s``: how many came to
    their end in the last half minute, for each of its seconds; 0 for a run that nobody works on.
    """

    items: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    found: int = 0
    done: int = 0
    left_out: int = 0
    chunks: int = 0
    chunks_encoded: int = 0
    documents_per_s: float = 0.0

    @property
    def seconds_left(self) -> int | None:
        """How long what is found so far will take at this rate; ``None`` where it cannot be told.

        A crawl that still finds pages takes longer.
        """
        if not self.documents_per_s:
            return None
        return math.ceil((self.found - self.done) / self.documents_per_s)


def runs(workspace_id: UUID) -> Select[Run]:
    """The runs of a workspace."""
    return (
        select(Run)
        .join(KnowledgeBase, KnowledgeBase.id == Run.knowledge_base_id)
        .where(KnowledgeBase.workspace_id == workspace_id)
    )


async def find_run(session: ReadSession, workspace_id: UUID, run_id: UUID) -> Run:
    """A run by id. Raises :class:`NotFound`."""
    found = await session.scalar(runs(workspace_id).where(Run.id == run_id))
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found


async def open_runs(session: ReadSession, workspace_id: UUID) -> list[Run]:
    """The runs that have not ended, oldest first."""
    rows = await session.scalars(
        runs(workspace_id).where(Run.state.in_(OPEN)).order_by(Run.created_at)
    )
    return list(rows)


async def queue_run(
    session: WriteSession,
    knowledge_base_id: UUID,
    source_id: UUID | None,
    kind: str = "ingest",
    document_id: UUID | None = None,
) -> Run:
    """Ask for a run, of one document where it is named. One of the same kind and source that is
    still queued is that run.
    """
    waiting = await session.scalar(
        select(Run)
        .where(
            Run.knowledge_base_id == knowledge_base_id,
            Run.source_id == source_id if source_id else Run.source_id.is_(None),
            Run.document_id == document_id if document_id else Run.document_id.is_(None),
            Run.kind == kind,
            Run.state == RunState.QUEUED,
        )
        .limit(1)
    )
    if waiting is not None:
        return waiting
    run = Run(
        knowledge_base_id=knowledge_base_id,
        source_id=source_id,
        kind=kind,
        document_id=document_id,
    )
    session.add(run)
    await session.flush()
    return run


async def cancel(session: WriteSession, run: Run) -> None:
    """Ask a run to stop. One that no worker has yet is stopped at once."""
    if run.state in ENDED:
        raise Conflict(f"The run has {run.state} already.")
    run.cancel_requested = True
    if run.state == RunState.QUEUED:
        run.state = RunState.CANCELLED
        run.finished_at = utc_now()


async def pause(session: WriteSession, run: Run) -> None:
    """Ask a run to wait. What is in work is given up, and read again when it goes on."""
    if run.state in ENDED:
        raise Conflict(f"The run has {run.state} already.")
    run.pause_requested = True
    if run.state == RunState.QUEUED:
        run.state = RunState.PAUSED


async def resume(session: WriteSession, run: Run) -> None:
    """Let a paused run go on."""
    if run.state in ENDED:
        raise Conflict(f"The run has {run.state} already.")
    run.pause_requested = False
    if run.state == RunState.PAUSED:
        run.state = RunState.QUEUED


async def progress(session: ReadSession, run_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """How far each of the runs named is."""
    now = utc_now()
    lately = RunItem.finished_at > now - _RECENT
    rows = await session.execute(
        select(
            RunItem.run_id,
            RunItem.state,
            RunItem.change,
            func.count(),
            func.coalesce(func.sum(RunItem.chunks), 0),
            func.coalesce(func.sum(RunItem.chunks_encoded), 0),
            func.sum(case((lately, 1), else_=0)),
        )
        .where(RunItem.run_id.in_(run_ids))
        .group_by(RunItem.run_id, RunItem.state, RunItem.change)
    )
    seconds = await _seconds_at_work(session, run_ids, now)
    counted: dict[UUID, Progress] = {run_id: Progress() for run_id in run_ids}
    for run_id, state, change, count, chunks, encoded, recent in rows.all():
        before = counted[run_id]
        more = int(recent) / seconds[run_id] if run_id in seconds else 0.0
        counted[run_id] = Progress(
            items=_plus(before.items, str(state), count),
            changes=_plus(before.changes, change, count) if change else before.changes,
            found=before.found + (0 if state == ItemState.LEFT_OUT else count),
            left_out=before.left_out + (count if state == ItemState.LEFT_OUT else 0),
            done=before.done + (count if state in ITEM_ENDS else 0),
            chunks=before.chunks + int(chunks),
            chunks_encoded=before.chunks_encoded + int(encoded),
            documents_per_s=before.documents_per_s + more,
        )
    return counted


async def _seconds_at_work(
    session: ReadSession, run_ids: Sequence[UUID], now: datetime
) -> dict[UUID, float]:
    """For each run that goes on, how much of the last half minute it has been at work."""
    rows = await session.execute(
        select(Run.id, Run.started_at).where(
            Run.id.in_(run_ids), Run.state == RunState.RUNNING, Run.started_at.is_not(None)
        )
    )
    longest = _RECENT.total_seconds()
    return {
        run_id: min(max((now - started_at).total_seconds(), 1.0), longest)
        for run_id, started_at in rows
        if started_at is not None
    }


def _plus(counts: dict[str, int], name: str, more: int) -> dict[str, int]:
    return {**counts, name: counts.get(name, 0) + more}


def changes(run_id: UUID, change: Change | None = None) -> Select[RunItem]:
    """The items of a run that changed something, or those with one kind of change."""
    query = select(RunItem).where(RunItem.run_id == run_id)
    if change is not None:
        return query.where(RunItem.change == change)
    return query.where(RunItem.change.not_in(("", Change.UNCHANGED)))


async def recent_runs(
    session: ReadSession, workspace_id: UUID, limit: int
) -> list[tuple[Run, str]]:
    """The newest runs that have ended, the newest first, each with the name of its source."""
    rows = await session.execute(
        select(Run, func.coalesce(Source.name, ""))
        .join(KnowledgeBase, KnowledgeBase.id == Run.knowledge_base_id)
        .outerjoin(Source, Source.id == Run.source_id)
        .where(KnowledgeBase.workspace_id == workspace_id, Run.state.in_(ENDED))
        .order_by(Run.created_at.desc(), Run.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def items(run_id: UUID, state: ItemState | None = None) -> Select[RunItem]:
    """The items of a run, all or those in one state."""
    query = select(RunItem).where(RunItem.run_id == run_id)
    return query.where(RunItem.state == state) if state else query
