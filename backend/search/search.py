"""The read path: query -> encode -> retrieve -> fuse -> rerank -> diversify -> hits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backend.search.diversify import Placed, cap_documents, marginal_relevance
from backend.search.fuse import FusedPoint, fuse
from backend.search.idf import CollectionIdf
from backend.search.query import QueryEncoder
from backend.search.request import SearchRequest, SearchSettings
from backend.search.rerank import Reranker, TimedReranker
from backend.search.retrieve import condition, retrieve
from backend.search.trace import SearchResult, SearchTrace
from knowledge.encode.encoder import Encoder, EncoderSpec
from knowledge.errors import InvalidSettings
from knowledge.index.search_index import SearchIndex
from knowledge.store.database import Database
from knowledge.store.passages import Passage, read_passages
from knowledge.types import ArmName, Encoding, Hit

__all__ = ["SearchRequest", "SearchResult", "SearchSettings", "SearchTrace", "Searcher"]

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
        self._queries = QueryEncoder(encoder)
        self._idf = CollectionIdf(database)
        self._reranker = TimedReranker(reranker) if reranker is not None else None

    async def search(self, request: SearchRequest) -> SearchResult:
        """The best ``request.limit`` chunks for ``request.query``.

        Raises :class:`InvalidQuery` where there is nothing to search for, and
        :class:`IndexUnavailable` where the index does not answer. A chunk that the index still
        knows and the database no more is left out.
        """
        settings = request.settings or self.settings
        clock = _Clock()
        query = await self._queries.encode(request.query)
        arms, warnings = _usable_arms(request.arms, query.encoding, self.encoder.spec)
        if not request.knowledge_base_ids:
            warnings += ("No knowledge base was chosen: there is nothing to search in.",)
            return SearchResult(query.text, (), clock.total(), query.warnings + warnings)
        clock.stop("encode")
        weighted, idf = query.encoding, dict[int, float]()
        if self.encoder.spec.uses_idf and "sparse" in arms:
            weighted, idf = await self._idf.weigh(query.encoding, request.knowledge_base_ids)
        clock.stop("idf")
        candidates = max(settings.candidates, request.limit)
        ranked = await retrieve(self.index, weighted, arms, condition(request), candidates)
        clock.stop("retrieve")
        fused = fuse(ranked, settings)
        clock.stop("fuse")
        passages, missing = await self._read(fused, _pool_size(request.limit, settings))
        present = [point for point in fused if point.id in passages]
        clock.stop("read")
        scores, warning = await self._rerank(query.text, present, passages, settings)
        clock.stop("rerank")
        placed, over = await self._diversify(present, scores, passages, settings)
        clock.stop("diversify")
        by_id = {point.id: point for point in present}
        hits = tuple(
            _hit(one, by_id[one.id], passages[one.id], scores.get(one.id))
            for one in placed[: request.limit]
        )
        trace = SearchTrace(
            request=request,
            settings=settings,
            encoder=self.encoder.spec.id,
            text=query.text,
            encoded=query.encoding,
            idf=idf,
            query=weighted,
            arms=ranked,
            fused=fused,
            reranked=scores,
            placed=placed,
            over=over,
            passages=passages,
            missing=missing,
            stages=clock.stages,
        )
        warnings = query.warnings + warnings + ((warning,) if warning else ())
        return SearchResult(query.text, hits, clock.total(), warnings, trace)

    async def _read(
        self, fused: Sequence[FusedPoint], wanted: int
    ) -> tuple[dict[UUID, Passage], frozenset[UUID]]:
        """The passages of the first ``wanted`` points that the database has, and those it lacks."""
        passages: dict[UUID, Passage] = {}
        missing: set[UUID] = set()
        start = 0
        async with self.database.reading() as session:
            while len(passages) < wanted and start < len(fused):
                step = wanted - len(passages) + (_SPARE if start else 0)
                ids = [point.id for point in fused[start : start + step]]
                found = await read_passages(session, ids)
                passages |= found
                missing |= set(ids) - set(found)
                start += step
        return passages, frozenset(missing)

    async def _rerank(
        self,
        query: str,
        points: Sequence[FusedPoint],
        passages: Mapping[UUID, Passage],
        settings: SearchSettings,
    ) -> tuple[dict[UUID, float], str]:
        """The cross-encoder's score of the first points, and a warning where there is none."""
        if not settings.rerank or not points:
            return {}, ""
        if self._reranker is None:
            return {}, "No reranker is set up (CANDOR_RERANKER_MODEL): the fused order stands."
        first = [point.id for point in points[: settings.rerank_candidates]]
        texts = [passages[id].text for id in first]
        scores, warning = await self._reranker.scores(query, texts, settings.rerank_budget_ms)
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


def _usable_arms(
    wanted: Sequence[ArmName], query: Encoding, spec: EncoderSpec
) -> tuple[list[ArmName], tuple[str, ...]]:
    """The arms that the encoder has and the query has something for, and what to say of others."""
    has = {"sparse": spec.sparse, "dense": spec.dense_size > 0}
    known = [arm for arm in wanted if has[arm]]
    warnings = tuple(f"The encoder {spec.id} has no {arm} side." for arm in wanted if not has[arm])
    if not known:
        raise InvalidSettings(
            f"The encoder {spec.id} has none of the arms asked for.", "Leave out --arms."
        )
    # Stop words alone leave the sparse arm nothing to look for.
    empty = query.sparse is not None and len(query.sparse) == 0
    return [arm for arm in known if not (arm == "sparse" and empty)], warnings


def _pool_size(limit: int, settings: SearchSettings) -> int:
    """How many of the fused points are looked at."""
    spread = settings.diversity or settings.per_document
    return max(
        limit * (_POOL if spread else 1), settings.rerank_candidates if settings.rerank else 0
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
        rerank=rerank,
        page=passage.page,
        seconds=passage.seconds,
        language=passage.language,
    )
