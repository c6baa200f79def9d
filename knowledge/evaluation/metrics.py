"""nDCG, MRR and recall of rankings against judgments, as trec_eval counts them.

Written here, and checked against trec_eval itself by the tests, for the reasons in decision 0006:
a figure that decides whether a model is installed has to be right in every process, at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from knowledge.errors import InvalidInput

METRICS = ("ndcg@10", "mrr@10", "recall@100")

Graded = Mapping[str, Mapping[str, int]]
"""Query id to document id to grade; grades from 1 up are relevant."""

Rankings = Mapping[str, Sequence[str]]
"""Query id to document ids, best first, each once."""

Run = Mapping[str, Mapping[str, float]]
"""Query id to document id to score."""

Figures = Mapping[str, Mapping[str, float]]
"""Metric to query id to figure, 0 to 1."""


def figures(
    judgments: Graded, rankings: Rankings, metrics: Sequence[str] = METRICS
) -> dict[str, dict[str, float]]:
    """Each metric of every judged query; a query without a ranking or a relevant document has 0.

    ``metrics``: a name of ``ndcg``, ``mrr``, ``recall``, an at sign, and how many places count.
    Raises :class:`~knowledge.errors.InvalidInput` for another.
    """
    counted = {}
    for metric in metrics:
        count, places = _parsed(metric)
        counted[metric] = {
            id: count(list(rankings.get(id, ()))[:places], grades, places)
            for id, grades in judgments.items()
        }
    return counted


def mean_figures(judgments: Graded, run: Run, metrics: Sequence[str] = METRICS) -> dict[str, float]:
    """The mean of each metric over the judged queries; a query without hits counts as 0.

    Documents with the same score keep the order in which the run names them.
    """
    if not judgments:
        return dict.fromkeys(metrics, 0.0)
    rankings = {id: sorted(found, key=found.__getitem__, reverse=True) for id, found in run.items()}
    counted = figures(judgments, rankings, metrics)
    return {metric: math.fsum(of.values()) / len(of) for metric, of in counted.items()}


Count = Callable[[Sequence[str], Mapping[str, int], int], float]
"""The figure of one query: the documents found within the places, the grades, the places."""


def _parsed(metric: str) -> tuple[Count, int]:
    name, _, places = metric.partition("@")
    if name not in _COUNTS or not places.isdecimal() or int(places) < 1:
        known = ", ".join(f"{name}@10" for name in _COUNTS)
        raise InvalidInput(f"{metric!r} is no metric.", f"Ask for {known}, or other places.")
    return _COUNTS[name], int(places)


def _ndcg(found: Sequence[str], grades: Mapping[str, int], places: int) -> float:
    """Normalised discounted cumulated gain, the gain being the grade.

    K. Jaervelin and J. Kekaelaeinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20 (2002).
    """
    ideal = _discounted(sorted(_gains(grades, grades), reverse=True)[:places])
    return _discounted(_gains(found, grades)) / ideal if ideal else 0.0


def _gains(documents: Sequence[str] | Mapping[str, int], grades: Mapping[str, int]) -> list[int]:
    return [max(grades.get(document, 0), 0) for document in documents]


def _discounted(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def _reciprocal_rank(found: Sequence[str], grades: Mapping[str, int], _: int) -> float:
    """One over the place of the first relevant document, 0 where none is found.

    E. Voorhees, "The TREC-8 question answering track report" (1999).
    """
    places = (place for place, gain in enumerate(_gains(found, grades), 1) if gain)
    return 1 / next(places, math.inf)


def _recall(found: Sequence[str], grades: Mapping[str, int], _: int) -> float:
    """The share of the relevant documents that are found."""
    relevant = sum(1 for grade in grades.values() if grade > 0)
    return sum(1 for gain in _gains(found, grades) if gain) / relevant if relevant else 0.0


_COUNTS: dict[str, Count] = {"ndcg": _ndcg, "mrr": _reciprocal_rank, "recall": _recall}
