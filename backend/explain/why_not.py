"""Why a passage is not among the hits: the stage at which it left, and by how much."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from backend.explain.after_fusion import after_fusion
from backend.explain.change import Counterfactual
from backend.explain.counterfactual import counterfactual
from backend.explain.explain import Explainer
from backend.explain.late_stages import LateStages, gate
from backend.explain.page_words import page_words
from backend.explain.verdict import STAGES, Cutoff, WhyNot
from backend.search.diversify import dense_vectors
from backend.search.search import SearchRequest, SearchResult, SearchTrace
from knowledge.errors import InvalidInput, NotFound
from knowledge.index.conditions import Filter, Named
from knowledge.store.tables import RuleKind
from knowledge.store.whereabouts import Found, find_address, find_chunk, find_document
from knowledge.types import ArmName

__all__ = ["STAGES", "Budget", "Cutoff", "WhyNot", "why_not"]

Budget = Callable[[SearchResult], Awaitable[int]]
"""Tells how many of the hits an answer reads."""

_BY_ARMS = frozenset({"cutoff", "fusion", "budget"})
"""Stages at which a better place in the fused order is what is missing."""


async def why_not(
    explainer: Explainer,
    request: SearchRequest,
    *,
    chunk_id: UUID | None = None,
    document_id: UUID | None = None,
    address: str = "",
    answer_hits: int | Budget | None = None,
    changes: bool = True,
    rewrite: bool = False,
) -> WhyNot:
    """Why a passage, document or page is not among the hits of ``request``.

    ``answer_hits``: how many hits an answer reads, or what tells it, where the question is why it
    was not answered from. ``changes``: also look for the smallest changes that would bring it in;
    ``rewrite``: and try words on the page, which runs the encoder. Raises :class:`NotFound` for an
    id that the knowledge bases searched do not have.
    """
    found = await _find(explainer, request, chunk_id, document_id, address)
    if found.stage:
        return WhyNot(found.stage, found.detail, found.action, document_id=found.document_id)
    result = await explainer.searcher.search(request)
    trace = result.trace
    if trace is None:
        return WhyNot("filtered", "No knowledge base was searched.", "Choose one.")
    best = _best(trace, found.chunk_ids)
    if best is None:
        best, left = await _outside(explainer, trace, found)
        if left is not None:
            return left
    read = await answer_hits(result) if callable(answer_hits) else answer_hits
    verdict, own = await _judge(explainer, trace, best, found.document_id, read)
    if not changes:
        return replace(verdict, changes=None)
    k = read if verdict.stage == "budget" and read else gate(trace)
    if verdict.stage in _BY_ARMS:
        verdict = replace(verdict, changes=await _changes(explainer, trace, best, own, k))
    return await _rewritten(explainer, trace, verdict) if rewrite else verdict


async def _find(
    explainer: Explainer,
    request: SearchRequest,
    chunk_id: UUID | None,
    document_id: UUID | None,
    address: str,
) -> Found:
    if sum((chunk_id is not None, document_id is not None, bool(address))) != 1:
        raise InvalidInput(
            "It is not clear what is missed.", "Name one chunk, one document or one address."
        )
    database, bases = explainer.searcher.database, request.knowledge_base_ids
    if address:
        return await find_address(database, bases, address)
    found = (
        await find_chunk(database, bases, chunk_id)
        if chunk_id is not None
        else await find_document(database, bases, document_id or UUID(int=0))
    )
    if found is None:
        raise NotFound(
            f"There is no passage or document {chunk_id or document_id} in the knowledge bases "
            "searched.",
            "It may have been removed since: search again.",
        )
    return found


def _best(trace: SearchTrace, ids: Sequence[UUID]) -> UUID | None:
    """The passage that came furthest: the best place, else the best fused rank."""
    wanted = set(ids)
    for one in trace.placed:
        if one.id in wanted:
            return one.id
    return next((point.id for point in trace.fused if point.id in wanted), None)


async def _outside(
    explainer: Explainer, trace: SearchTrace, found: Found
) -> tuple[UUID, WhyNot | None]:
    """The best passage of those that no arm returned; or where they all left before the arms."""
    index = explainer.searcher.index
    passing = Filter((trace.prepared.condition, Named(tuple(found.chunk_ids))))
    allowed = [point.id async for batch in index.scroll(passing) for point in batch]
    if not allowed:
        return found.chunk_ids[0], await _left_early(explainer, trace, found)
    scores = await index.score(trace.query, list(trace.arms), allowed)
    # The passage nearest to a cutoff, arm by arm in their order.
    for arm in trace.arms:
        if scores[arm]:
            return max(scores[arm], key=lambda id: (scores[arm][id], id.int)), None
    return allowed[0], None


async def _left_early(explainer: Explainer, trace: SearchTrace, found: Found) -> WhyNot:
    """Not indexed, hidden, or filtered out."""
    first = found.chunk_ids[0]
    points = await explainer.searcher.index.retrieve(list(found.chunk_ids))

    def left(stage: str, detail: str, action: str) -> WhyNot:
        return WhyNot(stage, detail, action, chunk_id=first, document_id=found.document_id)

    if not points:
        return left(
            "not indexed",
            "The passage is in the database and not in the index.",
            "Run `candor reindex`, or ingest the document again.",
        )
    payload = next(iter(points.values())).payload
    of = {str(first), str(payload.get("document")), str(payload.get("source"))}
    for rule in trace.prepared.rules:
        if rule.kind is RuleKind.HIDE and str(rule.target) in of:
            return left("hidden", f"A rule hides it: {rule.effect()}.", "End the rule.")
    if payload.get("hidden"):
        return left("hidden", "An editor took it out of search.", "Show it again.")
    return left("filtered", *_filter(trace.request, payload))


def _filter(request: SearchRequest, payload: Mapping[str, object]) -> tuple[str, str]:
    """Which of the request's restrictions the passage does not meet."""
    for name, allowed in (
        ("source", request.source_ids),
        ("document", request.document_ids),
        ("language", request.languages),
    ):
        if allowed and str(payload.get(name)) not in {str(one) for one in allowed}:
            return (
                f"The search was limited by {name}, and its {name} is "
                f"{payload.get(name) or 'unknown'}.",
                f"Search without the {name} filter, or add this {name} to it.",
            )
    changed = payload.get("modified") or "at an unknown time"
    return (
        f"The search was limited by date, and it was changed {changed}.",
        "Search without the date filter, or widen it.",
    )


