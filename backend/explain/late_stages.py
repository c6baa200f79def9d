"""What follows fusion in a search, run again with other settings: reranking, likeness, cap, pins.

It is the search's own code over what the search has read, so what it says is exact. No model runs:
a cross-encoder's scores do not depend on what else it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np

from backend.explain.simulate import nearest_change
from backend.search.diversify import (
    Placed,
    Vectors,
    final_order,
    groups,
    likeness_weight,
    marginal_relevance,
    pool_size,
)
from backend.search.request import SearchSettings
from backend.search.rule_effects import pin
from backend.search.rules import Rule
from backend.search.trace import SearchTrace

Pins = Sequence[tuple[Rule, UUID]]
"""Rules, and the passage that each has put in its place."""

_TRIED = 3
"""Numbers of reranked passages that are tried in full, of those that may do."""


def gate(trace: SearchTrace) -> int:
    """How many of the fused order may become hits: as many as wanted, or as the reranker reads."""
    return max(trace.request.limit, len(trace.reranked))


class LateStages:
    """The stages after fusion of one search. ``vectors``: those that near-duplicates are told by,
    of the passages that were looked at; ``None`` where the search told none.
    """

    def __init__(self, trace: SearchTrace, vectors: Vectors | None) -> None:
        self.trace = trace
        self.settings = trace.prepared.settings
        self.limit = trace.request.limit
        self.fused = [(one.id, one.score) for one in trace.fused if one.id not in trace.missing]
        self._vectors = vectors
        self._documents = {id: passage.document_id for id, passage in trace.passages.items()}
        stands = {one.pinned_by: one.id for one in trace.placed if one.pinned_by is not None}
        # In the order of the rules, which decides between two for one place.
        self.pins: Pins = [
            (rule, stands[rule.id]) for rule in trace.prepared.rules if rule.id in stands
        ]

    def rank(self, id: UUID) -> int | None:
        """The passage's rank in the fused order."""
        return next((rank for rank, (one, _) in enumerate(self.fused, 1) if one == id), None)

    def place(self, id: UUID, *, pins: Pins | None = None, **changed: Any) -> int | None:
        """Where the passage would stand under changed settings, or with other pins."""
        placed, over = self._order(replace(self.settings, **changed))
        placed, _ = pin(placed, over, self.pins if pins is None else pins)
        return next((place for place, one in enumerate(placed, 1) if one.id == id), None)

    def hit(self, id: UUID, *, pins: Pins | None = None, **changed: Any) -> int | None:
        """:meth:`place`, if it is among the hits."""
        place = self.place(id, pins=pins, **changed)
        return place if place is not None and place <= self.limit else None

    def number_in_document(self, id: UUID) -> int:
        """Which of its document's passages it is, in the order before the cap, from 1."""
        # No cap at all would have the search look at fewer.
        placed, _ = self._order(replace(self.settings, per_document=len(self.fused)))
        own = [one.id for one in placed if self._documents[one.id] == self._documents[id]]
        return own.index(id) + 1

    def reranked_rank(self, id: UUID) -> int:
        """The rank that the reranker gave it among those that it read."""
        first, _ = groups(self.fused, self.trace.reranked)
        return [one for one, _ in first].index(id) + 1

    def rerank_needed(self) -> float:
        """The lowest score of a hit in the reranker's order."""
        first, _ = groups(self.fused, self.trace.reranked)
        return first[self.limit - 1][1]

    def likeness_cutoff(self, id: UUID) -> tuple[float, float] | None:
        """What the passage's score was when the last hit was taken, less what it lost until then
        for resembling hits, and what that one had. ``None`` where likeness did not decide.
        """
        group = self._group(id)
        if self._vectors is None or not group:
            return None
        placed = marginal_relevance(group, self._vectors, self.settings.diversity)
        hits = {one.id for one in self.trace.placed[: self.limit] if one.pinned_by is None}
        last = max((at for at, one in enumerate(placed) if one.id in hits), default=0)
        before = [self._vectors[one.id] for one in placed[:last]]
        if id in {one.id for one in placed[: last + 1]} or not before:
            return None
        scores = dict(group)
        nearest = float(np.max(np.stack(before).astype(np.float64) @ self._vectors[id]))
        weight = likeness_weight(np.array(list(scores.values())), self.settings.diversity)
        return scores[id] - weight * max(nearest, 0.0), placed[last].score

    def fewer_reranked(self, id: UUID) -> tuple[int, int] | None:
        """The largest number of reranked passages with which this one is a hit, and its place."""
        most = min(self.settings.rerank_candidates, len(self.trace.reranked)) - 1
        promising = [
            count
            for count in range(most, 0, -1)
            if self.hit(id, rerank_candidates=count, diversity=0.0, per_document=0)
        ]
        for count in promising[:_TRIED]:
            if (place := self.hit(id, rerank_candidates=count)) is not None:
                return count, place
        return None

    def less_likeness(self, id: UUID) -> tuple[float, int] | None:
        """The diversity nearest to the search's own with which this one is a hit, and its place."""

        def works(diversity: float) -> bool:
            return self.hit(id, diversity=diversity) is not None

        value = nearest_change(self.settings.diversity, 0.0, works)
        if value is None:
            return None
        value = _shorter(value, works)
        return value, self.place(id, diversity=value) or self.limit

    def more_of_document(self, id: UUID) -> tuple[int, int] | None:
        """The smallest number of passages of one document with which this one is a hit, and its
        place.
        """
        own = sum(1 for one in self._documents.values() if one == self._documents.get(id))
        for most in range(self.settings.per_document + 1, own + 1):
            if (place := self.hit(id, per_document=most)) is not None:
                return most, place
        return None

    def _group(self, id: UUID) -> list[tuple[UUID, float]]:
        """The passages that this one was compared with, as they came: reranked ones, or others."""
        for group in groups(self._points(self.settings), self.trace.reranked):
            if any(one == id for one, _ in group):
                return [one for one in group if one[0] in (self._vectors or {})]
        return []

    def _order(self, settings: SearchSettings) -> tuple[list[Placed], list[Placed]]:
        points = self._points(settings)
        read = [id for id, _ in points][: settings.rerank_candidates] if settings.rerank else []
        scores = self.trace.reranked
        reranked = {id: scores[id] for id in read if id in scores}
        return final_order(points, reranked, self._documents, self._vectors, settings)

    def _points(self, settings: SearchSettings) -> list[tuple[UUID, float]]:
        """What a search with these settings looks at, as far as this one has read it."""
        pool = pool_size(self.limit, settings)
        pinned = {id for _, id in self.pins}
        return [
            (id, score)
            for at, (id, score) in enumerate(self.fused)
            if (at < pool or id in pinned) and id in self._documents
        ]


def _shorter(value: float, works: Callable[[float], bool]) -> float:
    """``value`` in as few digits as still do."""
    for digits in (1, 2, 3):
        short = int(value * 10**digits) / 10**digits
        if works(short):
            return short
    return value
