"""The contract between Candor and a vector index, in words of Candor's own.

A point is one chunk: its id is the chunk's, its vectors are named ``dense`` and ``sparse``, and
its payload holds what filters need and nothing else (texts live in the database):

``knowledge_base`` (UUID, the tenant), ``source`` (UUID), ``document`` (UUID), ``language`` (ISO
639-1 code or ``""``), ``modified`` (RFC 3339 time, absent where unknown), ``hidden`` (true where
an editor took the chunk out of search, otherwise absent or null: the engines test for absence six
times faster than for a value).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from knowledge.encode.encoder import EncoderSpec
from knowledge.index.conditions import Filter
from knowledge.types import ArmName, Encoding

MAX_UPSERT = 256
"""Points of one upsert: the embedded engine holds the interpreter for 60 ms for as many."""

Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Point:
    """One chunk as the index keeps it."""

    id: UUID
    encoding: Encoding
    payload: Payload


@dataclass(frozen=True, slots=True)
class RankedPoint:
    """One result of one arm, with the engine's own score (dot product, both arms)."""

    id: UUID
    score: float


class SearchIndex(Protocol):
    """A vector index. Every method but :meth:`flush` sees its own writes at once."""

    @property
    def spec(self) -> EncoderSpec:
        """The encoder whose vectors this index holds."""
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add or replace points, at most :data:`MAX_UPSERT` of them.

        Vectors are checked before the engine sees them: a wrong dimension, a NaN, or a missing
        vector raises :class:`IndexFault` and changes nothing.
        """
        ...

    async def delete(self, condition: Filter) -> None:
        """Delete every point that matches."""
        ...

    async def search_arms(
        self,
        query: Encoding,
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> dict[ArmName, list[RankedPoint]]:
        """The best ``limit`` points of each arm on its own, best first, ties by id.

        Each arm is ranked by itself, because rank and score in each arm are what a fused score
        is explained by; fusion happens in ``backend/search/fuse.py``.
        """
        ...

    async def search_many(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        """What :meth:`search_arms` would answer to each query, in their order, in one call.

        The embedded engine reads its vectors once for all of them: eight queries at a time take a
        third of what they take one by one, and hold the interpreter for as long.
        """
        ...

    async def score(
        self, query: Encoding, arms: Sequence[ArmName], ids: Sequence[UUID]
    ) -> dict[ArmName, dict[UUID, float]]:
        """The engine's score in each arm of the points named, wherever they rank."""
        ...

    async def retrieve(self, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points named that exist, with their vectors and payload."""
        ...

    async def count(self, condition: Filter | None = None) -> int:
        """How many points match, exactly."""
        ...

    def scroll(
        self, condition: Filter | None = None, batch: int = MAX_UPSERT
    ) -> AsyncIterator[list[Point]]:
        """Every point that matches, in batches, in the order of ids."""
        ...

    async def set_payload(self, condition: Filter, payload: Payload) -> None:
        """Overwrite the named payload fields of every point that matches."""
        ...

    async def flush(self) -> None:
        """Make all writes so far survive a power loss."""
        ...

    async def optimize(self) -> bool:
        """Make what was written fast to search, where enough was; whether anything was done.

        For a quiet moment: writes may wait for it.
        """
        ...

    async def close(self) -> None:
        """Flush, and let go of the index."""
        ...
