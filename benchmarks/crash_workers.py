"""Two workers on PostgreSQL, one of which is killed again and again."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from uuid import UUID

from benchmarks.crash_child import Child, Task, dump
from benchmarks.light_encoder import LightEncoder
from benchmarks.shared_index import served
from knowledge.index.embedded import EmbeddedIndex
from knowledge.store.database import Database, database_url
from knowledge.store.queries.sources import last_runs
from tests.postgres import find_binaries, running

_BETWEEN_KILLS_S = (5.0, 50.0)
_LOOK_EVERY_S = 0.25


class _Watch:
    """Counts how often a run went from one worker to another."""

    def __init__(self, database: Database, sources: list[UUID]) -> None:
        self._database = database
        self._sources = sources
        self._workers: dict[UUID, str] = {}
        self.changes = 0

    async def look(self) -> None:
        """Compare the workers of all runs with what they were."""
        async with self._database.reading() as session:
            runs = await last_runs(session, self._sources)
        for run in runs.values():
            before = self._workers.get(run.id)
            if run.worker and before and before != run.worker:
                self.changes += 1
            if run.worker:
                self._workers[run.id] = run.worker

    async def during(self, seconds: float) -> None:
        """Look on for a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_S)


async def disturbed_workers(task: Task, kills: int, sources: list[UUID]) -> tuple[int, int]:
    """Ingest with two workers of which one is killed, ``kills`` times.

    Returns how many kills there were before the end, and how often a run was taken over. Raises
    :class:`RuntimeError` where PostgreSQL is not installed.
    """
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed: no initdb in /usr/lib/postgresql or PATH")
    encoder = LightEncoder()
    task.folder.mkdir(parents=True, exist_ok=True)
    socket = task.folder / "index.sock"
    index = EmbeddedIndex.open(task.folder / "index", encoder.spec)
    with running(binaries) as server:
        address = f"{server}/postgres"
        task = replace(task, database=address, socket=str(socket))
        database = await Database.open(database_url(address, task.folder))
        try:
            async with served(index, socket):
                watch = _Watch(database, sources)
                made = await _kill(task, kills, watch)
            await dump(index, task.folder)
        finally:
            await database.close()
            await index.close()
    return made, watch.changes


async def _kill(task: Task, kills: int, watch: _Watch) -> int:
    chance = random.Random(kills)
    children = []
    for _ in range(2):
        children.append(Child(task))
        await asyncio.to_thread(children[-1].until_ready)
    made = 0
    while made < kills:
        await watch.during(chance.uniform(*_BETWEEN_KILLS_S))
        if any(child.has_ended for child in children):
            break
        place = chance.randrange(2)
        children[place].kill()
        made += 1
        print(f"killed {made} of {kills}", flush=True)
        children[place] = Child(task.unhurried() if made == kills else task)
        await asyncio.to_thread(children[place].until_ready)
    ends = [asyncio.create_task(asyncio.to_thread(child.finish)) for child in children]
    while not all(end.done() for end in ends):
        await watch.during(1)
    await asyncio.gather(*ends)
    return made
