"""What a point must match to be found, counted or deleted: the few conditions that Candor asks.

Words of Candor's own, which each engine says in its own (``edge_filter``, ``server_filter``): the
models of ``qdrant_client`` are hundreds of classes, which take half a second to import and 38 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Noun = Literal["knowledge_base", "source", "document"]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The field's time is ``start`` or later, and before ``end``; ``None``: no such bound."""

    field: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Empty:
    """The field is absent or null."""

    field: str


@dataclass(frozen=True, slots=True)
class Named:
    """The point has one of these ids."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Every condition of ``must`` holds, and none of ``must_not``; one of neither matches all."""

    must: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()


Condition = AnyOf | Between | Empty | Named | Filter


def any_of(field: str, values: Iterable[UUID] | Iterable[str]) -> AnyOf:
    """The field has one of these values, ids among them."""
    return AnyOf(field, tuple(str(value) for value in values))


def belonging_to(noun: Noun, id: UUID) -> Filter:
    """The points of one knowledge base, source or document."""
    return Filter(must=(any_of(noun, [id]),))


def the_point(id: UUID) -> Filter:
    """One point, or none."""
    return Filter(must=(Named((id,)),))
