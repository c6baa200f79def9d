"""How a hit's score came about, in steps that sum to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from backend.search.fuse import FusedPoint
from backend.search.trace import SearchTrace
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
        fusion=trace.settings.fusion,
        k=trace.settings.rrf_k,
        arms=_arms(point, trace),
        rules=_rules(point),
        fused=point.score,
        fused_rank=ranks[chunk_id],
        rerank=rerank,
        penalty=penalty,
        score=before - penalty,
        place=place,
    )


def balances(line: Ledger) -> bool:
    """Whether the ledger sums up: parts to the fused score, and that to the final one."""
    parts = math.fsum([arm.part for arm in line.arms] + [rule.part for rule in line.rules])
    before = line.fused if line.rerank is None else line.rerank.score
    return parts == line.fused and before - line.penalty == line.score


def _arms(point: FusedPoint, trace: SearchTrace) -> tuple[ArmLine, ...]:
    lines = []
    for arm in ARMS:
        if arm not in trace.arms:
            continue
        weight = trace.settings.weights.get(arm, 1.0)
        found = point.arms.get(arm)
        lines.append(
            ArmLine(arm, found.rank, found.score, weight, found.part)
            if found
            else ArmLine(arm, None, None, weight, 0.0)
        )
    return tuple(lines)


def _rules(point: FusedPoint) -> tuple[RuleLine, ...]:
    return ()


def _rerank(trace: SearchTrace, chunk_id: UUID) -> RerankLine | None:
    scores: Mapping[UUID, float] = trace.reranked
    if chunk_id not in scores:
        return None
    before = [point.id for point in trace.fused if point.id in scores]
    after = sorted(scores, key=lambda id: (-scores[id], id.int))
    return RerankLine(scores[chunk_id], before.index(chunk_id) + 1, after.index(chunk_id) + 1)
