"""Figures of an exported model on pairs: each query has to find its own passage among all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from knowledge.encode.bundled import BundledEncoder, QueryMode
from knowledge.evaluation.beir import Judgments
from knowledge.evaluation.exact import Ranking, SparseArm, dense_ranking
from knowledge.evaluation.metrics import Run, mean_figures
from training.corpus import Pair


def evaluate_model(
    folder: Path,
    pairs: Sequence[Pair],
    mode: QueryMode = "inference-free",
    apart: Sequence[str] = (),
) -> dict[str, float]:
    """nDCG@10 of the sparse and the dense arm of the model in ``folder``, over all queries.

    A pair without a query is a passage to search among. ``apart``: sources whose queries get a
    figure of the sparse arm of their own, by the source's name, where there are any.
    """
    encoder = BundledEncoder(folder, query_mode=mode)
    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    places = {text: place for place, text in enumerate(passages)}
    judgments: Judgments = {}
    for pair in pairs:
        if pair.query:
            judgments.setdefault(pair.query, {})[str(places[pair.passage])] = 1
    queries = list(judgments)
    encoded, asked = encoder.encode_passages(passages), encoder.encode_queries(queries)
    vectors = [e.sparse for e in encoded if e.sparse is not None]
    arm = SparseArm(vectors, encoder.spec.counted_weight)
    sparse = _as_run(arm.rank([q.sparse for q in asked if q.sparse is not None]), queries)
    dense = _as_run(dense_ranking(asked, encoded), queries)
    figures = {"sparse": _ndcg(judgments, sparse), "dense": _ndcg(judgments, dense)}
    for source in apart:
        of_source = {pair.query for pair in pairs if pair.source == source and pair.query}
        if of_source:
            figures[source] = _ndcg({q: judgments[q] for q in queries if q in of_source}, sparse)
    return {"terms": arm.mean_terms, **figures}


def evaluate_by_source(folder: Path, pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """:func:`evaluate_model` for the pairs of each source on their own."""
    groups = defaultdict[str, list[Pair]](list)
    for pair in pairs:
        groups[pair.source].append(pair)
    return {source: evaluate_model(folder, group) for source, group in sorted(groups.items())}


def _ndcg(judgments: Judgments, run: Run) -> float:
    return mean_figures(judgments, run, ["ndcg@10"])["ndcg@10"]


def _as_run(ranking: Ranking, queries: Sequence[str]) -> dict[str, dict[str, float]]:
    return {
        query: {str(place): score for place, score in row}
        for query, row in zip(queries, ranking, strict=True)
    }
