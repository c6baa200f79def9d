"""When to say nothing: the weights of the confidence that an answer is in the passages.

``python -m benchmarks.abstention FOLDER`` reads texts that are no benchmark: documentation as
``*.jsonl.gz`` with ``title``, ``headings`` and ``text`` (a section under a question is taken as the
answer to that question, which is taken out of its heading), and question-answer pairs with
``question``, ``answer`` and ``metadata.focus``. Each question is asked three times:

- of its own collection, which has the answer (``yes``);
- of its own collection without the document of the answer (``near``);
- of the other collection (``far``).

A logistic regression over two figures (see :func:`backend.chat.answer_extractive.closeness`)
tells the first from the others. Results: ``benchmarks/results/abstention.{json,md}``. The
threshold is where about one in twenty of the documentation questions whose answer was among the
passages read is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backend.chat.answer_extractive import closeness
from backend.chat.evidence import ask, open_passages, score, shortlist
from backend.chat.select import can_stand
from backend.chat.settings import ChatSettings
from backend.search.search import Searcher, SearchRequest, SearchSettings
from benchmarks.answers import RESULTS, auc
from benchmarks.machine import describe
from knowledge.encode.bundled import BundledEncoder
from knowledge.encode.dense_memory import DenseMemory
from knowledge.encode.encoder import Encoder
from knowledge.encode.words import words
from knowledge.evaluation.collection import Collection, temporary_collection
from knowledge.passage_text import passage_prefix
from knowledge.settings import Settings
from knowledge.types import Hit

Case = Literal["yes", "near", "far"]
_PASSAGE = 900
_LEAST_TEXT = 80
_PERSONAL = re.compile(r"\byou(?:r)?\b|editor", re.IGNORECASE)
_THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage and the document that it belongs to."""

    text: str
    title: str
    heading: tuple[str, ...]
    document: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the document that answers it."""

    text: str
    document: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One question asked of one collection. ``found``: the answer's document was among the hits."""

    case: Case
    found: bool
    meaning: float
    share: float


def read_sections(
    folder: Path, rng: random.Random, size: int
) -> tuple[list[Passage], list[Question]]:
    """Questions that head a section of documentation, their sections, and as many others again."""
    rows = [row for row in _rows(folder) if "headings" in row and len(row["text"]) > _LEAST_TEXT]
    rng.shuffle(rows)
    asked = [row for row in rows if row["headings"] and _is_question(row["headings"][-1])][:size]
    chosen = {row["_id"] for row in asked}
    passages = [
        Passage(part, row["title"], tuple(row["headings"][:-1]), _document(row))
        for row in asked
        for part in _parts(row["text"])
    ]
    others = [row for row in rows if row["_id"] not in chosen][: 3 * size]
    passages += [
        Passage(row["text"][:_PASSAGE], row["title"], tuple(row["headings"]), _document(row))
        for row in others
    ]
    return passages, [Question(row["headings"][-1].strip(), _document(row)) for row in asked]


def read_pairs(folder: Path, rng: random.Random, size: int) -> tuple[list[Passage], list[Question]]:
    """One question for each of ``size`` subjects, and the answers to all questions about them."""
    subjects: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(folder):
        if "question" in row and len(row["answer"]) > _LEAST_TEXT:
            subjects.setdefault(row["metadata"]["focus"], []).append(row)
    names = sorted(subjects)
    rng.shuffle(names)
    passages = [
        Passage(part, name, (), name)
        for name in names[:size]
        for row in subjects[name]
        for part in _parts(row["answer"])[:2]
    ]
    questions = [Question(rng.choice(subjects[name])["question"], name) for name in names[:size]]
    return passages, questions


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield row | {"_id": f"{file.name}/{row['_id']}"}


def _document(row: dict[str, Any]) -> str:
    return str(row["_id"]).split("#")[0]


def _is_question(heading: str) -> bool:
    """Whether a heading is a question that makes sense away from its page."""
    own = heading.strip()
    return own.endswith("?") and len(words(own)) >= 4 and not _PERSONAL.search(own)


def _parts(text: str) -> list[str]:
    """The text in parts of about :data:`_PASSAGE` characters, cut between sentences; at most 4."""
    parts = [""]
    for sentence in re.split(r"(?<=[.!?])\s+|\n\n", text):
        if parts[-1] and len(parts[-1]) + len(sentence) > _PASSAGE:
            parts.append("")
        parts[-1] = f"{parts[-1]} {sentence}".strip()
    return parts[:4]


class Asker:
    """Asks questions of one collection and reports what the confidence is made from."""

    def __init__(
        self, collection: Collection, passages: Sequence[Passage], encoder: Encoder
    ) -> None:
        settings = SearchSettings.of(Settings(), encoder.spec)
        self._searcher = Searcher(collection.database, collection.index, encoder, settings)
        self._collection = collection
        self._passages = passages
        self._encoder = encoder
        self._memory = DenseMemory(encoder)
        self._settings = ChatSettings()

    async def observe(self, question: Question, case: Case) -> Observation:
        """Ask; for ``near`` as if the document of the answer were not there."""
        request = SearchRequest(question.text, (self._collection.knowledge_base_id,), limit=40)
        result = await self._searcher.search(request)
        hits = []
        found = False
        for hit in result.hits:
            passage = self._passages[int(self._collection.names[hit.chunk_id])]
            own = passage.document == question.document
            if not (own and case == "near"):
                hits.append(_as_ingested(hit, passage))
                found = found or (own and len(hits) <= self._settings.passages_read)
        assert result.trace is not None, "a search that ran has a trace"
        asked = ask(self._encoder, question.text, result.trace.query, question.text)
        opened = open_passages(hits[: self._settings.passages_read])
        candidates = [
            one
            for one in shortlist(asked, opened, self._settings.pieces_encoded)
            if can_stand(opened[one.rank].pieces, one.index)
        ]
        scored = await asyncio.to_thread(score, self._memory, asked, candidates, opened)
        return Observation(case, found, *closeness(asked, scored, opened))


