"""Answers without a language model: right, abstained or wrong, and how long they take.

``python -m benchmarks.answers FOLDER`` reads a retrieval set in BEIR layout that also has
``qrels/unanswerable.tsv``, the questions that its corpus cannot answer, and ``metadata.answers``
with the queries. It asks every question through the same turn that serves readers and writes
``benchmarks/results/answers.json`` and ``answers.md``. Nothing is tuned here: the weights of the
abstention come from ``benchmarks/abstention.py`` and other texts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from backend.chat.events import FinalAnswer, SearchResults
from backend.chat.evidence import stems_of
from backend.chat.passage import sentence_spans
from backend.chat.support import best_place
from backend.chat.turn import Chat, Question
from backend.search.search import Searcher, SearchRequest, SearchSettings
from benchmarks.machine import describe
from knowledge.encode.bundled import BundledEncoder
from knowledge.encode.encoder import Encoder
from knowledge.evaluation.beir import read_set
from knowledge.evaluation.collection import Collection, temporary_collection
from knowledge.settings import Settings
from knowledge.store.conversations import Reader
from knowledge.store.tables import KnowledgeBase, Message
from knowledge.types import Hit

RESULTS = Path(__file__).parent / "results"
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what is known of it. ``right`` is ``None`` where the corpus has no answer."""

    text: str
    right: str | None
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question.

    Times in milliseconds, ``cpu_ms`` of all threads together; ``recall``: of the reference's words.
    """

    answerable: bool
    abstained: bool
    confidence: float
    cited_first_right: bool
    cited_right: bool
    recall: float
    first_event_ms: float
    took_ms: float
    cpu_ms: float


def read_questions(folder: Path) -> list[Asked]:
    """The answerable and the unanswerable questions of a set."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    answers = {row["_id"]: tuple(row["metadata"].get("answers", ())) for row in rows}
    texts = {row["_id"]: row["text"] for row in rows}
    judged = read_set(folder).judgments
    found = [Asked(texts[query], next(iter(judged[query])), answers[query]) for query in judged]
    with (folder / "qrels" / "unanswerable.tsv").open(encoding="utf-8") as lines:
        next(lines)
        found += [Asked(texts[line.split("\t")[0]], None, ()) for line in lines]
    return found


class Bench:
    """Asks questions of a collection."""

    def __init__(self, collection: Collection, encoder: Encoder) -> None:
        settings = SearchSettings.of(Settings(), encoder.spec)
        self._searcher = Searcher(collection.database, collection.index, encoder, settings)
        self._chat = Chat(collection.database, self._searcher, encoder)
        self._collection = collection
        self._workspace: UUID = uuid4()

    async def start(self) -> None:
        """Find the workspace, and ask a few questions that are not counted."""
        async with self._collection.database.reading() as session:
            base = await session.get(KnowledgeBase, self._collection.knowledge_base_id)
            assert base is not None
            self._workspace = base.workspace_id
        for number in range(_WARM_UP):
            await self._run(f"What is number {number}?")

    async def ask(self, asked: Asked) -> Outcome:
        """Run a turn as a reader would see it."""
        cpu = process_time()
        final, first_event_ms, took_ms = await self._run(asked.text)
        cpu_ms = (process_time() - cpu) * 1000
        names = [self._collection.names[citation.chunk_id] for citation in final.citations]
        said = stems_of(final.answer)
        wanted = [stems_of(reference) for reference in asked.references]
        return Outcome(
            answerable=asked.right is not None,
            abstained=final.abstained,
            confidence=await self._confidence(final),
            cited_first_right=bool(names) and names[0] == asked.right,
            cited_right=asked.right in names,
            recall=max((len(said & one) / len(one) for one in wanted if one), default=0.0),
            first_event_ms=first_event_ms,
            took_ms=took_ms,
            cpu_ms=cpu_ms,
        )

    async def _run(self, text: str) -> tuple[FinalAnswer, float, float]:
        started = perf_counter()
        first = 0.0
        base = self._collection.knowledge_base_id
        turn = await self._chat.begin(Question(text, Reader(self._workspace), (base,)))
        async for event in turn.events():
            if isinstance(event, SearchResults):
                first = (perf_counter() - started) * 1000
            if isinstance(event, FinalAnswer):
                return event, first, (perf_counter() - started) * 1000
        raise AssertionError("a turn ends with an answer here")

    async def neighbour(self, asked: Asked) -> str:
        """The best passage for a question that is not the right one."""
        base = self._collection.knowledge_base_id
        result = await self._searcher.search(SearchRequest(asked.text, (base,), limit=2))
        names = [self._collection.names[hit.chunk_id] for hit in result.hits]
        return next(name for name in names if name != asked.right)

    async def _confidence(self, final: FinalAnswer) -> float:
        """What was stored with the answer."""
        async with self._collection.database.reading() as session:
            message = await session.get(Message, final.message_id)
        assert message is not None
        return float(message.explanation["confidence"])


