"""nDCG@10 and MRR@10 of rankings of pages, at once.

The same figures as ranx gives, which a test holds. ranx compiles its metrics when it first counts:
half a minute of a processor in every process, in which a server would answer no one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

METRICS = ("ndcg@10", "mrr@10")

Figures = Mapping[str, Mapping[str, float]]
"""Metric to query id to figure."""

_PLACES = 10


def page_figures(
    judgments: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> Figures:
    """Both figures of every judged query, by its id; a query without a ranking has 0.

    ``judgments``: query id to page to grade, of which those from 1 up count; ``rankings``: query
    id to pages, best first.
    """
    return {
        "ndcg@10": {id: _ndcg(rankings.get(id, ()), of) for id, of in judgments.items()},
        "mrr@10": {id: _reciprocal_rank(rankings.get(id, ()), of) for id, of in judgments.items()},
    }


def _ndcg(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Normalised discounted cumulated gain, the gain being the grade.

    K. Jaervelin and J. Kekaelaeinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20 (2002).
    """
    ideal = _discounted(sorted((grade for grade in grades.values() if grade > 0), reverse=True))
    gained = _discounted([max(grades.get(page, 0), 0) for page in ranking])
    return gained / ideal if ideal else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:_PLACES], 1))


def _reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    for place, page in enumerate(ranking[:_PLACES], 1):
        if grades.get(page, 0) > 0:
            return 1 / place
    return 0.0
