"""What a whole ingestion reaches of the encoder's own speed, on the same passages.

The encoder alone gets the passages of a site that is ingested after it: every second one before
the job and the others after it, in calls of 32, with the same settings and in the same process, so
that what else the machine does falls upon both. The job is timed from its being queued to its
end, in a worker that has read a smaller site before: no process starts under the clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.ingestion_service import opened
from knowledge.encode.bundled import BundledEncoder
from knowledge.types import Encoding, SparseVector

_BATCH = 32
_PARSER = b"ingestion.parse.child"
_TICKS = os.sysconf("SC_CLK_TCK")


class _Clock:
    """Seconds, and processor seconds of this process and of its parsers."""

    def __init__(self) -> None:
        self._began, self._busy = time.perf_counter(), _processor_s()

    def read(self) -> tuple[float, float]:
        """Both since it was started."""
        return time.perf_counter() - self._began, _processor_s() - self._busy


def _processor_s() -> float:
    return time.process_time() + sum(map(_parser_s, Path("/proc").glob("[0-9]*")))


def _parser_s(process: Path) -> float:
    """Processor seconds of a parser of this process, 0 for any other process."""
    try:
        if _PARSER not in (process / "cmdline").read_bytes():
            return 0.0
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    is_ours = int(fields[1]) == os.getpid()
    return (int(fields[11]) + int(fields[12])) / _TICKS if is_ours else 0.0


class _Recorder(BundledEncoder):
    """Writes down the passages that a job has encoded, and makes nothing of them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        self.texts += texts
        nothing = SparseVector(np.zeros(1, np.uint32), np.ones(1, np.float32))
        return [Encoding(np.ones(self.spec.dense_size, np.float32), nothing) for _ in texts]


async def encoder_share(
    folder: Path, small: str, start: str, encoder: BundledEncoder
) -> dict[str, float]:
    """Passages a second of the job and of the encoder alone, and the share that the job reaches.

    ``processor_share``: what the encoder needs of all processor time that the job takes, its
    parsers included. It tells what a machine on which nothing else goes on would come to.
    """
    texts = await _texts(folder / "texts", start)
    before = _alone(encoder, texts[::2])
    async with opened(folder / "job", encoder) as bench:
        await bench.wait(await bench.queue(await bench.website("small", small)))
        clock = _Clock()
        _, progress = await bench.wait(await bench.queue(await bench.website("site", start)))
        seconds, busy = clock.read()
    after = _alone(encoder, texts[1::2])
    alone_s, alone_busy = before[0] + after[0], before[1] + after[1]
    job, alone = progress.chunks / seconds, len(texts) / alone_s
    return {
        "passages": progress.chunks,
        "passages_per_s": round(job, 1),
        "alone_passages_per_s": round(alone, 1),
        "share": round(job / alone, 2),
        "processor_share": round((alone_busy / len(texts)) / (busy / progress.chunks), 2),
    }


async def _texts(folder: Path, start: str) -> list[str]:
    recorder = _Recorder()
    async with opened(folder, recorder) as bench:
        await bench.wait(await bench.queue(await bench.website("site", start)))
    return recorder.texts


def _alone(encoder: BundledEncoder, texts: Sequence[str]) -> tuple[float, float]:
    """Seconds and processor seconds of encoding the passages and nothing else."""
    began, busy = time.perf_counter(), time.process_time()
    for place in range(0, len(texts), _BATCH):
        encoder.encode_passages(texts[place : place + _BATCH])
    return time.perf_counter() - began, time.process_time() - busy
