"""The smallest changes that would bring a passage into the first k.

Exact for the sparse arm: its scores are sums, so what a term's weight must become can be computed
and fused again. A dense vector cannot be changed by a term; for the page's own words, which change
both vectors, the page is encoded again with the words added, and scored.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.explain.simulate import Figures, Scores, Simulation, nearest_change
from backend.explain.terms import dot
from backend.explain.words import Word, join_pieces, name_of
from backend.search.fuse import fuse
from backend.search.trace import SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import Point, SearchIndex
from knowledge.store.passages import Passage
from knowledge.types import ArmName, Encoding, SparseVector

_WORDS = 6
_MOST = 100.0
_FAINT = 1e-6
_CONFIRMED = 4
"""Changes of a term's weight that are tried on the whole index, the smallest first."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that brings the passage to ``place``.

    ``kind``: ``expansion`` (treat the passage as if it said ``word``, with weight ``value``),
    ``term`` (multiply the query's weight of ``word`` by ``value``), ``weight`` (of the arm named
    by ``word``, to ``value``), or ``page`` (write ``word`` on the page; ``value`` is 1). ``exact``:
    computed from the scores of all that could be displaced; otherwise tried, on the candidates.
    """

    kind: str
    word: str
    value: float
    place: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What would bring a passage into the first ``k``; per kind the smallest change first.

    ``place``: where it stands now in the fused order, ``None`` where no arm returned it.
    """

    k: int
    place: int | None
    changes: tuple[Change, ...]
    note: str = (
        "A change that is called exact holds for the sparse arm over the whole index, and for "
        "fusion; reranking comes after it. Others were tried on the candidates, and words on the "
        "page by encoding it again."
    )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


async def counterfactual(
    trace: SearchTrace,
    passage: Passage,
    point: Point,
    scores: Scores,
    encoder: Encoder,
    index: SearchIndex,
    k: int,
    rewrite: bool = False,
) -> Counterfactual:
    """What would bring ``passage`` into the first ``k`` of the fused order.

    ``point``: its vectors; ``scores``: what it scores in each arm now. ``rewrite``: also try words
    on the page itself, each by encoding the passage again (some 20 ms).
    """
    simulation = Simulation(trace, passage.id)
    place = simulation.place()
    if place is not None and place <= k:
        return Counterfactual(k, place, ())
    sparse, own = trace.query.sparse, point.encoding.sparse
    if sparse is None or own is None or "sparse" not in trace.arms:
        return Counterfactual(k, place, tuple(_weights(simulation, trace, k)))
    words = _query_words(trace, sparse, encoder, passage)
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
    if rewrite:
        changes += await _page(simulation, trace, words, passage, encoder, k)
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


async def _page(
    simulation: Simulation,
    trace: SearchTrace,
    words: Sequence[Word],
    passage: Passage,
    encoder: Encoder,
    k: int,
) -> list[Change]:
    """Which words, written at the end of the passage, do it; all of them together last."""
    here = encoder.written(passage.prefix + passage.text)
    lacking = [word.text for word in words if not any(term in here for term in word.terms)]
    if not lacking:
        return []
    tried = [*lacking, " ".join(lacking)] if len(lacking) > 1 else lacking
    whole = passage.prefix + passage.text
    encodings = await asyncio.to_thread(
        encoder.encode_passages, [f"{whole} {words}" for words in tried]
    )
    changes = []
    for added, encoding in zip(tried, encodings, strict=True):
        place = simulation.place(_scores(trace, encoding))
        if place is not None and place <= k:
            changes.append(Change("page", added, 1.0, place, exact=False))
    return changes


def _scores(trace: SearchTrace, passage: Encoding) -> dict[ArmName, float]:
    """What a passage of these vectors would score in the arms that were asked."""
    scores: dict[ArmName, float] = {}
    query = trace.query
    if "sparse" in trace.arms and query.sparse is not None and passage.sparse is not None:
        scores["sparse"] = dot(query.sparse, passage.sparse)
    if "dense" in trace.arms and query.dense is not None and passage.dense is not None:
        scores["dense"] = float(np.dot(query.dense, passage.dense))
    return {arm: score for arm, score in scores.items() if arm == "dense" or score > 0}


def _query_words(
    trace: SearchTrace, query: SparseVector, encoder: Encoder, passage: Passage
) -> list[Word]:
    """The heaviest words of the query."""
    weights = _by_term(query)
    names = encoder.words(list(weights), trace.prepared.text, passage.text)
    words = join_pieces(
        weights,
        encoder.written(trace.prepared.text),
        trace.prepared.text,
        {term: name_of(term, names) for term in weights},
    )
    words.sort(key=lambda word: (-math.fsum(weights[term] for term in word.terms), word.text))
    return words[:_WORDS]


def _by_term(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))


def _within(place: int | None, k: int) -> bool:
    return place is not None and place <= k
