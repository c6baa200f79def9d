"""Read retrieval sets in the layout of BEIR: a corpus, queries, and judgments.

Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
Models" (2021).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import InvalidInput

Judgments = dict[str, dict[str, int]]
"""Query id to document id to grade, all grades above 0."""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A judged retrieval set.

    ``corpus``: document id to title and text, joined. ``queries``: query id to text, of the judged
    queries alone.
    """

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    judgments: Judgments


def find_sets(folder: Path) -> list[Path]:
    """Every folder at or below ``folder`` that holds a retrieval set, sorted by path."""
    return sorted(path.parent for path in folder.rglob("corpus.jsonl"))


def read_set(folder: Path, split: str = "test", name: str = "") -> RetrievalSet:
    """Read ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv`` of a folder.

    Raises :class:`~knowledge.errors.InvalidInput` where one is missing or malformed.
    """
    try:
        judgments = _read_judgments(folder / "qrels" / f"{split}.tsv")
        corpus = {row["_id"]: _joined(row) for row in _rows(folder / "corpus.jsonl")}
        queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    except (OSError, ValueError, KeyError) as error:
        detail = f"{folder} is not a retrieval set in BEIR layout ({error!r})."
        raise InvalidInput(detail, "See knowledge/evaluation/beir.py for the layout.") from error
    judged = {query: text for query, text in queries.items() if query in judgments}
    return RetrievalSet(name or folder.name, corpus, judged, judgments)


def _read_judgments(path: Path) -> Judgments:
    judgments: Judgments = {}
    with path.open(encoding="utf-8") as lines:
        next(lines, None)
        for line in lines:
            query, document, grade = line.rstrip("\n").split("\t")
            if int(grade) > 0:
                judgments.setdefault(query, {})[document] = int(grade)
    return judgments


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _joined(row: dict[str, Any]) -> str:
    title, text = row.get("title", ""), row["text"]
    return f"{title}. {text}" if title else str(text)
