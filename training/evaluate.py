"""Figures of an exported model on pairs: each query has to find its own passage among all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from knowledge.encode.bundled import BundledEncoder, QueryMode
from knowledge.evaluation.beir import Judgments
from knowledge.evaluation.exact import Ranking, SparseArm, dense_ranking
from knowledge.evaluation.metrics import mean_figures
from training.corpus import Pair


def evaluate_model(
    folder: Path, pairs: Sequence[Pair], mode: QueryMode = "inference-free"
) -> dict[str, float]:
    """nDCG@10 of the sparse and the dense arm of the model in ``folder``."""
    encoder = BundledEncoder(folder, query_mode=mode)
    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    places = {text: place for place, text in enumerate(passages)}
    queries = list(dict.fromkeys(pair.query for pair in pairs))
    judgments: Judgments = {}
    for pair in pairs:
        judgments.setdefault(pair.query, {})[str(places[pair.passage])] = 1
    encoded, asked = encoder.encode_passages(passages), encoder.encode_queries(queries)
    arm = SparseArm([e.sparse for e in encoded if e.sparse is not None])
    rankings = {
        "sparse": arm.rank([q.sparse for q in asked if q.sparse is not None]),
        "dense": dense_ranking(asked, encoded),
    }
    figures = {"terms": arm.mean_terms}
    for name, ranking in rankings.items():
        run = _as_run(ranking, queries)
        figures[name] = mean_figures(judgments, run, ["ndcg@10"])["ndcg@10"]
    return figures


def evaluate_by_source(folder: Path, pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """:func:`evaluate_model` for the pairs of each source on their own."""
    groups = defaultdict[str, list[Pair]](list)
    for pair in pairs:
        groups[pair.source].append(pair)
    return {source: evaluate_model(folder, group) for source, group in sorted(groups.items())}


def _as_run(ranking: Ranking, queries: Sequence[str]) -> dict[str, dict[str, float]]:
    return {
        query: {str(place): score for place, score in row}
        for query, row in zip(queries, ranking, strict=True)
    }
