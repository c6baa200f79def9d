"""How long explanations take over 100,000 passages in the embedded index.

``python -m benchmarks.explain_speed [--passages 100000] [--queries 200]``

The passages are four to six sentences each, drawn at random from Candor's own documentation; their
vectors are put together from those of the sentences (``composed_encoder.py``), so that they are of
the bundled encoder's size and density. Each query is a run of words from a passage. Measured on top
of a search, one after another, as users get it: the ten hits, the record that chat stores, why-not
with and without the changes that would help, and what-if over a set of all the queries. Beside the
time on the clock stands the processor time of all threads, which says what a machine with nothing
else to do would take at most. Writes ``results/explain_speed.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from backend.explain.explain import Explainer
from backend.explain.rankings import JudgedText
from backend.explain.what_if import Draft, what_if_set
from backend.explain.why_not import why_not
from backend.search.rules import Rule
from backend.search.search import Searcher, SearchRequest, SearchSettings
from benchmarks.composed_encoder import ComposedEncoder
from benchmarks.machine import describe
from benchmarks.search_speed import RESULTS, documentation_passages, queries_from
from knowledge.encode.encoder import Encoder
from knowledge.evaluation.collection import Collection, temporary_collection
from knowledge.store.tables import RuleKind
from knowledge.types import Span

_CITED = 3
"""Passages that an answer cites, as a rule."""

_WHY = 60
"""Queries for which a miss is explained."""

_PART = 50
"""Queries of a set, where several sets are measured one after another."""

_SPREAD = SearchSettings(diversity=0.5, per_document=1)


@dataclass(slots=True)
class Spent:
    """Milliseconds on the clock and of the processor, one entry for each time."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    async def on(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await ``work`` and note what it took."""
        clock, processor = time.perf_counter(), time.process_time()
        result = await work
        self.clock.append((time.perf_counter() - clock) * 1000)
        self.processor.append((time.process_time() - processor) * 1000)
        return result

    def summary(self) -> dict[str, float]:
        """Median and 95th percentile of both."""
        p50, p95 = np.percentile(self.clock, [50, 95])
        cpu50, cpu95 = np.percentile(self.processor, [50, 95])
        return {
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "processor_p50_ms": round(float(cpu50), 1),
            "processor_p95_ms": round(float(cpu95), 1),
        }


