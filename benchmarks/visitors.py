"""Two hundred visitors of one assistant: how soon they read the first words, and what it costs.

``python -m benchmarks.visitors [--visitors 200] [--seconds 60] [--think 10]``

A server of its own (``candor serve``, extractive answers, SQLite, everything in one process) has
indexed Candor's documentation. Each visitor asks through the public side over HTTP and reads the
stream to its end, thinks (exponentially distributed), and asks again; all of them are there for
the whole time: this is how the visitors of a website come. Then all ask in the same instant, once,
which no website sees, and which says how long the queue is. Before that every question is asked
once, alone, by a server that has never met it. Server and visitors share the machine's
processors. Writes ``results/visitors.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.documentation_server import Server, serving
from benchmarks.machine import describe

RESULTS = Path(__file__).with_name("results")
QUESTIONS = Path(__file__).with_name("questions") / "documentation.txt"
_SEED = 20261121
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Answered:
    """One question's fate. Milliseconds; ``error`` is empty where the answer came whole."""

    first: float
    whole: float
    error: str = ""


class Counter:
    """How many streams are open, and how many there were at most."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def __enter__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        self.now -= 1


async def ask(server: Server, visitor: str, question: str, counter: Counter) -> Answered:
    """Ask over a connection of its own, and read the stream to its last event."""
    body = json.dumps({"question": question, "visitor": visitor}).encode()
    head = (
        f"POST {server.path}/chat HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Origin: http://127.0.0.1:{server.port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {server.session}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    started, first, seen = time.perf_counter(), 0.0, b""
    with counter:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(head.encode() + body)
            async with asyncio.timeout(_PATIENCE_S):
                while piece := await reader.read(65_536):
                    seen += piece
                    if not first and b"event: message" in seen:
                        first = (time.perf_counter() - started) * 1000
            writer.close()
        except (OSError, TimeoutError) as error:
            return Answered(first, 0.0, repr(error))
    whole = (time.perf_counter() - started) * 1000
    if b" 200 OK" not in seen[:64] or b"event: final_answer" not in seen:
        return Answered(first, whole, seen[:200].decode(errors="replace"))
    return Answered(first, whole)


async def visit(
    server: Server, name: str, questions: Sequence[str], seconds: float, think: float, all: Counter
) -> list[Answered]:
    """One visitor, who comes at a random moment of the first think time and stays to the end."""
    chance = random.Random(f"{_SEED} {name}")
    end = time.perf_counter() + seconds
    await asyncio.sleep(chance.uniform(0, think))
    answers = []
    while time.perf_counter() < end:
        answers.append(await ask(server, name, chance.choice(questions), all))
        await asyncio.sleep(chance.expovariate(1 / think))
    return answers


async def measure(visitors: int, seconds: float, think: float) -> dict[str, Any]:
    """All figures."""
    questions = QUESTIONS.read_text("utf-8").splitlines()
    async with serving() as server:
        alone = [await ask(server, "alone", question, Counter()) for question in questions]
        load, before, counter = os.getloadavg()[0], server.processor_seconds(), Counter()
        names = [f"visitor-{number}" for number in range(visitors)]
        crowd = [
            answer
            for answers in await asyncio.gather(
                *(visit(server, name, questions, seconds, think, counter) for name in names)
            )
            for answer in answers
        ]
        spent = server.processor_seconds() - before
        chance, rush, before = random.Random(_SEED), Counter(), server.processor_seconds()
        burst = await asyncio.gather(
            *(ask(server, name, chance.choice(questions), rush) for name in names)
        )
        rushed = server.processor_seconds() - before
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": describe(),
        "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        "visitors": visitors,
        "seconds": seconds,
        "think_s": think,
        "processor_ms_each": round(1000 * spent / max(1, len(crowd)), 1),
        "processor_ms_each_at_once": round(1000 * rushed / max(1, len(burst)), 1),
        "asked_a_second": round(len(crowd) / seconds, 1),
        "alone, first asked": summary(alone),
        "at a natural pace": summary(crowd) | {"streams_at_once": counter.most},
        "all in one instant": summary(burst) | {"streams_at_once": rush.most},
    }


def summary(answers: Sequence[Answered]) -> dict[str, Any]:
    """Counts and percentiles."""
    good = [answer for answer in answers if not answer.error]
    first, whole = (sorted(getattr(one, name) for one in good) for name in ("first", "whole"))
    return {
        "asked": len(answers),
        "errors": len(answers) - len(good),
        "error": next((answer.error for answer in answers if answer.error), ""),
        "first_words_ms": {str(p): at(first, p) for p in (50, 95, 99)},
        "whole_ms": {str(p): at(whole, p) for p in (50, 95, 99)},
    }


def at(ordered: Sequence[float], percent: int) -> float:
    """A percentile, by the nearest rank."""
    if not ordered:
        return 0.0
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


def write(figures: dict[str, Any]) -> None:
    """Both result files."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "visitors.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    rows = [
        f"| {name} | {found['asked']} | {found['errors']} | {found.get('streams_at_once', 1)} | "
        + " | ".join(str(found[kind][p]) for kind in ("first_words_ms", "whole_ms") for p in _SHOWN)
        + " |"
        for name, found in figures.items()
        if isinstance(found, dict)
    ]
    (RESULTS / "visitors.md").write_text(
        "\n".join(
            [
                "# Visitors",
                "",
                f"{figures['when']}, {figures['machine']}, load average at the start "
                f"{figures['load'][0]}, at the end {figures['load'][1]} (the visitors' own load is "
                "in it). One server process, extractive answers, over Candor's documentation; the "
                "visitors run on the same processors.",
                "",
                f"At a natural pace: {figures['visitors']} visitors for {figures['seconds']:g} s, "
                f"each thinking {figures['think_s']:g} s on average between two questions: "
                f"{figures['asked_a_second']} questions a second, "
                f"{figures['processor_ms_each']} ms of the server's processor time each. "
                "All in one instant: the same visitors, once, with "
                f"{figures['processor_ms_each_at_once']} ms each.",
                "",
                "`make bench-visitors` makes this file.",
                "",
                "| | asked | errors | streams at once | first words p50 ms | p95 | p99 | "
                "whole answer p50 ms | p95 | p99 |",
                "|---|---|---|---|---|---|---|---|---|---|",
                *rows,
                "",
            ]
        ),
        "utf-8",
    )


_SHOWN = ("50", "95", "99")


def main() -> None:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--think", type=float, default=10)
    given = parser.parse_args()
    write(asyncio.run(measure(given.visitors, given.seconds, given.think)))
    print((RESULTS / "visitors.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