async def check_support(
    bench: Bench, encoder: Encoder, corpus: dict[str, str], asked: Sequence[Asked]
) -> dict[str, float]:
    """How the rule for real citations judges sentences that people wrote.

    ``kept``: the share of reference sentences whose own passage is accepted; ``stranger_removed``
    and ``neighbour_removed``: the share for which the passage of another question is refused, and
    the best other passage that the search finds for the same question.
    """
    answerable = [one for one in asked if one.right and one.references]
    found: dict[str, list[bool]] = {"kept": [], "stranger_removed": [], "neighbour_removed": []}
    for at, one in enumerate(answerable):
        own = one.right or ""
        stranger = answerable[(at + len(answerable) // 2) % len(answerable)].right or ""
        neighbour = await bench.neighbour(one)
        for start, end in sentence_spans(one.references[0]):
            sentence = one.references[0][start:end]
            found["kept"].append(_is_real(encoder, sentence, corpus[own]))
            found["stranger_removed"].append(not _is_real(encoder, sentence, corpus[stranger]))
            found["neighbour_removed"].append(not _is_real(encoder, sentence, corpus[neighbour]))
    shares = {name: float(np.mean(values)) for name, values in found.items()}
    return {"sentences": len(found["kept"])} | shares


def _is_real(encoder: Encoder, sentence: str, passage: str) -> bool:
    place = best_place(encoder, sentence, _hit(passage))
    return place is not None and place.real


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Shares among the answerable and the unanswerable questions, and times of all."""
    yes = [one for one in outcomes if one.answerable]
    no = [one for one in outcomes if not one.answerable]
    answered = [one for one in yes if not one.abstained]
    first = [one.first_event_ms for one in outcomes]
    took = [one.took_ms for one in outcomes]
    return {
        "answerable": {
            "questions": len(yes),
            "answered": len(answered) / len(yes),
            "right_passage_cited_first": _share(one.cited_first_right for one in answered),
            "right_passage_cited": _share(one.cited_right for one in answered),
            "words_of_reference": float(np.mean([one.recall for one in answered])),
        },
        "unanswerable": {
            "questions": len(no),
            "abstained": _share(one.abstained for one in no),
        },
        "confidence_auc": auc([one.confidence for one in yes], [one.confidence for one in no]),
        "first_event_ms": _percentiles(first),
        "answer_ms": _percentiles(took),
        "answer_cpu_ms": _percentiles([one.cpu_ms for one in outcomes]),
    }


def auc(above: Sequence[float], below: Sequence[float]) -> float:
    """The chance that one of ``above`` is larger than one of ``below``; ties count half."""
    high, low = np.array(above)[:, None], np.array(below)[None, :]
    return float(np.mean((high > low) + 0.5 * (high == low)))


def _share(values: Any) -> float:
    return float(np.mean(list(values)))


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def _hit(text: str) -> Hit:
    name = uuid4()
    return Hit(name, name, name, "", "", (), text, (0, len(text)), 0.0)


def report(result: dict[str, Any]) -> str:
    """The result as a page of Markdown."""
    found = result["figures"]
    yes, no, support = found["answerable"], found["unanswerable"], result["support"]
    return f"""# Answers without a language model

Measured {result["measured_at"]} on {result["machine"]}
with `python -m benchmarks.answers`, on {result["set"]} ({result["passages"]} passages).
Nothing was tuned on this set. The load of other work on the machine was {result["load"]:.1f} at
the start (1-minute average).

| {yes["questions"]} questions that the corpus answers | |
|---|---|
| answered | {yes["answered"]:.1%} |
| of these, the right passage is cited first | {yes["right_passage_cited_first"]:.1%} |
| of these, the right passage is cited | {yes["right_passage_cited"]:.1%} |
| words of the reference answer that are in the answer | {yes["words_of_reference"]:.1%} |

| {no["questions"]} questions that it cannot answer | |
|---|---|
| abstained | {no["abstained"]:.1%} |

The passages on which the unanswerable questions were written are in the corpus: they are near
misses, not questions about something else. AUC of the confidence: {found["confidence_auc"]:.3f}.

| milliseconds | p50 | p95 |
|---|---|---|
| first event | {found["first_event_ms"]["p50"]} | {found["first_event_ms"]["p95"]} |
| whole answer, stored | {found["answer_ms"]["p50"]} | {found["answer_ms"]["p95"]} |
| its processor time, all threads | {found["answer_cpu_ms"]["p50"]} | \
{found["answer_cpu_ms"]["p95"]} |

## The rule for real citations

{support["sentences"]} sentences of the reference answers, each held against three passages: the one
that it was written from is kept in {support["kept"]:.1%} of cases; that of another question is
removed in {support["stranger_removed"]:.1%}; the best other passage found for the same question is
removed in {support["neighbour_removed"]:.1%}.
"""


async def measure(folder: Path) -> dict[str, Any]:
    """All figures of one set."""
    import os

    load = os.getloadavg()[0]
    encoder = BundledEncoder()
    judged = read_set(folder)
    asked = read_questions(folder)
    async with temporary_collection(judged.corpus, encoder) as collection:
        bench = Bench(collection, encoder)
        await bench.start()
        outcomes = [await bench.ask(one) for one in asked]
        support = await check_support(bench, encoder, judged.corpus, asked)
    return {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "machine": describe(),
        "load": load,
        "set": folder.name,
        "passages": len(judged.corpus),
        "encoder": encoder.spec.id,
        "figures": figures(outcomes),
        "support": support,
    }


def main() -> None:
    """Run the benchmark on the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    result = asyncio.run(measure(parser.parse_args().folder))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "answers.md").write_text(report(result), encoding="utf-8")
    print(report(result))


if __name__ == "__main__":
    main()
