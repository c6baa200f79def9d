"""The read path: query -> prepare -> retrieve -> fuse -> rerank -> diversify -> hits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from uuid import UUID

import numpy as np

from backend.search.diversify import Placed, dense_vectors, final_order, pool_size
from backend.search.fuse import FusedPoint, fuse
from backend.search.prepare import Preparation, Prepared
from backend.search.request import SearchRequest, SearchSettings
from backend.search.rerank import Reranker, TimedReranker
from backend.search.retrieve import Asked, retrieve
from backend.search.rule_effects import boost, choose_pins, expand_passages, pin
from backend.search.rules import Rule, RuleSet
from backend.search.trace import SearchResult, SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import RankedPoint, SearchIndex
from knowledge.store.database import Database
from knowledge.store.passages import Passage, read_passages
from knowledge.traffic import SEARCHES
from knowledge.types import ArmName, Encoding, Hit

__all__ = [
    "RuleSet",
    "SearchRequest",
    "SearchResult",
    "SearchSettings",
    "SearchTrace",
    "Searcher",
]

_SPARE = 4
"""Passages read beyond the limit, for those that have been removed from the database since."""


_UNSCORED: Mapping[UUID, float] = MappingProxyType({})


class Searcher:
    """Finds the chunks that answer a query. One serves a whole process.

    ``settings`` hold where a request brings none of its own.
    """

    def __init__(
        self,
        database: Database,
        index: SearchIndex,
        encoder: Encoder,
        settings: SearchSettings,
        reranker: Reranker | None = None,
    ) -> None:
        self.database = database
        self.index = index
        self.encoder = encoder
        self.settings = settings
        self.preparation = Preparation(database, encoder, settings)
        self.reranker = TimedReranker(reranker) if reranker is not None else None

    async def search(self, request: SearchRequest, rules: RuleSet | None = None) -> SearchResult:
        """The best ``request.limit`` chunks for ``request.query``.

        ``rules`` are weighed instead of the saved ones: a draft is tried this way. Raises
        :class:`InvalidQuery` where there is nothing to search for, and :class:`IndexUnavailable`
        where the index does not answer. A chunk that the index still knows and the database no
        more is left out.
        """
        with SEARCHES.under_way():
            clock = _Clock()
            prepared = await self.preparation.prepare(request, rules)
            clock.stop("prepare")
            if not request.knowledge_base_ids:
                return _nothing(prepared, clock)
            (arms,) = await retrieve(self.index, [_asked(request, prepared)])
            clock.stop("retrieve")
            ordered = await self._order(request, prepared, arms)
            clock.stop("fuse")
            return await self._finish(ordered, {}, clock)

    async def search_many(
        self,
        requests: Sequence[SearchRequest],
        rules: RuleSet | None = None,
        before: Sequence[SearchResult] = (),
    ) -> list[SearchResult]:
        """What :meth:`search` would find for each request, in their order, for less work.

        ``before``: results of the same requests a moment ago, under other rules or settings; what
        they had from the index and the database, and these would ask again, is taken from them.
        ``took_ms`` of a result is only what was done for it alone.
        """
        prepared = await self.preparation.prepare_many(requests, rules)
        traces = [result.trace for result in before] or [None] * len(requests)
        asked = [
            _asked(request, one, trace)
            for request, one, trace in zip(requests, prepared, traces, strict=True)
        ]
        ordered = [
            await self._order(request, one, arms)
            for request, one, arms in zip(
                requests, prepared, await retrieve(self.index, asked), strict=True
            )
        ]
        known: dict[UUID, Passage] = {}
        for trace in traces:
            known |= trace.passages if trace is not None else {}
        wanted = {id for one in ordered for id in one.first() if id not in known}
        async with self.database.reading() as session:
            known |= await read_passages(session, list(wanted))
        return [
            await self._finish(one, known, _Clock(), _scored(one, trace))
            for one, trace in zip(ordered, traces, strict=True)
        ]

    async def _order(
        self,
        request: SearchRequest,
        prepared: Prepared,
        arms: dict[ArmName, list[RankedPoint]],
    ) -> _Ordered:
        """From the arms' rankings to one, after the rules that act on it."""
        found = await self._expanded(request, prepared, arms)
        fused = fuse(found, prepared.settings)
        fused = await boost(fused, prepared.targets.boosts, self.database)
        pins = await choose_pins(prepared.targets.pins, fused, self.index, prepared.condition)
        return _Ordered(request, prepared, found, _with_pinned(fused, pins), pins)

    async def _finish(
        self,
        ordered: _Ordered,
        known: Mapping[UUID, Passage],
        clock: _Clock,
        scored: Mapping[UUID, float] = _UNSCORED,
    ) -> SearchResult:
        """From the fused order to the hits. ``known``: passages that need not be read; ``scored``:
        what the cross-encoder said of some before.
        """
        prepared, fused, pins = ordered.prepared, ordered.fused, ordered.pins
        if not ordered.request.knowledge_base_ids:
            return _nothing(prepared, clock)
        passages, missing = await self._read(ordered, known)
        present = [point for point in fused if point.id in passages]
        clock.stop("read")
        scores, warning = await self._rerank(prepared, present, passages, scored)
        clock.stop("rerank")
        placed, over = await self._diversify(present, scores, passages, prepared.settings)
        placed, over = pin(placed, over, [(rule, id) for rule, id in pins if id in passages])
        clock.stop("diversify")
        trace = SearchTrace(
            request=ordered.request,
            prepared=prepared,
            encoder=self.encoder.spec.id,
            arms=ordered.arms,
            fused=fused,
            reranked=scores,
            placed=placed,
            over=over,
            passages=passages,
            missing=missing,
            stages=clock.stages,
        )
        warnings = prepared.warnings + ((warning,) if warning else ())
        return SearchResult(prepared.text, _hits(trace), clock.total(), warnings, trace)

    async def _expanded(
        self,
        request: SearchRequest,
        prepared: Prepared,
        arms: dict[ArmName, list[RankedPoint]],
    ) -> dict[ArmName, list[RankedPoint]]:
        """Each arm's ranking, after rules that give passages more terms."""
        query, expansions = prepared.query, prepared.targets.expansions
        if not expansions or "sparse" not in arms or query.sparse is None:
            return arms
        candidates = max(prepared.settings.candidates, request.limit)
        grown = await expand_passages(
            arms["sparse"], expansions, query.sparse, self.index, prepared.condition, candidates
        )
        return arms | {"sparse": grown}

    async def _read(
        self, ordered: _Ordered, known: Mapping[UUID, Passage]
    ) -> tuple[dict[UUID, Passage], frozenset[UUID]]:
        """The passages of the first points that the database has, and those that it lacks."""
        fused = ordered.fused
        passages: dict[UUID, Passage] = {}
        missing: set[UUID] = set()
        ids = ordered.first()
        start = ordered.pool
        while ids:
            found = {id: known[id] for id in ids if id in known}
            if len(found) < len(ids):
                async with self.database.reading() as session:
                    found |= await read_passages(session, [id for id in ids if id not in found])
            passages |= found
            missing |= set(ids) - set(found)
            lacking = ordered.pool - len(passages)
            step = lacking + _SPARE if lacking > 0 else 0
            ids = [point.id for point in fused[start : start + step]]
            start += step
        return passages, frozenset(missing)

    async def _rerank(
        self,
        prepared: Prepared,
        points: Sequence[FusedPoint],
        passages: Mapping[UUID, Passage],
        scored: Mapping[UUID, float],
    ) -> tuple[dict[UUID, float], str]:
        """The cross-encoder's score of the first points, and a warning where there is none.

        It is not asked again for what it has ``scored``: a score does not depend on the others.
        """
        settings = prepared.settings
        if not settings.rerank or not points:
            return {}, ""
        if self.reranker is None:
            return {}, "No reranker is set up (CANDOR_RERANKER_MODEL): the fused order stands."
        first = [point.id for point in points[: settings.rerank_candidates]]
        fresh = [id for id in first if id not in scored]
        if not fresh:
            return {id: scored[id] for id in first}, ""
        texts = [passages[id].text for id in fresh]
        scores, warning = await self.reranker.scores(
            prepared.text, texts, settings.rerank_budget_ms
        )
        if scores is None:
            return {}, warning
        whole = {**scored, **dict(zip(fresh, scores, strict=True))}
        return {id: whole[id] for id in first}, ""

    async def _diversify(
        self,
        points: Sequence[FusedPoint],
        scores: Mapping[UUID, float],
        passages: Mapping[UUID, Passage],
        settings: SearchSettings,
    ) -> tuple[list[Placed], list[Placed]]:
        """The final order, and what the cap on one document's chunks left out."""
        return final_order(
            [(point.id, point.score) for point in points],
            scores,
            {id: passage.document_id for id, passage in passages.items()},
            await dense_vectors(self.index, [point.id for point in points], settings),
            settings,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Ordered:
    """A search as far as its fused order."""

    request: SearchRequest
    prepared: Prepared
    arms: Mapping[ArmName, list[RankedPoint]]
    fused: list[FusedPoint]
    pins: Sequence[tuple[Rule, UUID]]

    @property
    def pool(self) -> int:
        """How many of the first points are looked at."""
        return pool_size(self.request.limit, self.prepared.settings)

    def first(self) -> list[UUID]:
        """The points that are read first: those looked at, and pinned ones."""
        return [point.id for point in self.fused[: self.pool]] + [id for _, id in self.pins]


@dataclass(slots=True)
class _Clock:
    """Milliseconds by stage."""

    start: float = field(default_factory=time.perf_counter)
    last: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = (now - self.last) * 1000
        self.last = now

    def total(self) -> float:
        return (time.perf_counter() - self.start) * 1000


def _asked(request: SearchRequest, prepared: Prepared, before: SearchTrace | None = None) -> Asked:
    """What the index is to be asked with, and what an earlier search of the same tells already."""
    asked = Asked(
        prepared.query,
        prepared.arms,
        prepared.condition,
        max(prepared.settings.candidates, request.limit),
    )
    if before is None:
        return asked
    earlier = _asked(before.request, before.prepared)
    if (asked.candidates, asked.condition) != (earlier.candidates, earlier.condition):
        return asked
    known: dict[ArmName, list[RankedPoint]] = {}
    for arm, ranked in before.arms.items():
        # Expansions are part of a kept sparse ranking, and may not be wanted now.
        grown = arm == "sparse" and before.prepared.targets.expansions
        if not grown and _same_vector(arm, asked.query, earlier.query):
            known[arm] = ranked
    return replace(asked, known=known)


def _scored(ordered: _Ordered, before: SearchTrace | None) -> Mapping[UUID, float]:
    """What the cross-encoder said of passages for the same words."""
    same = before is not None and before.prepared.text == ordered.prepared.text
    return before.reranked if before is not None and same else _UNSCORED


def _same_vector(arm: ArmName, one: Encoding, other: Encoding) -> bool:
    if arm == "dense":
        if one.dense is None or other.dense is None:
            return False
        return bool(np.array_equal(one.dense, other.dense))
    return (
        one.sparse is not None
        and other.sparse is not None
        and np.array_equal(one.sparse.indices, other.sparse.indices)
        and np.array_equal(one.sparse.values, other.sparse.values)
    )


def _nothing(prepared: Prepared, clock: _Clock) -> SearchResult:
    none = "No knowledge base was chosen: there is nothing to search in."
    return SearchResult(prepared.text, (), clock.total(), (*prepared.warnings, none))


def _with_pinned(fused: list[FusedPoint], pins: Sequence[tuple[Rule, UUID]]) -> list[FusedPoint]:
    """``fused`` and, at its end, the pinned chunks that no arm returned."""
    known = {point.id for point in fused}
    brought = dict.fromkeys(id for _, id in pins if id not in known)
    return fused + [FusedPoint(id, 0.0, {}) for id in brought]


def _hits(trace: SearchTrace) -> tuple[Hit, ...]:
    points = {point.id: point for point in trace.fused}
    return tuple(
        _hit(one, points[one.id], trace.passages[one.id], trace.reranked.get(one.id))
        for one in trace.placed[: trace.request.limit]
    )


def _hit(placed: Placed, point: FusedPoint, passage: Passage, rerank: float | None) -> Hit:
    return Hit(
        chunk_id=placed.id,
        document_id=passage.document_id,
        source_id=passage.source_id,
        title=passage.title,
        address=passage.link,
        heading=passage.heading,
        text=passage.text,
        span=passage.span,
        score=placed.score,
        arms=point.arms,
        fused=point.score,
        rules={rule.rule_id: rule.part for rule in point.rules},
        rerank=rerank,
        page=passage.page,
        seconds=passage.seconds,
        language=passage.language,
    )
