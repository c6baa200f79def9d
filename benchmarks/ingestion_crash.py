"""Ingestion killed at random moments: is the index afterwards what it would have been?

``python -m benchmarks.ingestion_crash KILLS [--site FOLDER] [--documents FOLDER]`` ingests a
website (made here, of 120 pages, or a folder served on loopback) and files once undisturbed and
once in a process that is killed (``kill -9``) and started again, KILLS times, at random moments.
Then every point of both indexes is compared: id, payload but for the time of fetching, and every
number of its vectors. The last line is the verdict; ``benchmarks/results/ingestion-crash.json``
keeps it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.ingestion_service import Bench, opened
from benchmarks.ingestion_site import files_of, serve, write_site
from benchmarks.light_encoder import LightEncoder
from benchmarks.machine import describe
from knowledge.index.search_index import Point
from knowledge.store.queries.runs import open_runs
from knowledge.store.tables import Run

RESULTS = Path(__file__).parent / "results"
_READY, _DONE = "ready", "done"
_LEAST_MEAN_S = 3.0


async def ingest(folder: Path, start: str, documents: Path | None) -> None:
    """The process that is killed: begin, or go on, until both sources are through."""
    async with opened(folder, LightEncoder()) as bench:
        marker = folder / "runs.json"
        if not marker.exists():
            runs = [await bench.queue(await bench.website("site", start))]
            if documents is not None:
                source = await bench.files("files", files_of(documents))
                runs.append(await bench.queue(source))
            marker.write_text(json.dumps([str(run) for run in runs]))
        print(_READY, flush=True)
        await _all_ended(bench)
        dump = {str(p.id): _fingerprint(p) async for batch in bench.index.scroll() for p in batch}
        (folder / "points.json").write_text(json.dumps(dump))
    print(_DONE, flush=True)


async def _all_ended(bench: Bench) -> None:
    while True:
        async with bench.database.reading() as session:
            workspace = await _workspace(session, bench)
            going: list[Run] = await open_runs(session, workspace)
        if not going:
            return
        await asyncio.sleep(0.1)


async def _workspace(session: Any, bench: Bench) -> Any:
    from knowledge.store.tables import KnowledgeBase

    return (await session.get_one(KnowledgeBase, bench.knowledge_base)).workspace_id


def _fingerprint(point: Point) -> str:
    """A digest of everything about a point that must not depend on when it was written."""
    payload = {key: value for key, value in point.payload.items() if key != "modified"}
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode())
    encoding = point.encoding
    if encoding.dense is not None:
        digest.update(encoding.dense.tobytes())
    if encoding.sparse is not None:
        digest.update(encoding.sparse.indices.tobytes() + encoding.sparse.values.tobytes())
    return digest.hexdigest()


class Child:
    """The process of :func:`ingest`."""

    def __init__(self, folder: Path, start: str, documents: Path | None) -> None:
        command = [sys.executable, "-m", __spec__.name if __spec__ else "", "--child", str(folder)]
        command += ["--start", start]
        if documents is not None:
            command += ["--documents", str(documents)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def until(self, word: str) -> None:
        """Wait until the process says a word. Raises where it ends before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError(f"the process ended ({self._process.wait()}) before it said {word!r}")

    def kill_after(self, seconds: float) -> bool:
        """Kill the process; false where it was through before."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return True
        return False

    def finish(self) -> None:
        """Wait for the end."""
        self.until(_DONE)
        self._process.wait()


def undisturbed(folder: Path, start: str, documents: Path | None) -> float:
    """Ingest without a crash; seconds it took."""
    child = Child(folder, start, documents)
    child.until(_READY)
    began = time.monotonic()
    child.finish()
    return time.monotonic() - began


def disturbed(folder: Path, start: str, documents: Path | None, kills: int, seconds: float) -> int:
    """Ingest with ``kills`` crashes at random moments; how many there were before the end."""
    chance = random.Random(kills)
    mean = max(seconds / max(kills, 1), _LEAST_MEAN_S)
    for number in range(kills):
        child = Child(folder, start, documents)
        child.until(_READY)
        if not child.kill_after(chance.uniform(0, 2 * mean)):
            return number
        print(f"killed {number + 1} of {kills}", flush=True)
    child = Child(folder, start, documents)
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
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--start", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        asyncio.run(ingest(given.child, given.start, given.documents))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        return _run(Path(scratch), given.kills, given.site, given.documents)


def _run(scratch: Path, kills: int, site: Path | None, documents: Path | None) -> int:
    if site is None:
        site = scratch / "site"
        write_site(site, 120)
    with serve(site) as start:
        seconds = undisturbed(scratch / "calm", start, documents)
        made = disturbed(scratch / "wild", start, documents, kills, seconds)
    points, different = compare(scratch / "calm", scratch / "wild")
    RESULTS.mkdir(exist_ok=True)
    result = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "kills": made,
        "points": points,
        "different": different,
        "undisturbed_s": round(seconds, 1),
    }
    (RESULTS / "ingestion-crash.json").write_text(json.dumps(result, indent=1) + "\n")
    verdict = "PASS" if not different and points else "FAIL"
    print(f"{verdict}: {points} points, {different} different, after {made} kills")
    return 0 if verdict == "PASS" else 1


if __name__ == "__main__":
    sys.exit(main())