def _as_ingested(hit: Hit, passage: Passage) -> Hit:
    return replace(hit, text=passage.text, title=passage.title, heading=passage.heading)


async def observe_all(
    name: str, sets: dict[str, tuple[list[Passage], list[Question]]], encoder: Encoder
) -> list[Observation]:
    """Every question of ``name`` in ``yes`` and ``near``, those of the other set in ``far``."""
    passages, questions = sets[name]
    corpus = {
        str(number): passage_prefix(passage.title, passage.heading, "") + passage.text
        for number, passage in enumerate(passages)
    }
    strangers = next(questions for other, (_, questions) in sets.items() if other != name)
    async with temporary_collection(corpus, encoder) as collection:
        asker = Asker(collection, passages, encoder)
        cases: list[tuple[Case, list[Question]]] = [
            ("yes", questions),
            ("near", questions[::2]),
            ("far", strangers[::2]),
        ]
        return [await asker.observe(one, case) for case, asked in cases for one in asked]


def fit(observations: Sequence[Observation]) -> tuple[float, float, float]:
    """Weights of meaning and share, and the bias: logistic regression, both classes alike.

    Newton's method on the log-likelihood with a slight ridge.
    """
    features = np.array([[one.meaning, one.share, 1.0] for one in observations])
    labels = np.array([one.case == "yes" for one in observations], np.float64)
    weight = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    ridge = np.diag([0.1, 0.1, 0.0])
    at = np.zeros(3)
    for _ in range(25):
        chance = _sigmoid(features @ at)
        gradient = features.T @ (weight * (labels - chance)) - ridge @ at
        curvature = (features * (weight * chance * (1 - chance))[:, None]).T @ features + ridge
        at += np.linalg.solve(curvature, gradient)
    meaning, share, bias = (float(value) for value in at)
    return meaning, share, bias


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-values)), np.float64)


def figures(
    observations: Sequence[Observation], weights: tuple[float, float, float]
) -> dict[str, Any]:
    """AUC against near misses, and what is refused at each threshold."""
    chances: dict[str, list[float]] = {"yes": [], "near": [], "far": [], "found": []}
    for one in observations:
        value = weights[0] * one.meaning + weights[1] * one.share + weights[2]
        chance = float(_sigmoid(np.array([value]))[0])
        chances[one.case].append(chance)
        if one.case == "yes" and one.found:
            chances["found"].append(chance)
    return {
        "questions": {case: len(values) for case, values in chances.items()},
        "auc_near": auc(chances["yes"], chances["near"]),
        "refused": {
            str(least): {
                case: float(np.mean(np.array(values) < least)) for case, values in chances.items()
            }
            for least in _THRESHOLDS
        },
    }


def report(result: dict[str, Any]) -> str:
    """The result as a page of Markdown."""
    weights = result["weights"]
    lines = [
        "# When to say nothing",
        "",
        f"Measured {result['measured_at']} on {result['machine']}",
        "with `python -m benchmarks.abstention`; encoder " + result["encoder"] + ".",
        "",
        f"confidence = 1 / (1 + exp(-({weights[0]:.2f} x highest cosine of a piece + "
        f"{weights[1]:.2f} x share of the question's words in its passage {weights[2]:+.2f})))",
        "",
        "Refused by threshold: questions whose answer was among the passages read, questions "
        "whose answer was taken out of the collection, questions about something else.",
    ]
    for name, found in result["sets"].items():
        lines += [
            "",
            f"## {name}",
            "",
            f"{found['questions']}; AUC against near misses {found['auc_near']:.3f}.",
            "",
            "| threshold | answer was there | answer taken out | something else |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {least} | {refused['found']:.1%} | {refused['near']:.1%} | {refused['far']:.1%} |"
            for least, refused in found["refused"].items()
        ]
    return "\n".join(lines) + "\n"


async def measure(folder: Path, size: int) -> dict[str, Any]:
    """Read, ask, fit, and judge."""
    rng = random.Random(7)
    encoder = BundledEncoder()
    sets = {
        "documentation": read_sections(folder, rng, size),
        "health": read_pairs(folder, rng, size),
    }
    observed = {name: await observe_all(name, sets, encoder) for name in sets}
    weights = fit([one for found in observed.values() for one in found])
    return {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "machine": describe(),
        "encoder": encoder.spec.id,
        "weights": weights,
        "sets": {name: figures(found, weights) for name, found in observed.items()},
    }


def main() -> None:
    """Run on the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=110, help="questions of each kind")
    arguments = parser.parse_args()
    result = asyncio.run(measure(arguments.folder, arguments.size))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "abstention.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (RESULTS / "abstention.md").write_text(report(result), encoding="utf-8")
    print(report(result))


if __name__ == "__main__":
    main()
