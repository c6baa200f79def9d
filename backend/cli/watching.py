"""Waiting for runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from backend.cli.connection import Api
from backend.cli.output import notes

_LOOK_EVERY_S = 0.25
_LINE_EVERY_S = 5.0

Show = Callable[[dict[str, Any], str], None]


async def watch_runs(api: Api, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Wait until all runs have ended, and show how far they are. Returns them as they ended."""
    if notes.is_terminal:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} documents, {task.fields[chunks]} chunks"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            console=notes,
        ) as bars:
            return await _until_ended(api, run_ids, _Bars(bars).show)
    return await _until_ended(api, run_ids, _Lines().show)


async def _until_ended(api: Api, run_ids: Sequence[str], show: Show) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    ended: dict[str, dict[str, Any]] = {}
    while len(ended) < len(run_ids):
        for run_id in run_ids:
            if run_id in ended:
                continue
            run = await api.get(f"/runs/{run_id}")
            if run_id not in names:
                names[run_id] = await _name(api, run)
            show(run, names[run_id])
            if run["ended"] or run["state"] == "paused":
                ended[run_id] = run
        await asyncio.sleep(_LOOK_EVERY_S if len(ended) < len(run_ids) else 0)
    return [ended[run_id] for run_id in run_ids]


async def _name(api: Api, run: dict[str, Any]) -> str:
    if run["source_id"] is None:
        base = await api.get(f"/knowledge-bases/{run['knowledge_base_id']}")
        return str(base["name"])
    source = await api.get(f"/sources/{run['source_id']}")
    return str(source["name"])


class _Bars:
    """One bar for each run."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, run: dict[str, Any], name: str) -> None:
        """Bring a run's bar up to date."""
        if run["id"] not in self._tasks:
            self._tasks[run["id"]] = self._bars.add_task(name, total=None, chunks=0, speed="")
        self._bars.update(
            self._tasks[run["id"]],
            description=f"{name}: {run['state']}",
            total=run["found"] or None,
            completed=run["done"],
            chunks=run["chunks_encoded"],
            speed=told_speed(run),
        )


class _Lines:
    """A line for each change of state, and one now and then."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._next = 0.0

    def show(self, run: dict[str, Any], name: str) -> None:
        """Write a line where there is something to tell."""
        changed = self._states.get(run["id"]) != run["state"]
        now = time.monotonic()
        if not changed and now < self._next:
            return
        self._states[run["id"]] = run["state"]
        self._next = now + _LINE_EVERY_S
        notes.print(
            f"{name}: {run['state']}, {run['done']}/{run['found']} documents, "
            f"{run['chunks_encoded']} chunks{told_speed(run, ', ')}",
            markup=False,
        )


def told_speed(run: dict[str, Any], before: str = "") -> str:
    """A run's rate and the time left after ``before``, or nothing where they cannot be told."""
    if run["seconds_left"] is None:
        return ""
    minutes, seconds = divmod(run["seconds_left"], 60)
    return f"{before}{run['documents_per_s']:.1f} documents/s, {minutes}:{seconds:02} left"
