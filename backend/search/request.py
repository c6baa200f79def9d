"""What a search is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from knowledge.encode.encoder import USUAL_SPREAD, EncoderSpec
from knowledge.errors import InvalidSettings
from knowledge.settings import Settings
from knowledge.types import ARMS, ArmName

FusionName = Literal["rrf", "minmax", "dbsf", "linear"]

WEIGHTS: Mapping[FusionName, Mapping[ArmName, float]] = {
    "linear": {"sparse": 0.45, "dense": 0.55},
    "minmax": {"sparse": 0.6, "dense": 0.4},
    "rrf": {"sparse": 1.0, "dense": 1.0},
    "dbsf": {"sparse": 1.0, "dense": 1.0},
}
"""The weights of arms where none are set: docs/decisions/0009."""

MAX_HITS = 1000
"""The most hits that one search returns."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How hits are found and ordered.

    ``candidates``: hits that each arm contributes to fusion. ``spread``: what ``linear`` fusion
    divides an arm's scores by, above 0. ``weights``: what an arm's part is
    multiplied by; an arm that is not named has weight 1. ``rerank``: whether a cross-encoder, if
    there is one, orders the first ``rerank_candidates`` again within ``rerank_budget_ms``
    milliseconds. ``diversity``: 0 to below 1, how much a hit loses for resembling one above it
    (1 - lambda of maximal marginal relevance). ``per_document``: the most hits of one document;
    0 is no limit.

    Raises :class:`InvalidSettings` where a value is out of its range.
    """

    candidates: int = 100
    fusion: FusionName = "rrf"
    rrf_k: int = 60
    spread: Mapping[ArmName, float] = field(default_factory=lambda: _by_arm(USUAL_SPREAD))
    weights: Mapping[ArmName, float] = field(default_factory=lambda: dict.fromkeys(ARMS, 1.0))
    rerank: bool = False
    rerank_candidates: int = 20
    rerank_budget_ms: int = 500
    diversity: float = 0.0
    per_document: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "candidates": 1 <= self.candidates <= MAX_HITS,
            "fusion": self.fusion in get_args(FusionName),
            "rrf_k": _whole(self.rrf_k) and 0 <= self.rrf_k <= 100_000,
            "weights": set(self.weights) <= set(ARMS)
            and all(0 <= weight <= 1_000 for weight in self.weights.values()),
            "spread": set(self.spread) == set(ARMS) and min(self.spread.values()) > 0,
            "rerank": isinstance(self.rerank, bool),
            "rerank_candidates": _whole(self.rerank_candidates)
            and 1 <= self.rerank_candidates <= 200,
            "rerank_budget_ms": self.rerank_budget_ms >= 1,
            "diversity": 0 <= self.diversity < 1,
            "per_document": _whole(self.per_document) and self.per_document >= 0,
        }
        for name, fits in ranges.items():
            if not fits:
                raise InvalidSettings(
                    f"The search setting {name} cannot be {getattr(self, name)!r}."
                )

    @classmethod
    def of(cls, settings: Settings, spec: EncoderSpec) -> SearchSettings:
        """The search settings among all settings, for an encoder.

        Fusion is ``linear`` where the encoder's scores are known, ``minmax`` where they are not,
        unless one is named. Reranking is on where a model is named.
        """
        fusion: FusionName = "linear" if spec.score_spread else "minmax"
        if settings.fusion != "auto":
            fusion = settings.fusion
        set_by_hand: dict[ArmName, float | None] = {
            "sparse": settings.sparse_weight,
            "dense": settings.dense_weight,
        }
        weights = {
            arm: usual if (own := set_by_hand[arm]) is None else own
            for arm, usual in WEIGHTS[fusion].items()
        }
        return cls(
            candidates=settings.search_candidates,
            fusion=fusion,
            rrf_k=settings.rrf_k,
            spread=_by_arm(spec.score_spread or USUAL_SPREAD),
            weights=weights,
            rerank=bool(settings.reranker_model),
            rerank_candidates=settings.rerank_candidates,
            rerank_budget_ms=settings.rerank_budget_ms,
        )


def _whole(value: object) -> bool:
    """Whether it is a whole number: rules bring settings as somebody wrote them."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query and where to look.

    Only chunks of ``knowledge_base_ids`` are found: none named, none found. An empty
    ``source_ids``, ``document_ids`` or ``languages`` does not restrict. ``modified_after`` is
    inclusive, ``modified_before`` exclusive; chunks of unknown age match neither. ``settings``
    stand in for the searcher's own.
    """

    query: str
    knowledge_base_ids: tuple[UUID, ...]
    limit: int = 10
    arms: tuple[ArmName, ...] = ARMS
    source_ids: tuple[UUID, ...] = ()
    document_ids: tuple[UUID, ...] = ()
    languages: tuple[str, ...] = ()
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    settings: SearchSettings | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_HITS:
            raise InvalidSettings(
                f"A search returns between 1 and {MAX_HITS} hits, not {self.limit}."
            )
        if not self.arms or not set(self.arms) <= set(ARMS):
            raise InvalidSettings(
                f"The arms of a search are {' and '.join(ARMS)}, not {self.arms!r}."
            )


def _by_arm(spread: tuple[float, float]) -> dict[ArmName, float]:
    return dict(zip(ARMS, spread, strict=True))
