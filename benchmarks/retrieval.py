"""Retrieval quality of the bundled encoder on judged sets, against BM25 and plain fusion.

``python -m benchmarks.retrieval FOLDER`` evaluates every set in BEIR layout below ``FOLDER`` and
writes ``retrieval.json`` and ``retrieval.md``. Scores are exact (every passage is scored, in
memory), so the figures are the encoder's and not an index's. Nothing here was trained on.

Arms: ``bm25`` is bm25s (Lucene's form, k1 0.9, b 0.4, English stop words and stemming). ``sparse``
is the encoder's sparse vector with the collection's IDF, in both query modes. ``dense`` is its
dense vector. Fused rankings take the first 100 of each arm, through the product's own fusion.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.rankings import bm25_ranking, fused_ranking
from knowledge.encode.bundled import BundledEncoder
from knowledge.evaluation.beir import RetrievalSet, find_sets, read_set
from knowledge.evaluation.exact import Ranking, SparseArm, dense_ranking
from knowledge.evaluation.metrics import mean_figures

RESULTS = Path(__file__).parent / "results"
Figures = dict[str, dict[str, float]]
"""Name of a ranking to metric to mean."""

_FUSIONS: dict[str, tuple[str, dict[str, object]]] = {
    "RRF(BM25, dense)": ("bm25", {"fusion": "rrf"}),
    "min-max(BM25, dense)": ("bm25", {"fusion": "minmax"}),
    "RRF": ("sparse", {"fusion": "rrf"}),
    "RRF 2:1": ("sparse", {"fusion": "rrf", "weights": {"sparse": 2.0, "dense": 1.0}}),
    "min-max": ("sparse", {"fusion": "minmax"}),
    "min-max 6:4": ("sparse", {"fusion": "minmax", "weights": {"sparse": 1.2, "dense": 0.8}}),
    "DBSF": ("sparse", {"fusion": "dbsf"}),
    "linear": ("sparse", {"fusion": "linear"}),
    "linear 6:4": ("sparse", {"fusion": "linear", "weights": {"sparse": 1.2, "dense": 0.8}}),
    "linear 4.5:5.5": ("sparse", {"fusion": "linear", "weights": {"sparse": 0.9, "dense": 1.1}}),
}
DEFAULT_MODE = "inference-free"
"""Query mode of the fused rankings: the encoder's default."""


def evaluate_set(judged: RetrievalSet, encoders: Mapping[str, BundledEncoder]) -> Figures:
    """Figures of every ranking of one set. ``encoders``: by query mode."""
    passages, queries = list(judged.corpus.values()), list(judged.queries.values())
    first = next(iter(encoders.values()))
    started = time.perf_counter()
    encoded = first.encode_passages(passages)
    seconds = time.perf_counter() - started
    weights = [e.sparse for e in encoded if e.sparse is not None]
    arm = SparseArm(weights, first.spec.counted_weight)
    asked = {mode: encoder.encode_queries(queries) for mode, encoder in encoders.items()}
    dense = dense_ranking(asked[next(iter(asked))], encoded)
    rankings: dict[str, Ranking] = {"BM25": bm25_ranking(passages, queries), "dense": dense}
    for mode, vectors in asked.items():
        rankings[f"sparse, {mode}"] = arm.rank([v.sparse for v in vectors if v.sparse is not None])
    for name, (left, settings) in _FUSIONS.items():
        other = rankings["BM25" if left == "bm25" else f"sparse, {DEFAULT_MODE}"]
        rankings[name] = fused_ranking(other, dense, settings)
    ids, names = list(judged.corpus), list(judged.queries)
    figures = {
        name: mean_figures(judged.judgments, _as_run(ranking, names, ids))
        for name, ranking in rankings.items()
    }
    figures["passages"] = {
        "count": len(passages),
        "per second": len(passages) / seconds,
        "non-zero terms": arm.mean_terms,
        "added share": _added_share(first, passages[:40]),
    }
    return figures


def _added_share(encoder: BundledEncoder, passages: Sequence[str]) -> float:
    origins = [origin for text in passages for origin in encoder.trace_passage(text)]
    return sum(not origin.written for origin in origins) / max(1, len(origins))


def _as_run(
    ranking: Ranking, queries: Sequence[str], documents: Sequence[str]
) -> dict[str, dict[str, float]]:
    return {
        query: {documents[place]: score for place, score in row}
        for query, row in zip(queries, ranking, strict=True)
    }


def table(results: Mapping[str, Figures], metric: str) -> str:
    """A Markdown table of one metric: a row per ranking, a column per set and their mean."""
    sets = list(results)
    rows = [name for name in results[sets[0]] if name != "passages"]
    lines = [f"| {metric} | {' | '.join(sets)} | mean |", "|---" * (len(sets) + 2) + "|"]
    for row in rows:
        figures = [results[name][row][metric] for name in sets]
        cells = " | ".join(f"{figure:.3f}" for figure in figures)
        lines.append(f"| {row} | {cells} | {sum(figures) / len(figures):.4f} |")
    return "\n".join(lines)


def report(results: Mapping[str, Figures], encoder: str) -> str:
    """The whole report in Markdown."""
    parts = [f"# Retrieval quality\n\nEncoder `{encoder}`. {describe()}. Exact scoring."]
    parts += [table(results, metric) for metric in ("ndcg@10", "mrr@10", "recall@100")]
    shape = ["| passages | count | per second | non-zero terms | of them added |", "|---" * 5 + "|"]
    for name, figures in results.items():
        row = figures["passages"]
        shape.append(
            f"| {name} | {row['count']:.0f} | {row['per second']:.0f} "
            f"| {row['non-zero terms']:.0f} | {row['added share']:.0%} |"
        )
    return "\n\n".join([*parts, "\n".join(shape)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.retrieval", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds sets in BEIR layout")
    parser.add_argument("--only", nargs="*", default=[], help="names of sets, all by default")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--model", type=Path, help="folder of a bundled model to measure")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="retrieval", help="name of the result files")
    given = parser.parse_args(arguments)
    chosen = {"folder": given.model} if given.model else {}
    encoders = {
        mode: BundledEncoder(query_mode=mode, threads=given.threads, **chosen)
        for mode in ("inference-free", "encoded")
    }
    results: dict[str, Figures] = {}
    for folder in find_sets(given.folder):
        name = str(folder.relative_to(given.folder)).replace("/", "-")
        if given.only and name not in given.only:
            continue
        results[name] = evaluate_set(read_set(folder, name=name), encoders)
        _write(results, encoders["encoded"].spec.id, given.results, given.name)
        print(f"{name}: done", flush=True)
    print(table(results, "ndcg@10"))


def _write(results: Mapping[str, Figures], encoder: str, folder: Path, name: str) -> None:
    """What is known so far: a run that is stopped leaves the sets that it has done."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "at": datetime.now(UTC).isoformat(),
        "machine": describe(),
        "encoder": encoder,
        "sets": results,
    }
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1), "utf-8")
    (folder / f"{name}.md").write_text(report(results, encoder), "utf-8")


if __name__ == "__main__":
    main()
