"""Speed and memory of the bundled encoder, beside sentence-transformers doing the same work.

``python -m benchmarks.encoder_speed`` encodes the same passages of 128 tokens and the same queries
with the bundled encoder and with two torch float32 models of the same size (MiniLM, and MiniLM
with a vocabulary head and SPLADE pooling), each in a process of its own. Writes
``results/encoder_speed.json`` and ``.md``. On a busy machine the wall clock says little: the
figures per processor second are given beside it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import describe

RESULTS = Path(__file__).parent / "results"
_WORDS = (
    "To change the address of a delivery open your orders choose the parcel and enter where it "
    "should go before the warehouse has packed it "
)
QUERIES = ["how do I change my delivery address", "refund", "cancel my subscription"]


def passages(count: int) -> list[str]:
    """Passages of about 128 word pieces, all different."""
    words = (_WORDS * 6).split()
    return [f"{n} {' '.join(words[n % 7 : n % 7 + 122])}." for n in range(count)]


def measure(
    encode: Callable[[Sequence[str]], Any],
    ask: Callable[[Sequence[str]], Any],
    count: int,
    repeat: int,
    asked: int = 60,
) -> dict[str, float]:
    """Passages per wall second and per processor second; milliseconds of one query at p50."""
    texts = passages(count)
    encode(texts[:8])
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        encode(texts)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    times = []
    for number in range(asked):
        started = time.perf_counter()
        ask([QUERIES[number % len(QUERIES)]])
        times.append((time.perf_counter() - started) * 1000)
    return {
        "passages per second": count * repeat / wall,
        "passages per processor second": count * repeat / processor,
        "query ms p50": statistics.median(times),
        "query ms best": min(times),
    }


def bundled() -> dict[str, float]:
    """The bundled encoder, in this process."""
    started = time.perf_counter()
    from knowledge.encode.bundled import BundledEncoder

    imported, busy = time.perf_counter(), time.process_time()
    encoder = BundledEncoder(threads=2)
    loaded, busy = time.perf_counter(), time.process_time() - busy
    texts = encoder.count_tokens(passages(4))
    figures = measure(encoder.encode_passages, encoder.encode_queries, 64, 3)
    resident = _resident()  # before there is a second encoder
    both = BundledEncoder(threads=2, query_mode="encoded")
    times = []
    for number in range(60):
        at = time.perf_counter()
        both.encode_queries([QUERIES[number % len(QUERIES)]])
        times.append((time.perf_counter() - at) * 1000)
    return {
        "import s": imported - started,
        "load s": loaded - imported,
        "load processor s": busy,
        "tokens per passage": statistics.mean(texts),
        **figures,
        "encoded query ms p50": statistics.median(times),
        "resident MB": resident,
    }


def peers() -> dict[str, float]:
    """The same two encodings through sentence-transformers, in this process."""
    import torch
    from sentence_transformers import SentenceTransformer, SparseEncoder
    from transformers import AutoTokenizer, BertForMaskedLM

    from training.build import find_backbone

    torch.set_num_threads(2)
    backbone = find_backbone()
    with tempfile.TemporaryDirectory() as folder:
        # the published model has no vocabulary head: one with random weights costs the same
        BertForMaskedLM.from_pretrained(str(backbone)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(str(backbone)).save_pretrained(folder)
        sparse = SparseEncoder(folder, device="cpu")
        dense = SentenceTransformer(str(backbone), device="cpu")

        def encode(texts: Sequence[str]) -> None:
            dense.encode(list(texts), show_progress_bar=False)
            sparse.encode_document(list(texts), show_progress_bar=False)

        figures = measure(encode, encode, 32, 1, asked=15)
    return {**figures, "resident MB": _resident()}


def _resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.split("VmRSS:")[1].split()[0]) / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.encoder_speed", description=__doc__)
    parser.add_argument("--only", choices=["bundled", "peers"], help="print one side's figures")
    given = parser.parse_args(arguments)
    if given.only:
        print(json.dumps(bundled() if given.only == "bundled" else peers()))
        return
    sides = {}
    for side in ("bundled", "peers"):
        command = [sys.executable, "-m", "benchmarks.encoder_speed", "--only", side]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        sides[side] = json.loads(found.stdout.splitlines()[-1])
    rows = list(sides["bundled"])
    lines = [
        f"# Encoder speed\n\n{describe()}. Two threads.\n",
        "| | bundled, int8 | sentence-transformers, float32 |",
        "|---|---|---|",
    ]
    for row in rows:
        cells = [f"{sides[s][row]:.2f}" if row in sides[s] else "-" for s in sides]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "encoder_speed.json").write_text(json.dumps(sides, indent=1), "utf-8")
    (RESULTS / "encoder_speed.md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
