"""Fusing a search's rankings again with something changed, without asking the index.

Exact for what was among the candidates of the search: the same fusion runs over the same scores,
with those of one passage, or the weights of the arms, replaced. It ends before reranking. A change
is looked for by trying a hundred, so this is arithmetic on arrays, where ``fuse`` makes records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.search.fuse import arm_parts
from backend.search.request import SearchSettings
from backend.search.trace import SearchTrace
from knowledge.types import ArmName

Scores = Mapping[ArmName, float]
"""A passage's score in each arm that would return it."""

Positions = NDArray[np.intp]
Figures = NDArray[np.float64]


class Simulation:
    """A search whose fusion can be run again, to see where one passage would stand."""

    def __init__(self, trace: SearchTrace, passage: UUID) -> None:
        known = {point.id for points in trace.arms.values() for point in points} | {passage}
        # In the order of ids, so that a lower position wins among equal scores.
        self.ids = sorted(known, key=lambda id: id.int)
        at = {id: position for position, id in enumerate(self.ids)}
        self._target = at[passage]
        self._settings = trace.prepared.settings
        self._candidates = max(self._settings.candidates, trace.request.limit)
        self._arms: dict[ArmName, tuple[Positions, Figures]] = {
            arm: (
                np.array([at[point.id] for point in points], dtype=np.intp),
                np.array([point.score for point in points], dtype=np.float64),
            )
            for arm, points in trace.arms.items()
        }
        # What rules add, as a multiple of what the arms give.
        self._boosts = np.zeros(len(self.ids))
        for point in trace.fused:
            own = sum(arm.part for arm in point.arms.values())
            if point.rules and own and point.id in at:
                added = sum(rule.part for rule in point.rules)
                self._boosts[at[point.id]] = added / abs(own)

    def place(
        self, scores: Scores | None = None, settings: SearchSettings | None = None
    ) -> int | None:
        """The passage's rank in the fused order, or ``None`` where no arm would return it.

        ``scores``: what the passage would score instead; ``settings``: how to fuse instead.
        """
        arms = dict(self._arms)
        for arm, score in (scores or {}).items():
            positions, others = arms[arm]
            rest = positions != self._target
            arms[arm] = (
                np.append(positions[rest], self._target),
                np.append(others[rest], score),
            )
        return self._place(arms, settings or self._settings)

    def place_among(self, arm: ArmName, positions: Positions, scores: Figures) -> int | None:
        """The passage's rank where ``arm`` scored otherwise: ``scores`` of ``ids[positions]``."""
        return self._place({**self._arms, arm: (positions, scores)}, self._settings)

    def with_weight(self, arm: ArmName, weight: float) -> SearchSettings:
        """The search's settings with another weight of one arm."""
        return replace(self._settings, weights={**self._settings.weights, arm: weight})

    def _place(
        self, arms: Mapping[ArmName, tuple[Positions, Figures]], settings: SearchSettings
    ) -> int | None:
        totals = np.zeros(len(self.ids))
        returned = np.zeros(len(self.ids), dtype=bool)
        for arm, (positions, scores) in arms.items():
            if not positions.size:
                continue
            order = np.lexsort((positions, -scores))[: self._candidates]
            totals[positions[order]] += arm_parts(scores[order], arm, settings)
            returned[positions[order]] = True
        if not returned[self._target]:
            return None
        totals += self._boosts * np.abs(totals)
        own = totals[self._target]
        above = returned & (totals > own)
        level = returned & (totals == own)
        return int(above.sum() + level[: self._target].sum()) + 1


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
