"""How a hit's score came about, in steps that sum to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from backend.search.fuse import FusedPoint
from backend.search.rules import Rule
from backend.search.trace import SearchTrace
from knowledge.store.tables import RuleKind
from knowledge.types import ARMS, ArmName


@dataclass(frozen=True, slots=True)
class ArmLine:
    """One arm: the rank and score it gave, and the part of the fused score that this makes.

    ``rank`` and ``score`` are ``None``, and ``part`` 0, where the passage is not among the arm's
    candidates.
    """

    arm: ArmName
    rank: int | None
    score: float | None
    weight: float
    part: float


@dataclass(frozen=True, slots=True)
class RerankLine:
    """What the cross-encoder said, and the ranks among the hits it read, before and after."""

    score: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    """What a rule added to the fused score (less than 0: took from it), or did otherwise."""

    rule_id: str
    effect: str
    part: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every step from the arms to the final place.

    ``fused`` is the sum of the parts of ``arms`` and ``rules``, to the last bit; ``score`` is the
    reranker's score where one ran, otherwise ``fused``, minus ``penalty``. ``place`` counts from
    1; it is ``None`` for a passage that is not among those placed. ``pinned``: a rule put it
    where it stands, whatever its score.
    """

    fusion: str
    k: int
    arms: tuple[ArmLine, ...]
    rules: tuple[RuleLine, ...]
    fused: float
    fused_rank: int
    rerank: RerankLine | None
    penalty: float
    score: float
    place: int | None
    pinned: bool = False

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


def ledger(trace: SearchTrace, chunk_id: UUID) -> Ledger | None:
    """The ledger of a passage, or ``None`` where no arm returned it and no rule brought it."""
    ranks = {point.id: rank for rank, point in enumerate(trace.fused, start=1)}
    if chunk_id not in ranks:
        return None
    point = trace.fused[ranks[chunk_id] - 1]
    places = {one.id: place for place, one in enumerate(trace.placed, start=1)}
    place = places.get(chunk_id)
    penalty = trace.placed[place - 1].penalty if place else 0.0
    rerank = _rerank(trace, chunk_id)
    before = point.score if rerank is None else rerank.score
    return Ledger(
        fusion=trace.prepared.settings.fusion,
        k=trace.prepared.settings.rrf_k,
        arms=_arms(point, trace),
        rules=_rules(point, trace),
        fused=point.score,
        fused_rank=ranks[chunk_id],
        rerank=rerank,
        penalty=penalty,
        score=before - penalty,
        place=place,
        pinned=any(one.id == chunk_id and one.pinned_by for one in trace.placed),
    )


def _arms(point: FusedPoint, trace: SearchTrace) -> tuple[ArmLine, ...]:
    lines = []
    for arm in ARMS:
        if arm not in trace.arms:
            continue
        weight = trace.prepared.settings.weights.get(arm, 1.0)
        found = point.arms.get(arm)
        lines.append(
            ArmLine(arm, found.rank, found.score, weight, found.part)
            if found
            else ArmLine(arm, None, None, weight, 0.0)
        )
    return tuple(lines)


def _rules(point: FusedPoint, trace: SearchTrace) -> tuple[RuleLine, ...]:
    """Rules with a part in the fused score, and rules that acted on this passage otherwise."""
    parts = [RuleLine(str(rule.rule_id), rule.effect, rule.part) for rule in point.rules]
    known = {rule.rule_id for rule in point.rules}
    parts += [
        RuleLine(str(rule.id), rule.effect(), 0.0)
        for rule in trace.prepared.rules
        if rule.id not in known and _acted(rule, point, trace)
    ]
    return tuple(parts)


def _acted(rule: Rule, point: FusedPoint, trace: SearchTrace) -> bool:
    """Whether a rule without a part of its own had to do with where the passage stands."""
    if rule.kind in (RuleKind.TERM, RuleKind.SYNONYM, RuleKind.SETTINGS):
        return True
    if rule.kind is RuleKind.EXPANSION:
        return point.id in trace.prepared.targets.expansions
    return any(one.pinned_by == rule.id and one.id == point.id for one in trace.placed)


def _rerank(trace: SearchTrace, chunk_id: UUID) -> RerankLine | None:
    scores: Mapping[UUID, float] = trace.reranked
    if chunk_id not in scores:
        return None
    before = [point.id for point in trace.fused if point.id in scores]
    after = sorted(scores, key=lambda id: (-scores[id], id.int))
    return RerankLine(scores[chunk_id], before.index(chunk_id) + 1, after.index(chunk_id) + 1)
