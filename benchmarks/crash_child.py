"""The process that the crash benchmark kills: it ingests, or goes on where the last one stood."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID

from benchmarks.ingestion_service import Bench, opened
from benchmarks.ingestion_site import files_of
from benchmarks.light_encoder import LightEncoder
from benchmarks.shared_index import SharedIndex
from knowledge.index.search_index import Point, SearchIndex
from knowledge.store.tables import Run

_READY, _DONE = "ready", "done"


@dataclass(frozen=True, slots=True)
class Task:
    """What to ingest and where. ``database`` and ``socket`` are set for one of several workers."""

    folder: Path
    start: str
    documents: Path | None
    pace: float = 0.0
    database: str = ""
    socket: str = ""

    def unhurried(self) -> Task:
        """The same with an encoder that takes no time."""
        return replace(self, pace=0.0)

    def to_json(self) -> str:
        """As an argument of a command."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The reverse of :meth:`to_json`."""
        given = json.loads(text)
        documents = Path(given["documents"]) if given["documents"] else None
        return cls(**given | {"folder": Path(given["folder"]), "documents": documents})


async def work(task: Task) -> None:
    """Begin, or go on, until both sources are through. An embedded index is written down then."""
    encoder = LightEncoder(task.pace)
    shared = SharedIndex(Path(task.socket), encoder.spec) if task.socket else None
    async with opened(task.folder, encoder, shared, task.database) as bench:
        runs = await _queued(bench, task)
        print(_READY, flush=True)
        for run_id in runs:
            await bench.wait(run_id)
        if shared is None:
            await dump(bench.index, task.folder)
    print(_DONE, flush=True)


async def _queued(bench: Bench, task: Task) -> list[UUID]:
    marker = task.folder / "runs.json"
    if marker.exists():
        runs = [UUID(name) for name in json.loads(marker.read_text())]
        # A crash may lie between the marker of an earlier life and its commit.
        async with bench.database.reading() as session:
            if all([await session.get(Run, run) for run in runs]):
                return runs
    runs = [await bench.queue(await bench.website("site", task.start))]
    if task.documents is not None:
        files = await asyncio.to_thread(files_of, task.documents)
        runs.append(await bench.queue(await bench.files("files", files)))
    marker.write_text(json.dumps([str(run) for run in runs]))
    return runs


async def dump(index: SearchIndex, folder: Path) -> None:
    """Write down every point of an index: its id and a digest of what must not differ."""
    points = {str(p.id): _fingerprint(p) async for batch in index.scroll() for p in batch}
    (folder / "points.json").write_text(json.dumps(points))


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
    """A process that does :func:`work`."""

    def __init__(self, task: Task) -> None:
        command = [sys.executable, "-m", "benchmarks.ingestion_crash", "--child", task.to_json()]
        task.folder.mkdir(parents=True, exist_ok=True)
        with (task.folder / "child.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def until_ready(self) -> None:
        """Wait until the process works. Raises where it ends before."""
        self._until(_READY)

    def kill_after(self, seconds: float) -> bool:
        """Kill the process; false where it was through before."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return True
        return False

    def kill(self) -> None:
        """Kill the process as a power cut would, and its parsers with it as they notice."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether the process is through."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for the end. Raises where the process failed."""
        self._until(_DONE)
        if self._process.wait():
            raise RuntimeError(f"the process failed ({self._process.returncode})")

    def _until(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError(f"the process ended ({self._process.wait()}) before it said {word!r}")
