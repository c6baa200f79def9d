"""The smallest changes that would bring a passage into the first k.

Exact for the sparse arm: its scores are sums, so what a term's weight must become can be computed
and fused again. A dense vector cannot be changed by a term; what words on the page itself do, which
change both vectors, ``page_words.py`` tries.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.explain.change import Change, Counterfactual
from backend.explain.page_words import query_words
from backend.explain.simulate import Figures, Scores, Simulation, nearest_change
from backend.explain.words import Word
from backend.search.fuse import fuse
from backend.search.trace import SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import Point, SearchIndex
from knowledge.store.passages import Passage
from knowledge.types import ArmName, Encoding, SparseVector

_MOST = 100.0
_FAINT = 1e-6
_CONFIRMED = 4
"""Changes of a term's weight that are tried on the whole index, the smallest first."""


async def counterfactual(
    trace: SearchTrace,
    passage: Passage,
    point: Point,
    scores: Scores,
    encoder: Encoder,
    index: SearchIndex,
    k: int,
) -> Counterfactual:
    """What would bring ``passage`` into the first ``k`` of the fused order.

    ``point``: its vectors; ``scores``: what it scores in each arm now.
    """
    simulation = Simulation(trace, passage.id)
    place = simulation.place()
    if place is not None and place <= k:
        return Counterfactual(k, place, ())
    sparse, own = trace.query.sparse, point.encoding.sparse
    if sparse is None or own is None or "sparse" not in trace.arms:
        return Counterfactual(k, place, tuple(_weights(simulation, trace, k)))
    words = query_words(trace, sparse, encoder, passage)
    points = await index.retrieve([one.id for one in trace.arms["sparse"]])
    vectors = {
        id: _by_term(one.encoding.sparse)
        for id, one in (points | {passage.id: point}).items()
        if one.encoding.sparse is not None
    }

    def compute() -> list[Change]:
        return [
            *_expansions(simulation, words, sparse, scores, k),
            *_weights(simulation, trace, k),
            *_terms(simulation, trace, words, vectors, scores, passage.id, k),
        ]

    # Some hundred fusions: not in the event loop.
    changes = await _confirmed(await asyncio.to_thread(compute), trace, words, index, passage.id, k)
    return Counterfactual(k, place, tuple(changes))


def _weights(simulation: Simulation, trace: SearchTrace, k: int) -> list[Change]:
    """The smallest change of one arm's weight that does it."""
    changes = []
    for arm in trace.arms:
        now = trace.prepared.settings.weights.get(arm, 1.0)

        def place(weight: float, arm: ArmName = arm) -> int | None:
            return simulation.place(settings=simulation.with_weight(arm, weight))

        for end in (_MOST, 0.0):
            value = nearest_change(now, end, lambda weight: _within(place(weight), k))
            if value is not None:
                changes.append(Change("weight", arm, value, place(value) or k, exact=True))
    return sorted(changes, key=lambda change: abs(change.value - 1.0))


def _expansions(
    simulation: Simulation,
    words: Sequence[Word],
    query: SparseVector,
    scores: Scores,
    k: int,
) -> list[Change]:
    """For each word of the query the weight that the passage would have to have more of it."""
    weights = _by_term(query)
    now = scores.get("sparse", 0.0)
    changes = []
    for word in words:
        asked = math.fsum(weights[term] for term in word.terms)

        def place(weight: float, asked: float = asked) -> int | None:
            return simulation.place({"sparse": now + asked * weight})

        value = nearest_change(0.0, _MOST, lambda weight: _within(place(weight), k))
        if value is not None:
            changes.append(Change("expansion", word.text, value, place(value) or k, exact=True))
    return sorted(changes, key=lambda change: change.value)


def _terms(
    simulation: Simulation,
    trace: SearchTrace,
    words: Sequence[Word],
    vectors: Mapping[UUID, Mapping[int, float]],
    scores: Scores,
    id: UUID,
    k: int,
) -> list[Change]:
    """For each word of the query the factor on its weight that does it, up or down.

    ``vectors``: the sparse vectors of the arm's candidates and of the passage.
    """
    assert trace.query.sparse is not None
    asked = _by_term(trace.query.sparse)
    base = {one.id: one.score for one in trace.arms["sparse"]} | {id: scores.get("sparse", 0.0)}
    held = [(at, one) for at, one in enumerate(simulation.ids) if one in base and one in vectors]
    positions = np.array([at for at, _ in held], dtype=np.intp)
    before = np.array([base[one] for _, one in held])
    changes = []
    for word in words:
        gains = np.array(
            [
                sum(asked[term] * vectors[one].get(term, 0.0) for term in word.terms)
                for _, one in held
            ]
        )

        def place(factor: float, gains: Figures = gains) -> int | None:
            now = before + (factor - 1.0) * gains
            # The engine returns no passage whose every shared term has lost its weight.
            there = now > _FAINT
            return simulation.place_among("sparse", positions[there], now[there])

        for end in (_MOST, 0.0):
            value = nearest_change(1.0, end, lambda factor: _within(place(factor), k))
            if value is not None:
                changes.append(Change("term", word.text, value, place(value) or k, exact=False))
    return sorted(changes, key=lambda change: abs(math.log(max(change.value, 1e-3))))


async def _confirmed(
    changes: list[Change],
    trace: SearchTrace,
    words: Sequence[Word],
    index: SearchIndex,
    id: UUID,
    k: int,
) -> list[Change]:
    """``changes`` with the smallest ones of a term's weight tried on the whole index.

    A term that weighs more may bring passages up that were no candidates before. What holds all
    the same is exact, and the smallest there is, since more rivals can only ask for more; what
    does not hold is left out. Where rules add to scores, their part is not known for passages
    that they were not computed for: these changes stay as they are.
    """
    tried = [change for change in changes if change.kind == "term"][:_CONFIRMED]
    targets, sparse = trace.prepared.targets, trace.query.sparse
    if not tried or sparse is None or targets.boosts or targets.expansions:
        return changes
    terms = {word.text: np.isin(sparse.indices, word.terms) for word in words}
    queries = [
        Encoding(None, _weighed(sparse, terms[change.word], change.value)) for change in tried
    ]
    settings = trace.prepared.settings
    most = max(settings.candidates, trace.request.limit)
    answers = await index.search_many(queries, ["sparse"], trace.prepared.condition, most)
    confirmed: dict[int, Change | None] = {}
    for change, answer in zip(tried, answers, strict=True):
        order = [point.id for point in fuse({**trace.arms, **answer}, settings)]
        place = order.index(id) + 1 if id in order else None
        holds = place is not None and place <= k
        confirmed[changes.index(change)] = (
            replace(change, place=place, exact=True) if holds and place is not None else None
        )
    kept = [confirmed.get(at, change) for at, change in enumerate(changes)]
    return [change for change in kept if change is not None]


def _weighed(query: SparseVector, which: NDArray[np.bool_], factor: float) -> SparseVector:
    """The query with the weights that ``which`` marks multiplied; without those that are 0."""
    values = np.where(which, query.values * np.float32(factor), query.values)
    return SparseVector(query.indices[values > 0], values[values > 0].astype(np.float32))


def _by_term(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))


def _within(place: int | None, k: int) -> bool:
    return place is not None and place <= k
