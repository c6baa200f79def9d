"""Making one ranking of several: each arm adds a part, and the parts sum to the fused score.

A part is the arm's weight times a figure that an algorithm below gives every rank or score of the
arm. A chunk that an arm did not return gets no part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.search.request import FusionName, SearchSettings
from knowledge.index.search_index import RankedPoint
from knowledge.types import ARMS, ArmName, ArmScore

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RulePart:
    """What a rule added to a chunk's fused score, and its effect in words."""

    rule_id: UUID
    effect: str
    part: float


@dataclass(frozen=True, slots=True)
class FusedPoint:
    """A chunk with its place in each arm that returned it, and what rules added.

    The parts of ``arms`` and ``rules`` sum to ``score``, to the last bit.
    """

    id: UUID
    score: float
    arms: dict[ArmName, ArmScore]
    rules: tuple[RulePart, ...] = ()

    def with_rules(self, rules: tuple[RulePart, ...]) -> FusedPoint:
        """The same chunk with more parts, and with them in its score."""
        rules = self.rules + rules
        return FusedPoint(self.id, total(self.arms, rules), self.arms, rules)


def fuse(
    arms: Mapping[ArmName, Sequence[RankedPoint]], settings: SearchSettings
) -> list[FusedPoint]:
    """Every chunk of ``arms``, highest fused score first, equal scores by id."""
    places: dict[UUID, dict[ArmName, ArmScore]] = {}
    for arm in ARMS:
        points = arms.get(arm, ())
        if not points:
            continue
        parts = arm_parts(np.array([point.score for point in points]), arm, settings)
        for rank, (point, part) in enumerate(zip(points, parts.tolist(), strict=True), start=1):
            places.setdefault(point.id, {})[arm] = ArmScore(rank, point.score, part)
    fused = [FusedPoint(id, total(place), place) for id, place in places.items()]
    return in_order(fused)


def arm_parts(scores: Figures, arm: ArmName, settings: SearchSettings) -> Figures:
    """What each chunk of an arm's ranking adds to its fused score; both ``float64[n]``."""
    return settings.weights.get(arm, 1.0) * _ALGORITHMS[settings.fusion](scores, arm, settings)


def in_order(points: Iterable[FusedPoint]) -> list[FusedPoint]:
    """Highest score first, equal scores by id."""
    return sorted(points, key=lambda point: (-point.score, point.id.int))


def total(arms: Mapping[ArmName, ArmScore], rules: Iterable[RulePart] = ()) -> float:
    """The fused score: the correctly rounded sum of the parts, the same in any order."""
    return math.fsum([arm.part for arm in arms.values()] + [rule.part for rule in rules])


def reciprocal_rank(scores: Figures, k: int) -> Figures:
    """``1 / (k + rank)``, ranks from 1, scores unused but in order; ``float64[n]``.

    G. Cormack, C. Clarke, S. Buettcher, "Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods", SIGIR 2009; the paper's k is 60.
    """
    ranks: Figures = np.arange(1, scores.size + 1, dtype=np.float64)
    return 1.0 / (k + ranks)


def min_max(scores: Figures) -> Figures:
    """``(s - min) / (max - min)``: the arm's best is 1, its last 0; all 1 where all are equal.

    J. Lee, "Analyses of multiple evidence combination", SIGIR 1997.
    """
    low, high = float(scores.min()), float(scores.max())
    if high == low:
        return np.ones_like(scores)
    return (scores - low) / (high - low)


def distribution_based(scores: Figures) -> Figures:
    """``(s - (mean - 3 sd)) / (6 sd)``, with the sample's sd; all 0.5 where all are equal.

    M. Mazzeschi, "Distribution-Based Score Fusion (DBSF)", 2023; as Qdrant computes it.
    """
    sd = float(scores.std(ddof=1)) if scores.size > 1 else 0.0
    if sd == 0.0:
        return np.full_like(scores, 0.5)
    return (scores - (float(scores.mean()) - 3 * sd)) / (6 * sd)


def linear(scores: Figures, arm: ArmName, spread: float) -> Figures:
    """The score itself over the arm's usual ``spread``, the same for every query; ``float64[n]``.

    An arm that sets its best passages far apart counts for more, where min-max makes all queries
    equal. A sparse score is 0 where no word matches. A cosine is above 0 for every passage, so the
    dense arm's last stands for what it did not return. S. Bruch, S. Gai, A. Ingber, "An Analysis
    of Fusion Functions for Hybrid Retrieval", arXiv 2210.11934, without their normalisation.
    """
    lowest = float(scores.min()) if arm == "dense" else 0.0
    return (scores - lowest) / spread


_ALGORITHMS: dict[FusionName, Callable[[Figures, ArmName, SearchSettings], Figures]] = {
    "rrf": lambda scores, arm, settings: reciprocal_rank(scores, settings.rrf_k),
    "minmax": lambda scores, arm, settings: min_max(scores),
    "dbsf": lambda scores, arm, settings: distribution_based(scores),
    "linear": lambda scores, arm, settings: linear(scores, arm, settings.spread[arm]),
}
