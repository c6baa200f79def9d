"""Explaining hits: the one place that fetches what the explanations are computed from."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from backend.explain.chain import record_of, what_changed
from backend.explain.dense import DenseExplanation, nearest_sentences
from backend.explain.hit import HitExplanation, JsonObject
from backend.explain.ledger import ledger
from backend.explain.terms import (
    TOP_TERMS,
    TermsExplanation,
    TracedText,
    explain_terms,
    read_text,
    trace_text,
)
from backend.search.rule_effects import gain, grown
from backend.search.search import Searcher, SearchRequest, SearchResult, SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.errors import NotFound
from knowledge.index.search_index import Point
from knowledge.store.passages import Passage, read_passages
from knowledge.types import ArmName, Span, TermOrigin

_TRACES = 256


class Explainer:
    """Explains the results of one searcher.

    Also what ``backend/chat`` stores with an answer (:meth:`record`).
    """

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher
        self._traces = _Traces(searcher.encoder)

    async def hits(
        self,
        result: SearchResult,
        chunk_ids: Sequence[UUID] | None = None,
        *,
        origins: bool = False,
        top: int = TOP_TERMS,
    ) -> tuple[HitExplanation, ...]:
        """Explain the hits of ``result``, or the passages named, in that order.

        ``origins``: also which words added a term, and which sentences are nearest to the query.
        That runs the encoder on every passage; without it none is run.
        A passage that the index or the database no longer has is left out.
        """
        trace = result.trace
        if trace is None:
            return ()
        ids = list(chunk_ids if chunk_ids is not None else (hit.chunk_id for hit in result.hits))
        passages = await self.passages(trace, ids)
        points = await self.searcher.index.retrieve([id for id in ids if id in passages])
        scores = await self.scores(trace, list(points))
        query = await self._query(trace, origins)
        return tuple(
            [
                await self._explain(trace, passages[id], points[id], scores, query, origins, top)
                for id in ids
                if id in points
            ]
        )

    async def passage(self, request: SearchRequest, chunk_id: UUID) -> HitExplanation:
        """Search, and explain one passage in full, whether or not it is a hit.

        Raises :class:`NotFound` where there is no such passage in the knowledge bases searched.
        """
        result = await self.searcher.search(request)
        for found in await self.hits(result, [chunk_id], origins=True):
            return found
        raise _unknown(chunk_id)

    async def record(
        self,
        request: SearchRequest,
        result: SearchResult,
        chunk_ids: tuple[UUID, ...],
        spans: Mapping[UUID, Sequence[Span]] | None = None,
    ) -> JsonObject:
        """What is stored with an answer: why each cited passage was found, and what stood at the
        cited ``spans`` of it, in two or three kilobytes.

        It stays readable when the index, the encoder or the page has changed.
        """
        if result.trace is None:
            return {}
        return record_of(result.trace, await self.hits(result, chunk_ids, top=6), spans)

    async def changes(self, record: JsonObject) -> tuple[str, ...]:
        """Why a fresh explanation would differ from the stored ``record``, in sentences."""
        return await what_changed(record, self.searcher.database, self.searcher.encoder.spec.id)

    async def passages(self, trace: SearchTrace, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """The passages named, of the knowledge bases that were searched and of no other."""
        known = {id: trace.passages[id] for id in ids if id in trace.passages}
        rest = [id for id in ids if id not in known]
        if rest:
            async with self.searcher.database.reading() as session:
                known |= await read_passages(session, rest)
        searched = set(trace.request.knowledge_base_ids)
        return {
            id: passage for id, passage in known.items() if passage.knowledge_base_id in searched
        }

    async def scores(
        self, trace: SearchTrace, ids: Sequence[UUID]
    ) -> dict[ArmName, dict[UUID, float]]:
        """Each arm's score of the passages; those beyond its candidates are asked for."""
        scores: dict[ArmName, dict[UUID, float]] = {}
        beyond: set[UUID] = set()
        for arm, ranked in trace.arms.items():
            found = {point.id: point.score for point in ranked}
            scores[arm] = {id: found[id] for id in ids if id in found}
            beyond |= set(ids) - set(found)
        if beyond and trace.arms:
            asked = await self.searcher.index.score(trace.query, list(trace.arms), list(beyond))
            for arm, found in asked.items():
                # The engine does not return a passage that shares no term with the query.
                gains = self._gains(trace, beyond) if arm == "sparse" else {}
                found |= {id: found.get(id, 0.0) + gain for id, gain in gains.items()}
                scores[arm] = found | scores[arm]
        return scores

    def _gains(self, trace: SearchTrace, ids: set[UUID]) -> dict[UUID, float]:
        """What rules add to the sparse score of those passages that they expand."""
        expansions = trace.prepared.targets.expansions
        sparse = trace.query.sparse
        if sparse is None:
            return {}
        return {id: gain(sparse, expansions[id]) for id in ids if id in expansions}

    async def _query(self, trace: SearchTrace, origins: bool) -> TracedText:
        encoder = self.searcher.encoder
        if not origins:
            return read_text(encoder, trace.prepared.text)
        return trace_text(
            encoder, trace.prepared.text, await self._traces.query(trace.prepared.text)
        )

    async def _explain(
        self,
        trace: SearchTrace,
        passage: Passage,
        point: Point,
        scores: dict[ArmName, dict[UUID, float]],
        query: TracedText,
        origins: bool,
        top: int,
    ) -> HitExplanation:
        return HitExplanation(
            chunk_id=passage.id,
            document_id=passage.document_id,
            title=passage.title,
            address=passage.link,
            heading=passage.heading,
            text=passage.text,
            version=passage.version,
            fetched_at=passage.fetched_at,
            terms=await self._terms(trace, passage, point, scores, query, origins, top),
            dense=await self._dense(trace, passage, scores, origins),
            ledger=ledger(trace, passage.id),
        )

    async def _terms(
        self,
        trace: SearchTrace,
        passage: Passage,
        point: Point,
        scores: dict[ArmName, dict[UUID, float]],
        query: TracedText,
        origins: bool,
        top: int,
    ) -> TermsExplanation | None:
        if "sparse" not in trace.arms or trace.query.sparse is None:
            return None
        if point.encoding.sparse is None:
            return None
        encoder = self.searcher.encoder
        expansion = trace.prepared.targets.expansions.get(passage.id, {})
        prefix = passage.prefix(encoder.spec.context)
        whole = prefix + passage.text
        text = (
            trace_text(encoder, whole, await self._traces.passage(whole), len(prefix))
            if origins
            else read_text(encoder, whole, len(prefix))
        )
        return explain_terms(
            encoder,
            trace.query.sparse,
            trace.prepared.idf,
            grown(point.encoding.sparse, expansion),
            scores["sparse"].get(passage.id, 0.0),
            replace(query, by_rule=trace.prepared.rule_terms),
            replace(text, by_rule=frozenset(expansion)),
            top=top,
        )

    async def _dense(
        self,
        trace: SearchTrace,
        passage: Passage,
        scores: dict[ArmName, dict[UUID, float]],
        origins: bool,
    ) -> DenseExplanation | None:
        cosine = scores.get("dense", {}).get(passage.id)
        if cosine is None or trace.query.dense is None:
            return None
        if not origins:
            return DenseExplanation(cosine, ())
        near = await nearest_sentences(
            self.searcher.encoder, trace.query.dense, passage.text, passage.language
        )
        return DenseExplanation(cosine, near)


class _Traces:
    """The last texts' term origins: a passage is looked at more than once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._kept: OrderedDict[tuple[str, str], list[TermOrigin]] = OrderedDict()

    async def query(self, text: str) -> list[TermOrigin]:
        return await self._get("query", text, self._encoder.trace_query)

    async def passage(self, text: str) -> list[TermOrigin]:
        return await self._get("passage", text, self._encoder.trace_passage)

    async def _get(
        self, role: str, text: str, trace: Callable[[str], list[TermOrigin]]
    ) -> list[TermOrigin]:
        key = (role, text)
        if key not in self._kept:
            self._kept[key] = await asyncio.to_thread(trace, text)
            if len(self._kept) > _TRACES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _unknown(chunk_id: UUID) -> NotFound:
    return NotFound(
        f"There is no passage {chunk_id} in the knowledge bases searched.",
        "It may have been removed since: search again.",
    )
