"""Fusing a search's rankings again with something changed, without asking the index.

Exact for what was among the candidates of the search: the same fusion runs over the same scores,
with those of one passage, or the weights of the arms, replaced. It ends before reranking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from backend.search.fuse import FusedPoint, RulePart, fuse, in_order
from backend.search.request import SearchSettings
from backend.search.trace import SearchTrace
from knowledge.index.points import ranked
from knowledge.index.search_index import RankedPoint
from knowledge.types import ArmName

Scores = Mapping[ArmName, float]
"""A passage's score in each arm that would return it."""


class Simulation:
    """A search whose fusion can be run again."""

    def __init__(self, trace: SearchTrace) -> None:
        self._trace = trace
        self._candidates = max(trace.prepared.settings.candidates, trace.request.limit)
        self._rules = {point.id: point for point in trace.fused if point.rules}

    def place(
        self, chunk_id: UUID, scores: Scores | None = None, settings: SearchSettings | None = None
    ) -> int | None:
        """The passage's rank in the fused order, or ``None`` where no arm would return it.

        ``scores``: what the passage would score instead; ``settings``: how to fuse instead.
        """
        arms = dict(self._trace.arms)
        for arm, score in (scores or {}).items():
            others = [point for point in arms[arm] if point.id != chunk_id]
            arms[arm] = ranked([*others, RankedPoint(chunk_id, score)], self._candidates)
        order = self._fuse(arms, settings or self._trace.prepared.settings)
        return next((n for n, point in enumerate(order, start=1) if point.id == chunk_id), None)

    def order(self, arms: Mapping[ArmName, list[RankedPoint]]) -> list[UUID]:
        """The fused order of other rankings."""
        return [point.id for point in self._fuse(arms, self._trace.prepared.settings)]

    def with_weight(self, arm: ArmName, weight: float) -> SearchSettings:
        """The search's settings with another weight of one arm."""
        settings = self._trace.prepared.settings
        return replace(settings, weights={**settings.weights, arm: weight})

    def _fuse(
        self, arms: Mapping[ArmName, list[RankedPoint]], settings: SearchSettings
    ) -> list[FusedPoint]:
        fused = fuse(arms, settings)
        if not self._rules:
            return fused
        return in_order(self._boosted(point) for point in fused)

    def _boosted(self, point: FusedPoint) -> FusedPoint:
        """The point with the same rules as in the search: their parts grow with the arms' sum."""
        before = self._rules.get(point.id)
        if before is None:
            return point
        own = sum(arm.part for arm in before.arms.values())
        scale = abs(point.score / own) if own else 0.0
        return point.with_rules(
            tuple(RulePart(rule.rule_id, rule.effect, rule.part * scale) for rule in before.rules)
        )


def nearest_change(start: float, end: float, works: Callable[[float], bool]) -> float | None:
    """The value nearest to ``start`` on the way to ``end`` that works, to a thousandth.

    By bisection: exact where everything beyond a point works; otherwise it is a value that does
    work, with one near it that does not. ``None`` where ``end`` does not work.
    """
    if not works(end):
        return None
    low, high = start, end
    while abs(high - low) > 1e-3 * max(abs(high), 1.0):
        middle = (low + high) / 2
        if works(middle):
            high = middle
        else:
            low = middle
    return high