async def measure(
    collection: Collection, encoder: Encoder, queries: Sequence[str]
) -> dict[str, Any]:
    """All figures over a filled collection."""
    searcher = Searcher(collection.database, collection.index, encoder, SearchSettings())
    explainer = Explainer(searcher)
    bases = (collection.knowledge_base_id,)
    before = os.getloadavg()[0]
    for query in queries[-5:]:
        await explainer.hits(await searcher.search(SearchRequest(query, bases)))
    times: dict[str, Spent] = {}
    sizes: list[int] = []
    last: list[UUID] = []

    def spent(name: str) -> Spent:
        return times.setdefault(name, Spent())

    for query in queries:
        request = SearchRequest(query, bases)
        result = await spent("search, for comparison").on(searcher.search(request))
        await spent("explain ten hits").on(explainer.hits(result))
        cited = tuple(hit.chunk_id for hit in result.hits[:_CITED])
        # As an answer quotes: two sentences of each passage.
        spans = {hit.chunk_id: _sentences(hit.text)[:2] for hit in result.hits[:_CITED]}
        record = await spent(f"record of an answer that cites {_CITED}").on(
            explainer.record(request, result, cited, spans)
        )
        sizes.append(len(json.dumps(record).encode()))
        last.append(result.trace.fused[-1].id)
    for number, query in enumerate(queries[:_WHY]):
        request = SearchRequest(query, bases)
        missed = last[(number + 7) % len(last)]
        result = await searcher.search(request)
        for name, changes in (
            ("why not, with its search", False),
            ("why not and what would help, with its search", True),
        ):
            await spent(name).on(why_not(explainer, request, chunk_id=missed, changes=changes))
        assert result.trace is not None
        spread = replace(request, settings=_SPREAD)
        await spent("the same under diversity and a cap on each document").on(
            why_not(explainer, spread, chunk_id=result.trace.fused[number % 20].id)
        )
        await spent("ten hits with what added each word, which runs the encoder").on(
            explainer.hits(result, origins=True)
        )
    judged = [
        JudgedText(str(number), query, {f"passage:{number}": 1})
        for number, query in enumerate(queries)
    ]
    sets = {}
    for name, draft in _drafts(queries, last):
        one = Spent()
        await one.on(what_if_set(searcher, bases, judged, draft))
        sets[name] = {
            "seconds": round(one.clock[0] / 1000, 2),
            "processor_seconds": round(one.processor[0] / 1000, 2),
        }
    one = Spent()
    draft = _drafts(queries, last)[0][1]
    for start in range(0, len(judged), _PART):
        await one.on(what_if_set(searcher, bases, judged[start : start + _PART], draft))
    sets[f"weights of the arms, sets of {_PART} one after another"] = {
        "seconds": round(sum(one.clock) / 1000, 2),
        "processor_seconds": round(sum(one.processor) / 1000, 2),
    }
    return {
        "machine": describe(),
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "load_before": round(before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "encoder": encoder.spec.id,
        "passages": len(collection.names),
        "queries": len(queries),
        "times": {name: one.summary() for name, one in times.items()},
        "record_mean_bytes": round(float(np.mean(sizes))),
        "record_largest_bytes": max(sizes),
        "what_if_set": sets,
    }


def _sentences(text: str) -> list[Span]:
    return [match.span() for match in re.finditer(r"[^.\n]+\.?", text)]


def _drafts(queries: Sequence[str], found: Sequence[UUID]) -> list[tuple[str, Draft]]:
    def draft(kind: RuleKind, **fields: Any) -> Draft:
        return Draft(add=(Rule(uuid4(), kind, **fields),))

    even = {"weights": {"sparse": 0.5, "dense": 0.5}}
    return [
        ("weights of the arms", draft(RuleKind.SETTINGS, settings=even)),
        ("one document boosted, for every query", draft(RuleKind.BOOST, document_id=found[0])),
        ("a term, for every query", draft(RuleKind.TERM, text="page address", factor=2.0)),
        ("a page pinned for one query", draft(RuleKind.PIN, query=queries[0], chunk_id=found[0])),
    ]


def write(figures: Mapping[str, Any]) -> str:
    """Write both files; returns the text of the second."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "explain_speed.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    text = _markdown(figures)
    (RESULTS / "explain_speed.md").write_text(text, "utf-8")
    return text


def _markdown(figures: Mapping[str, Any]) -> str:
    lines = [
        "# Speed of explanations",
        "",
        f"{figures['when']}, {figures['machine']}, load average {figures['load_before']} at the "
        f"start and {figures['load_after']} at the end. {figures['passages']:,} passages in the "
        f"embedded index, {figures['queries']} queries, one after another. Encoder "
        f"{figures['encoder']}.",
        "",
        "`make bench-explain` makes this file. “Processor” is the time of all threads of this "
        "process: where other processes share the cores, the clock shows their work too."
        + (f" {figures['note']}" if figures.get("note") else ""),
        "",
        "| | p50 ms | p95 ms | processor p50 ms | processor p95 ms |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['p50_ms']} | {one['p95_ms']} | {one['processor_p50_ms']} | "
        f"{one['processor_p95_ms']} |"
        for name, one in figures["times"].items()
    ]
    lines += [
        "",
        f"The record has {figures['record_mean_bytes']:,} bytes on the mean, "
        f"{figures['record_largest_bytes']:,} at most.",
        "",
        f"| What-if over {figures['queries']} queries | seconds | processor seconds |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['seconds']} | {one['processor_seconds']} |"
        for name, one in figures["what_if_set"].items()
    ]
    return "\n".join([*lines, ""])


def _report(done: int, of: int) -> None:
    if done % 10_240 == 0 or done == of:
        print(f"indexed {done:,} of {of:,}", flush=True)


async def _run(passages: int, queries: int, report: Callable[[int, int], None]) -> dict[str, Any]:
    encoder = ComposedEncoder()
    corpus = documentation_passages(passages, between="\n")
    async with temporary_collection(corpus, encoder, report) as collection:
        return await measure(collection, encoder, queries_from(corpus, queries))


def main() -> None:
    """Measure, and write both files."""
    options = argparse.ArgumentParser(description="Measure the speed of explanations.")
    options.add_argument("--passages", type=int, default=100_000)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--note", default="", help="what else there is to know of this run")
    told = options.parse_args()
    figures = asyncio.run(_run(told.passages, told.queries, _report))
    print(write(figures | {"note": told.note}))


if __name__ == "__main__":
    main()
