"""Why a passage is not among the hits: the stage at which it left, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from backend.explain.counterfactual import Counterfactual, counterfactual
from backend.explain.explain import Explainer
from backend.search.search import SearchRequest, SearchTrace
from knowledge.errors import InvalidInput, NotFound
from knowledge.index.conditions import Filter, Named
from knowledge.store.tables import RuleKind
from knowledge.store.whereabouts import Found, find_address, find_chunk, find_document
from knowledge.types import ArmName

STAGES = (
    "never seen",
    "excluded",
    "failed to parse",
    "duplicate",
    "gone",
    "empty",
    "not indexed",
    "hidden",
    "filtered",
    "cutoff",
    "fusion",
    "rerank",
    "diversity",
    "budget",
    "found",
)
"""Where a passage can leave, in the order of the stages; ``found`` is a hit."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A figure of the passage beside the one it would have needed.

    ``what``: an arm, or ``fused``, ``rerank``, ``place``. ``own`` is ``None`` where the passage has
    no such figure. ``distance``: how much is missing; 0 or less where it suffices.
    """

    what: str
    own: float | None
    needed: float | None
    distance: float | None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a passage, or the best passage of a document, is not among the first ``limit`` hits.

    ``stage`` is one of :data:`STAGES`; ``detail`` and ``action`` are sentences. ``place`` is where
    it stands, if anywhere. ``changes``: what would bring it in.
    """

    stage: str
    detail: str
    action: str = ""
    chunk_id: UUID | None = None
    document_id: UUID | None = None
    place: int | None = None
    cutoffs: tuple[Cutoff, ...] = ()
    changes: Counterfactual | None = None

    def to_json(self) -> dict[str, object]:
        """The same as plain values, UUIDs as strings."""
        plain = asdict(self)
        for name in ("chunk_id", "document_id"):
            plain[name] = str(plain[name]) if plain[name] else None
        return plain


async def why_not(
    explainer: Explainer,
    request: SearchRequest,
    *,
    chunk_id: UUID | None = None,
    document_id: UUID | None = None,
    address: str = "",
    answer_hits: int | None = None,
    changes: bool = True,
    rewrite: bool = False,
) -> WhyNot:
    """Why a passage, document or page is not among the hits of ``request``.

    ``answer_hits``: how many hits an answer reads, where the question is why it was not answered
    from. ``changes``: also look for the smallest changes that would bring it in; ``rewrite``: and
    try words on the page, which runs the encoder. Raises :class:`NotFound` for an id that the
    knowledge bases searched do not have.
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
    verdict, own = await _judge(explainer, trace, best, found.document_id, answer_hits)
    if not changes or verdict.stage in ("found", "budget", "diversity"):
        return verdict
    return replace(verdict, changes=await _changes(explainer, trace, best, own, rewrite))


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
    limit = trace.request.limit
    scores = await explainer.scores(trace, [chunk_id])
    own: dict[ArmName, float] = {
        arm: found[chunk_id] for arm, found in scores.items() if chunk_id in found
    }
    cutoffs = tuple(_arm_cutoff(trace, arm, own.get(arm)) for arm in trace.arms)
    place = next((n for n, one in enumerate(trace.placed, 1) if one.id == chunk_id), None)
    rank = next((n for n, one in enumerate(trace.fused, 1) if one.id == chunk_id), None)
    verdict = WhyNot("cutoff", "", chunk_id=chunk_id, document_id=document_id, cutoffs=cutoffs)
    if rank is None:
        verdict = replace(verdict, detail=_cutoff_detail(cutoffs, trace), action=_CUTOFF_ACTION)
    else:
        verdict = _after_fusion(verdict, trace, chunk_id, rank, place, limit, answer_hits)
    return verdict, own


async def _changes(
    explainer: Explainer,
    trace: SearchTrace,
    chunk_id: UUID,
    scores: dict[ArmName, float],
    rewrite: bool,
) -> Counterfactual | None:
    passages = await explainer.passages(trace, [chunk_id])
    points = await explainer.searcher.index.retrieve([chunk_id])
    if chunk_id not in passages or chunk_id not in points:
        return None
    searcher = explainer.searcher
    return await counterfactual(
        trace,
        passages[chunk_id],
        points[chunk_id],
        scores,
        searcher.encoder,
        searcher.index,
        trace.request.limit,
        rewrite,
    )


_CUTOFF_ACTION = "Add words of the question to the page, or a synonym; see the changes below."


def _after_fusion(
    verdict: WhyNot,
    trace: SearchTrace,
    chunk_id: UUID,
    rank: int,
    place: int | None,
    limit: int,
    answer_hits: int | None,
) -> WhyNot:
    fused = {point.id: point.score for point in trace.fused}
    last = trace.fused[min(limit, len(trace.fused)) - 1].score
    own = fused[chunk_id]
    line = Cutoff("fused", own, last, last - own)
    verdict = replace(verdict, place=place, cutoffs=(*verdict.cutoffs, line))
    if place is not None and place <= limit:
        if answer_hits is not None and place > answer_hits:
            return replace(
                verdict,
                stage="budget",
                detail=f"It is hit {place}; an answer reads the first {answer_hits}.",
                action="Let answers read more hits, or raise it.",
            )
        return replace(verdict, stage="found", detail=f"It is hit {place}.")
    if any(one.id == chunk_id for one in trace.over):
        most = trace.prepared.settings.per_document
        return replace(
            verdict,
            stage="diversity",
            detail=f"Its document has {most} better hits already, as many as one may have.",
            action="Allow more hits of one document.",
        )
    if chunk_id in trace.reranked and rank <= limit:
        worst = min(one.score for one in trace.placed[:limit])
        line = Cutoff("rerank", trace.reranked[chunk_id], worst, worst - trace.reranked[chunk_id])
        return replace(
            verdict,
            stage="rerank",
            detail=f"The arms put it at {rank}; the reranker moved it to {place}.",
            action="Compare the texts: the reranker finds others nearer to the question.",
            cutoffs=(*verdict.cutoffs, line),
        )
    if rank <= limit:
        return replace(
            verdict,
            stage="diversity",
            detail=f"The arms put it at {rank}; it resembles hits above it and moved to {place}.",
            action="Lower the diversity setting.",
        )
    return replace(
        verdict,
        stage="fusion",
        detail=f"Together the arms put it at {rank}, and the first {limit} are hits: "
        + (
            f"it lacks {last - own:.6f} of {last:.6f}."
            if last > own
            else f"it is level with the last of them ({last:.6f}), and equal ones go by id."
        ),
        action="Raise it in an arm, or weigh the arm that prefers it more; see the changes below.",
    )


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
