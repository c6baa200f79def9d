"""Ingestion killed at random moments: is the index afterwards what it would have been?

``python -m benchmarks.ingestion_crash KILLS [--site FOLDER] [--documents FOLDER]`` ingests a
website (made here, of 120 pages, or a folder served on loopback) and files once undisturbed and
once in a process that is killed (``kill -9``) and started again, KILLS times, at random moments.
Then every point of both indexes is compared: id, payload but for the time of fetching, and every
number of its vectors. The last line is the verdict; ``benchmarks/results/ingestion-crash.json``
keeps it.

``--workers`` does the same with two worker processes on a PostgreSQL that it starts, with one
index for both: one of them is killed at a random moment, the other takes over what it left, and a
new one takes its place. ``benchmarks/results/ingestion-workers.json`` keeps that verdict.

The encoder costs nothing and takes its time: what is killed should be at every stage, and not be
through before the last kill.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.crash_child import Child, Task, work
from benchmarks.crash_workers import disturbed_workers
from benchmarks.ingestion_service import bench_sources
from benchmarks.ingestion_site import serve, write_site
from benchmarks.machine import describe

RESULTS = Path(__file__).parent / "results"
_LIFE_S = 2.0
_WORKER_LIFE_S = 30.0
_LONG_LIFE_EVERY, _LONG_LIFE_S = 8, 16.0


def undisturbed(task: Task) -> float:
    """Ingest without a crash; seconds it took."""
    child = Child(task)
    child.until_ready()
    began = time.monotonic()
    child.finish()
    return time.monotonic() - began


def disturbed(task: Task, kills: int) -> int:
    """Ingest with ``kills`` crashes at random moments; how many there were before the end."""
    chance = random.Random(kills)
    for number in range(kills):
        child = Child(task)
        child.until_ready()
        # Some lives are long, so that large files are killed while they are encoded, too.
        mean = _LONG_LIFE_S if number % _LONG_LIFE_EVERY == 0 else _LIFE_S
        if not child.kill_after(chance.expovariate(1 / mean)):
            return number
        print(f"killed {number + 1} of {kills}", flush=True)
    child = Child(task.unhurried())
    child.finish()
    return kills


def compare(one: Path, other: Path) -> tuple[int, int]:
    """The number of points of the first index, and how many of both are not the same."""
    first = json.loads((one / "points.json").read_text())
    second = json.loads((other / "points.json").read_text())
    places = set(first) | set(second)
    return len(first), sum(first.get(place) != second.get(place) for place in places)


def main() -> int:
    """Run the benchmark, or be its child."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=100)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--documents", type=Path)
    parser.add_argument("--workers", action="store_true")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(work(Task.from_json(given.child)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        return _run(Path(scratch), given)


def _run(scratch: Path, given: argparse.Namespace) -> int:
    site = given.site
    if site is None:
        site = scratch / "site"
        write_site(site, 120)
    began = os.getloadavg()[0]
    with serve(site) as start:
        calm = Task(scratch / "calm", start, given.documents)
        seconds = undisturbed(calm)
        points = len(json.loads((calm.folder / "points.json").read_text()))
        # There has to be something left to do after the last kill.
        life = _WORKER_LIFE_S if given.workers else _LIFE_S
        pace = points / (given.kills * life * 1.5)
        wild = Task(scratch / "wild", start, given.documents, pace)
        taken_over = 0
        if given.workers:
            made, taken_over = asyncio.run(disturbed_workers(wild, given.kills, bench_sources()))
        else:
            made = disturbed(wild, given.kills)
    points, different = compare(scratch / "calm", scratch / "wild")
    passed = points > 0 and not different and made == given.kills
    result: dict[str, Any] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "load_average": round(began, 1),
        "site": given.site.name if given.site else "120 pages, made here",
        "documents": given.documents.name if given.documents else "",
        "kills": made,
        "points": points,
        "different": different,
        "undisturbed_s": round(seconds, 1),
        "verdict": "PASS" if passed else "FAIL",
    }
    if given.workers:
        result |= {"workers": 2, "taken_over": taken_over}
    RESULTS.mkdir(exist_ok=True)
    name = "ingestion-workers.json" if given.workers else "ingestion-crash.json"
    (RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")
    told = f"{points} points, {different} different, after {made} kills"
    if given.workers:
        told += f" of one of two workers, {taken_over} runs taken over"
    print(f"{result['verdict']}: {told}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
