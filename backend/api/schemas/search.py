"""Searching over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from knowledge.types import ARMS, ArmName, Hit

if TYPE_CHECKING:
    from backend.search.search import SearchResult


class SearchBody(Body):
    """A search. Without ``knowledge_bases`` all are searched but the sample's."""

    query: str = Field(max_length=200_000, examples=["How do I return an order?"])
    knowledge_bases: list[str] = Field(
        default_factory=list, description="Names or ids.", examples=[["website"]]
    )
    limit: int = Field(default=10, ge=1, le=100)
    arms: list[ArmName] = Field(default_factory=lambda: list(ARMS), min_length=1)
    source_ids: list[UUID] = Field(default_factory=list)
    document_ids: list[UUID] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list, description="ISO 639-1 codes.")
    modified_after: datetime | None = None
    modified_before: datetime | None = None


class ArmView(BaseModel):
    """A hit's place in one arm; ``part`` is what the arm adds to the fused score."""

    rank: int
    score: float
    part: float


class HitView(BaseModel):
    """A passage that was found. The parts of its arms sum to ``fused``."""

    chunk_id: UUID
    document_id: UUID
    source_id: UUID
    title: str
    address: str
    heading: list[str]
    text: str
    span: tuple[int, int]
    score: float
    fused: float
    rerank: float | None
    arms: dict[ArmName, ArmView]
    page: int | None
    seconds: float | None
    language: str

    @classmethod
    def of(cls, hit: Hit) -> HitView:
        """The view of a hit."""
        return cls(
            chunk_id=hit.chunk_id,
            document_id=hit.document_id,
            source_id=hit.source_id,
            title=hit.title,
            address=hit.address,
            heading=list(hit.heading),
            text=hit.text,
            span=hit.span,
            score=hit.score,
            fused=hit.fused,
            rerank=hit.rerank,
            arms={
                name: ArmView(rank=arm.rank, score=arm.score, part=arm.part)
                for name, arm in hit.arms.items()
            },
            page=hit.page,
            seconds=hit.seconds,
            language=hit.language,
        )


class SearchView(BaseModel):
    """What a search found, best first."""

    query: str
    took_ms: float
    hits: list[HitView]
    warnings: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, result: SearchResult) -> SearchView:
        """The view of a result."""
        return cls(
            query=result.query,
            took_ms=round(result.took_ms, 2),
            hits=[HitView.of(hit) for hit in result.hits],
            warnings=list(result.warnings),
        )
