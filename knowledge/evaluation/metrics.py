"""Figures for rankings against judgments, through ranx.

ranx compiles its metrics with numba on first use: it is imported when a figure is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from knowledge.evaluation.beir import Judgments

METRICS = ("ndcg@10", "mrr@10", "recall@100")
Run = Mapping[str, Mapping[str, float]]
"""Query id to document id to score."""


def mean_figures(
    judgments: Judgments, run: Run, metrics: Sequence[str] = METRICS
) -> dict[str, float]:
    """The mean of each metric over the judged queries; a query without hits counts as 0."""
    if not judgments:
        return dict.fromkeys(metrics, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ranx import Qrels, evaluate
        from ranx import Run as RanxRun

        found = {query: dict(run.get(query) or {"": 0.0}) for query in judgments}
        figures = evaluate(Qrels(judgments), RanxRun(found), list(metrics))
    if len(metrics) == 1:
        return {metrics[0]: float(figures)}
    return {metric: float(figures[metric]) for metric in metrics}
