"""What a search keeps of its way to the hits, so that it can be explained without a second one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from backend.search.diversify import Placed
from backend.search.fuse import FusedPoint
from backend.search.prepare import Prepared
from backend.search.request import SearchRequest
from knowledge.index.search_index import RankedPoint
from knowledge.store.passages import Passage
from knowledge.types import ArmName, Encoding, Hit


@dataclass(frozen=True, slots=True, eq=False)
class SearchTrace:
    """Every stage of one search.

    ``encoder``: the encoder's id. ``arms``: each arm's own ranking. ``fused``: all of them
    together. ``reranked``: the cross-encoder's score of the chunks it read. ``placed``: the final
    order, of as many chunks as were looked at; ``over``: those that lost their place to the cap on
    one document's chunks; ``passages``: the texts of all of these. ``missing``: chunks that the
    index still knows and the database no more. ``stages``: milliseconds by stage.
    """

    request: SearchRequest
    prepared: Prepared
    encoder: str
    arms: Mapping[ArmName, list[RankedPoint]]
    fused: list[FusedPoint]
    reranked: Mapping[UUID, float]
    placed: list[Placed]
    over: list[Placed]
    passages: Mapping[UUID, Passage]
    missing: frozenset[UUID]
    stages: Mapping[str, float]

    @property
    def query(self) -> Encoding:
        """The vectors that the index was asked with."""
        return self.prepared.query


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of a search, best first.

    ``query`` is what was searched for: the request's query, cleaned and cut to what the encoder
    reads. ``warnings`` are sentences for the user. ``trace`` is what an explanation starts from.
    """

    query: str
    hits: tuple[Hit, ...]
    took_ms: float
    warnings: tuple[str, ...] = ()
    trace: SearchTrace | None = field(default=None, repr=False, compare=False)
