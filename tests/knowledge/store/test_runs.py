"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from knowledge.store.database import Database, database_url
from knowledge.store.queries.runs import progress
from knowledge.store.tables import (
    ItemState,
    KnowledgeBase,
    Run,
    RunItem,
    RunState,
    Workspace,
    utc_now,
)


@pytest.fixture
async def database(database_address: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(database_url(database_address, tmp_path))
    yield opened
    await opened.close()


async def test_rate_and_time_left_follow_from_the_items(database: Database) -> None:
    now = utc_now()
    async with database.writing() as session:
        workspace = Workspace(name="w")
        session.add(workspace)
        await session.flush()
        base = KnowledgeBase(workspace_id=workspace.id, name="docs")
        session.add(base)
        await session.flush()
        started = {
            RunState.RUNNING: now - timedelta(minutes=5),
            RunState.PAUSED: now - timedelta(minutes=5),
            RunState.QUEUED: None,
        }
        runs = {
            state: Run(knowledge_base_id=base.id, state=state, started_at=when)
            for state, when in started.items()
        }
        session.add_all(runs.values())
        await session.flush()
        for run in runs.values():
            for number in range(100):
                ended_s_ago = 10 if number < 15 else 100
                is_done = number < 40
                item = RunItem(run_id=run.id, address=f"https://x/{number}")
                item.state = ItemState.INDEXED if is_done else ItemState.FOUND
                item.finished_at = now - timedelta(seconds=ended_s_ago) if is_done else None
                session.add(item)
    async with database.reading() as session:
        counted = await progress(session, [run.id for run in runs.values()])
    going = counted[runs[RunState.RUNNING].id]
    assert (going.done, going.found) == (40, 100)
    assert going.documents_per_s == pytest.approx(15 / 30)
    assert going.seconds_left == 120
    for state in (RunState.PAUSED, RunState.QUEUED):
        waiting = counted[runs[state].id]
        assert (waiting.done, waiting.documents_per_s, waiting.seconds_left) == (40, 0.0, None)
