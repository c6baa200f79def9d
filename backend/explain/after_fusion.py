"""Where a passage that an arm returned was lost: in fusion, reranking, to likeness, a cap, a pin or
an answer's budget; by how much, and the smallest change that would have kept it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from backend.explain.change import Change, Counterfactual
from backend.explain.late_stages import LateStages, gate
from backend.explain.verdict import Cutoff, WhyNot

_NOTE = (
    "A change that is called exact was made: what follows fusion was run again with it, over the "
    "passages that the search had read."
)
_SPREAD = "diversity"


def after_fusion(
    verdict: WhyNot, late: LateStages, chunk_id: UUID, answer_hits: int | None
) -> WhyNot:
    """``verdict`` with the stage at which a passage of the fused order left, or ``found``."""
    place = late.place(chunk_id)
    fused = dict(late.fused)
    needed = late.fused[min(gate(late.trace), len(late.fused)) - 1][1]
    line = Cutoff("fused", fused[chunk_id], needed, needed - fused[chunk_id])
    verdict = replace(verdict, place=place, cutoffs=(*verdict.cutoffs, line))
    if place is not None and place <= late.limit:
        if answer_hits is not None and place > answer_hits:
            return _over_budget(verdict, place, answer_hits)
        return replace(verdict, stage="found", detail=f"It is hit {place}.", action="")
    for stage in (_capped, _pinned, _reranked, _resembling):
        told = stage(verdict, late, chunk_id)
        if told is not None:
            return told
    return _lost(verdict, late, fused[chunk_id], needed, late.rank(chunk_id) or 0)


def _over_budget(verdict: WhyNot, place: int, answer_hits: int) -> WhyNot:
    line = Cutoff("place", place, answer_hits, place - answer_hits)
    return replace(
        verdict,
        stage="budget",
        detail=f"It is hit {place}; an answer reads the first {answer_hits}.",
        action="Raise it, or pin it; see the changes below.",
        cutoffs=(*verdict.cutoffs, line),
    )


def _capped(verdict: WhyNot, late: LateStages, id: UUID) -> WhyNot | None:
    if not any(one.id == id for one in late.trace.over):
        return None
    enough = late.more_of_document(id)
    if enough is None:
        return None
    most, number = late.settings.per_document, late.number_in_document(id)
    line = Cutoff("document", number, most, number - most)
    better = "a better hit" if most == 1 else f"{most} better hits"
    return replace(
        verdict,
        stage=_SPREAD,
        detail=f"Its document has {better} already, as many as one may have; it is number "
        f"{number}.",
        action="Allow more hits of one document.",
        cutoffs=(*verdict.cutoffs, line),
        changes=_changes(late, verdict, [_change("per_document", *enough)]),
    )


def _pinned(verdict: WhyNot, late: LateStages, id: UUID) -> WhyNot | None:
    free = late.hit(id, pins=())
    if free is None:
        return None
    own = late.place(id) or late.limit + 1
    before = [one for one in late.pins if one[0].position <= late.limit]
    changes = []
    for one in before:
        place = late.hit(id, pins=[other for other in late.pins if other is not one])
        if place is not None:
            rule = one[0]
            changes.append(Change("without", rule.effect(), 0.0, place, True, str(rule.id)))
    effects = ", ".join(f"“{rule.effect()}”" for rule, _ in before)
    return replace(
        verdict,
        stage="pinned",
        detail=f"It would be hit {free}, and rules pin others before it: {effects}.",
        action="End such a rule, or have it act on fewer questions.",
        cutoffs=(*verdict.cutoffs, Cutoff("place", own, late.limit, own - late.limit)),
        changes=_changes(late, verdict, changes),
    )


def _reranked(verdict: WhyNot, late: LateStages, id: UUID) -> WhyNot | None:
    scores = late.trace.reranked
    if id not in scores or late.reranked_rank(id) <= late.limit:
        return None
    own, needed = scores[id], late.rerank_needed()
    changes = []
    fewer = late.fewer_reranked(id)
    if fewer is not None:
        changes.append(_change("rerank_candidates", *fewer))
    if (place := late.hit(id, rerank=False)) is not None:
        changes.append(_change("rerank", 0, place))
    rank = late.rank(id)
    return replace(
        verdict,
        stage="rerank",
        detail=f"The arms put it at {rank}; the reranker puts it at {late.reranked_rank(id)} of "
        f"the {len(scores)} that it read.",
        action="Compare the texts: the reranker finds others nearer to the question.",
        cutoffs=(*verdict.cutoffs, Cutoff("rerank", own, needed, needed - own)),
        changes=_changes(late, verdict, changes),
    )


def _resembling(verdict: WhyNot, late: LateStages, id: UUID) -> WhyNot | None:
    before = late.hit(id, diversity=0.0, per_document=0, pins=())
    if before is None:
        return None
    now = late.place(id)
    figures = late.likeness_cutoff(id)
    if figures is not None:
        line = Cutoff(_SPREAD, *figures, figures[1] - figures[0])
    else:  # a pin or a cap had its part in it
        own = now or late.limit + 1
        line = Cutoff("place", own, late.limit, own - late.limit)
    less = late.less_likeness(id) if late.settings.diversity else None
    return replace(
        verdict,
        stage=_SPREAD,
        detail=f"It would be hit {before}; it resembles hits above it and "
        + (f"moved to {now}." if now else "lost its place to another of its document."),
        action="Lower the diversity setting.",
        cutoffs=(*verdict.cutoffs, line),
        changes=_changes(late, verdict, [_change("diversity", *less)] if less else []),
    )


def _lost(verdict: WhyNot, late: LateStages, own: float, needed: float, rank: int) -> WhyNot:
    first = gate(late.trace)
    whose = "the first {} are hits" if first == late.limit else "the reranker reads the first {}"
    return replace(
        verdict,
        stage="fusion",
        detail=f"Together the arms put it at {rank}, and {whose.format(first)}: "
        + (
            f"it lacks {needed - own:.6f} of {needed:.6f}."
            if needed > own
            else f"it is level with the last of them ({needed:.6f}), and equal ones go by id."
        ),
        action="Raise it in an arm, or weigh the arm that prefers it more; see the changes below.",
    )


def _change(kind: str, value: float, place: int) -> Change:
    return Change(kind, "", float(value), place, exact=True)


def _changes(late: LateStages, verdict: WhyNot, changes: Iterable[Change]) -> Counterfactual:
    return Counterfactual(late.limit, verdict.place, tuple(changes), _NOTE)