async def _judge(
    explainer: Explainer,
    trace: SearchTrace,
    chunk_id: UUID,
    document_id: UUID | None,
    answer_hits: int | None,
) -> tuple[WhyNot, dict[ArmName, float]]:
    """Where among arms, fusion, reranking, diversity and budget it left; and its scores."""
    scores = await explainer.scores(trace, [chunk_id])
    own: dict[ArmName, float] = {
        arm: found[chunk_id] for arm, found in scores.items() if chunk_id in found
    }
    cutoffs = tuple(_arm_cutoff(trace, arm, own.get(arm)) for arm in trace.arms)
    verdict = WhyNot("cutoff", "", chunk_id=chunk_id, document_id=document_id, cutoffs=cutoffs)
    index, settings = explainer.searcher.index, trace.prepared.settings
    late = LateStages(trace, await dense_vectors(index, list(trace.passages), settings))
    if late.rank(chunk_id) is None:
        detail = _cutoff_detail(cutoffs, trace)
        return replace(verdict, detail=detail, action=_CUTOFF_ACTION), own
    # Each setting is tried with a sort, or with likenesses counted anew: not in the event loop.
    verdict = await asyncio.to_thread(after_fusion, verdict, late, chunk_id, answer_hits)
    return verdict, own


async def _changes(
    explainer: Explainer,
    trace: SearchTrace,
    chunk_id: UUID,
    scores: dict[ArmName, float],
    k: int,
) -> Counterfactual | None:
    passages = await explainer.passages(trace, [chunk_id])
    points = await explainer.searcher.index.retrieve([chunk_id])
    if chunk_id not in passages or chunk_id not in points:
        return None
    searcher = explainer.searcher
    passage, point = passages[chunk_id], points[chunk_id]
    return await counterfactual(trace, passage, point, scores, searcher.encoder, searcher.index, k)


async def _rewritten(explainer: Explainer, trace: SearchTrace, verdict: WhyNot) -> WhyNot:
    """The verdict with words for the page among the changes; they come last."""
    found, chunk_id = verdict.changes, verdict.chunk_id
    if found is None or chunk_id is None or verdict.stage not in (*_BY_ARMS, "rerank"):
        return verdict
    passages = await explainer.passages(trace, [chunk_id])
    if chunk_id not in passages:
        return verdict
    searcher = explainer.searcher
    reranker = searcher.reranker if verdict.stage == "rerank" else None
    added = await page_words(trace, passages[chunk_id], searcher.encoder, found.k, reranker)
    return replace(verdict, changes=replace(found, changes=(*found.changes, *added)))


_CUTOFF_ACTION = "Add words of the question to the page, or a synonym; see the changes below."


def _arm_cutoff(trace: SearchTrace, arm: ArmName, own: float | None) -> Cutoff:
    """The arm's last candidate beside the passage."""
    ranked = trace.arms[arm]
    full = len(ranked) >= max(trace.prepared.settings.candidates, trace.request.limit)
    needed = ranked[-1].score if full else None
    distance = needed - (own or 0.0) if needed is not None else None
    return Cutoff(arm, own, needed, distance)


def _cutoff_detail(cutoffs: Sequence[Cutoff], trace: SearchTrace) -> str:
    count = max(trace.prepared.settings.candidates, trace.request.limit)
    parts = []
    for line in cutoffs:
        if line.what == "sparse" and not line.own:
            parts.append("it shares no word with the query, written or added")
        elif line.needed is not None and line.own is not None:
            parts.append(
                f"its {line.what} score is {line.own:.4f}, and the last of {count} candidates has "
                f"{line.needed:.4f}"
            )
    return ("No arm returned it: " + "; ".join(parts) + ".") if parts else "No arm returned it."
