"""The read path: query -> prepare -> retrieve -> fuse -> rerank -> diversify -> hits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backend.search.diversify import Placed, cap_documents, marginal_relevance
from backend.search.fuse import FusedPoint, fuse
from backend.search.prepare import Preparation, Prepared
from backend.search.request import SearchRequest, SearchSettings
from backend.search.rerank import Reranker, TimedReranker
from backend.search.retrieve import retrieve
from backend.search.rule_effects import boost, choose_pins, expand_passages, pin
from backend.search.rules import Rule, RuleSet
from backend.search.trace import SearchResult, SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import RankedPoint, SearchIndex
from knowledge.store.database import Database
from knowledge.store.passages import Passage, read_passages
from knowledge.types import ArmName, Hit

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

_POOL = 3
"""Hits looked at for each one returned where near-duplicates are moved down or capped."""


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
        self._reranker = TimedReranker(reranker) if reranker is not None else None

    async def search(self, request: SearchRequest, rules: RuleSet | None = None) -> SearchResult:
        """The best ``request.limit`` chunks for ``request.query``.

        ``rules`` are weighed instead of the saved ones: a draft is tried this way. Raises
        :class:`InvalidQuery` where there is nothing to search for, and :class:`IndexUnavailable`
        where the index does not answer. A chunk that the index still knows and the database no
        more is left out.
        """
        clock = _Clock()
        prepared = await self.preparation.prepare(request, rules)
        clock.stop("prepare")
        if not request.knowledge_base_ids:
            none = "No knowledge base was chosen: there is nothing to search in."
            return SearchResult(prepared.text, (), clock.total(), (*prepared.warnings, none))
        arms = await self._retrieve(prepared, max(prepared.settings.candidates, request.limit))
        clock.stop("retrieve")
        fused = fuse(arms, prepared.settings)
        fused = await boost(fused, prepared.targets.boosts, self.database)
        pins = await choose_pins(prepared.targets.pins, fused, self.index, prepared.condition)
        fused = _with_pinned(fused, pins)
        clock.stop("fuse")
        passages, missing = await self._read(fused, request.limit, prepared.settings, pins)
        present = [point for point in fused if point.id in passages]
        clock.stop("read")
        scores, warning = await self._rerank(prepared, present, passages)
        clock.stop("rerank")
        placed, over = await self._diversify(present, scores, passages, prepared.settings)
        placed, over = pin(placed, over, [(rule, id) for rule, id in pins if id in passages])
        clock.stop("diversify")
        trace = SearchTrace(
            request=request,
            prepared=prepared,
            encoder=self.encoder.spec.id,
            arms=arms,
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

    async def _retrieve(
        self, prepared: Prepared, candidates: int
    ) -> dict[ArmName, list[RankedPoint]]:
        """Each arm's ranking, after rules that give passages more terms."""
        query, condition = prepared.query, prepared.condition
        arms = await retrieve(self.index, query, prepared.arms, condition, candidates)
        expansions = prepared.targets.expansions
        if expansions and "sparse" in arms and query.sparse is not None:
            arms["sparse"] = await expand_passages(
                arms["sparse"], expansions, query.sparse, self.index, condition, candidates
            )
        return arms

    async def _read(
        self,
        fused: Sequence[FusedPoint],
        limit: int,
        settings: SearchSettings,
        pins: Sequence[tuple[Rule, UUID]],
    ) -> tuple[dict[UUID, Passage], frozenset[UUID]]:
        """The passages of the first points that the database has, and those that it lacks."""
        wanted = _pool_size(limit, settings)
        passages: dict[UUID, Passage] = {}
        missing: set[UUID] = set()
        pinned = [id for _, id in pins]
        start = 0
        async with self.database.reading() as session:
            while len(passages) < wanted and start < len(fused):
                step = wanted - len(passages) + (_SPARE if start else 0)
                ids = [point.id for point in fused[start : start + step]] + pinned
                found = await read_passages(session, ids)
                passages |= found
                missing |= set(ids) - set(found)
                pinned = []
                start += step
        return passages, frozenset(missing)

    async def _rerank(
        self,
        prepared: Prepared,
        points: Sequence[FusedPoint],
        passages: Mapping[UUID, Passage],
    ) -> tuple[dict[UUID, float], str]:
        """The cross-encoder's score of the first points, and a warning where there is none."""
        settings = prepared.settings
        if not settings.rerank or not points:
            return {}, ""
        if self._reranker is None:
            return {}, "No reranker is set up (CANDOR_RERANKER_MODEL): the fused order stands."
        first = [point.id for point in points[: settings.rerank_candidates]]
        texts = [passages[id].text for id in first]
        scores, warning = await self._reranker.scores(
            prepared.text, texts, settings.rerank_budget_ms
        )
        return dict(zip(first, scores or [], strict=bool(scores))), warning

    async def _diversify(
        self,
        points: Sequence[FusedPoint],
        scores: Mapping[UUID, float],
        passages: Mapping[UUID, Passage],
        settings: SearchSettings,
    ) -> tuple[list[Placed], list[Placed]]:
        """The final order: reranked ones first, near-duplicates moved down, documents capped."""
        first = [(point.id, scores[point.id]) for point in points if point.id in scores]
        first.sort(key=lambda scored: (-scored[1], scored[0].int))
        rest = [(point.id, point.score) for point in points if point.id not in scores]
        placed = await self._spread(first, settings) + await self._spread(rest, settings)
        if not settings.per_document:
            return placed, []
        documents = {id: passage.document_id for id, passage in passages.items()}
        return cap_documents(placed, documents, settings.per_document)

    async def _spread(
        self, scored: Sequence[tuple[UUID, float]], settings: SearchSettings
    ) -> list[Placed]:
        if not settings.diversity or not self.index.spec.dense_size:
            return [Placed(id, score) for id, score in scored]
        points = await self.index.retrieve([id for id, _ in scored])
        vectors = {
            id: point.encoding.dense
            for id, point in points.items()
            if point.encoding.dense is not None
        }
        known = [(id, score) for id, score in scored if id in vectors]
        return marginal_relevance(known, vectors, settings.diversity)


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


def _with_pinned(fused: list[FusedPoint], pins: Sequence[tuple[Rule, UUID]]) -> list[FusedPoint]:
    """``fused`` and, at its end, the pinned chunks that no arm returned."""
    known = {point.id for point in fused}
    brought = dict.fromkeys(id for _, id in pins if id not in known)
    return fused + [FusedPoint(id, 0.0, {}) for id in brought]


def _pool_size(limit: int, settings: SearchSettings) -> int:
    """How many of the fused points are looked at."""
    spread = settings.diversity or settings.per_document
    return max(
        limit * (_POOL if spread else 1), settings.rerank_candidates if settings.rerank else 0
    )


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
