"""How soon ``candor serve`` is ready, and what it keeps of the memory while it waits.

``python -m benchmarks.start [--starts 9]``

A server is started on an empty folder and left until it has read its sample. Then servers are
started on that folder, one after another. Each is asked ``/readyz`` every 10 ms until it says yes;
a search and an answer follow at once, to see that it means it; and five quiet seconds later its
memory is read: resident (RSS), of it and of every process that it has started. Processor time is
that of all its threads and processes until ``/readyz`` said yes; where others use the machine, it
is the figure to compare. The ONNX model, the index and Python's modules are in the system's cache
from the second start on. Writes ``results/start.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.documentation_server import free_port
from benchmarks.machine import describe
from ingestion.parse.pool import ParseLimits

RESULTS = Path(__file__).with_name("results")
_LOOK_EVERY_S = 0.01
_QUIET_S = 5.0
_PATIENCE_S = 300.0
_QUESTION = "How do I make a backup?"
_NAMES = {
    "ready_s": "`/readyz` says yes, s",
    "processor_s": "processor time until then, s",
    "search_ms": "the first search after it, ms",
    "answer_ms": "the first answer after that, ms",
    "memory_mb": "memory when idle, MB",
}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds and processor seconds until it is ready, milliseconds of the first search
    and the first answer, megabytes when idle, and how many processes there are then.
    """

    ready_s: float
    processor_s: float
    search_ms: float
    answer_ms: float
    memory_mb: float
    processes: int


@contextmanager
def starting(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server on ``folder``, from the moment that it is started."""
    environment = os.environ | {
        "CANDOR_DATA": str(folder),
        "CANDOR_PORT": str(port),
        "CANDOR_LOG_LEVEL": "error",
    }
    environment.pop("PORT", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.main", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def measure_start(folder: Path, until_read: bool = False) -> Start:
    """One start. ``until_read``: wait until everything that is queued has been read."""
    port = free_port()
    began = time.perf_counter()
    with (
        starting(folder, port) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        _wait_until_ready(client, process)
        ready_s = time.perf_counter() - began
        processor_s = sum(map(_processor_seconds, _family(process.pid)))
        token = json.loads(_when_there(folder / "server.json"))["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        if until_read:
            while client.get("/api/v1/status").raise_for_status().json()["runs"]:
                time.sleep(0.5)
        search_ms, hits = _timed(client, "search", {"query": _QUESTION})
        answer_ms, answer = _timed(client, "chat", {"question": _QUESTION, "stream": False})
        if not hits["hits"] or answer["abstained"]:
            raise SystemExit("The server said that it is ready, and did not answer.")
        # Processes that read files end when nothing has come for them for a while.
        time.sleep(_QUIET_S + (ParseLimits().idle_s if until_read else 0))
        family = _family(process.pid)
        memory_mb = sum(map(_resident_mb, family))
    return Start(
        ready_s=round(ready_s, 3),
        processor_s=round(processor_s, 2),
        search_ms=round(search_ms, 1),
        answer_ms=round(answer_ms, 1),
        memory_mb=round(memory_mb, 1),
        processes=len(family),
    )


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(_LOOK_EVERY_S)
    raise SystemExit("The server did not become ready.")


def _timed(client: httpx.Client, route: str, body: dict[str, Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = client.post(f"/api/v1/{route}", json=body).raise_for_status().json()
    return (time.perf_counter() - began) * 1000, answer


def _when_there(file: Path) -> str:
    """The text of a file that the server writes as it begins to listen."""
    while not file.exists():
        time.sleep(_LOOK_EVERY_S)
    return file.read_text("utf-8")


def _family(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [one for child in children.read_text().split() for one in _family(int(child))]
    return found


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(starts: int) -> dict[str, Any]:
    """All figures."""
    load = os.getloadavg()[0]
    with TemporaryDirectory() as place:
        folder = Path(place)
        first = measure_start(folder, until_read=True)
        later = [measure_start(folder) for _ in range(starts)]
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": describe(),
        "load": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "first": asdict(first),
        "starts": [asdict(one) for one in later],
    }


def write(figures: dict[str, Any]) -> None:
    """Both result files."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "start.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    first, starts = figures["first"], figures["starts"]
    rows = [
        f"| {said} | {first[name]:g} | {_shown([one[name] for one in starts])} |"
        for name, said in _NAMES.items()
    ]
    lines = [
        "# Starting",
        "",
        f"{figures['when']}, {figures['machine']}, load average at the start {figures['load']}, at "
        f"the end {figures['load_after']}. `candor serve`, everything in one process, with "
        f"Candor's documentation; {len(starts)} starts on a folder that is there, median (least "
        "to most).",
        "",
        "`make bench-start` makes this file.",
        "",
        "| | first start, until the sample is read | later starts |",
        "|---|---|---|",
        *rows,
        "",
        "In the first start the search and the answer come when everything is read, and the memory "
        "is read when the processes that read it have ended.",
        "",
    ]
    (RESULTS / "start.md").write_text("\n".join(lines), "utf-8")


def _shown(values: Sequence[float]) -> str:
    return f"{median(values):g} ({min(values):g} to {max(values):g})"


def main() -> None:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=9)
    write(measure(parser.parse_args().starts))
    print((RESULTS / "start.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
