"""Fifty term pairs of web help: is a passage found by words of which it has none?

``python -m benchmarks.term_pairs`` ranks all fifty passages of ``questions/term_pairs.jsonl`` for
each query by the sparse vectors alone. No query shares a word (after stemming) with its passage.
Writes ``results/term_pairs.md``.
"""

from __future__ import annotations

import json
from pathlib import Path

from knowledge.encode.bundled import BundledEncoder, QueryMode
from knowledge.encode.words import words
from knowledge.evaluation.exact import SparseArm

_HERE = Path(__file__).parent
MODES: tuple[QueryMode, ...] = ("inference-free", "encoded")


def read_pairs(path: Path = _HERE / "questions" / "term_pairs.jsonl") -> list[dict[str, str]]:
    """The pairs, checked to have no word in common."""
    rows: list[dict[str, str]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        shared = {w.stem for w in words(row["query"])} & {w.stem for w in words(row["passage"])}
        if shared:
            raise ValueError(f"{row['query']!r} shares {shared} with its passage")
    return rows


def ranks(rows: list[dict[str, str]], mode: QueryMode) -> list[int]:
    """The place of each query's passage among all passages, from 1; 0 where it is not found."""
    encoder = BundledEncoder(query_mode=mode)
    passages = encoder.encode_passages([row["passage"] for row in rows])
    vectors = [p.sparse for p in passages if p.sparse is not None]
    arm = SparseArm(vectors, encoder.spec.counted_weight)
    queries = encoder.encode_queries([row["query"] for row in rows])
    found = arm.rank([q.sparse for q in queries if q.sparse is not None])
    return [
        next((n for n, (place, _) in enumerate(row, start=1) if place == own), 0)
        for own, row in enumerate(found)
    ]


def main() -> None:
    """Command line."""
    rows = read_pairs()
    places = {mode: ranks(rows, mode) for mode in MODES}
    lines = ["# Term pairs", "", f"Place among {len(rows)} passages, sparse vectors alone.", ""]
    lines += ["| query | passage says | inference-free | encoded |", "|---|---|---|---|"]
    for number, row in enumerate(rows):
        cells = " | ".join(str(places[mode][number] or "-") for mode in MODES)
        lines.append(f"| {row['query']} | {row['term']} | {cells} |")
    lines += ["", "| found in the first | inference-free | encoded |", "|---|---|---|"]
    for depth in (1, 3, 10):
        counts = [sum(0 < place <= depth for place in places[mode]) for mode in MODES]
        lines.append(f"| {depth} | {counts[0]} | {counts[1]} |")
    (_HERE / "results" / "term_pairs.md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines[-5:]))


if __name__ == "__main__":
    main()
