"""Conditions, said in the words of the embedded engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import qdrant_edge as edge

from knowledge.index.conditions import AnyOf, Between, Condition, Empty, Filter, Named


def edge_filter(condition: Filter | None) -> edge.Filter | None:
    """As :func:`translate`; ``None`` stays ``None``."""
    return None if condition is None else translate(condition)


def without_empty(condition: Filter, field: str) -> Filter:
    """``condition`` without the demand, at any depth, that ``field`` be empty.

    For a field that is known to be empty everywhere: the engine would look at every point.
    """
    rest = tuple(
        without_empty(one, field) if isinstance(one, Filter) else one
        for one in condition.must
        if one != Empty(field)
    )
    return Filter(rest, condition.must_not)


def translate(condition: Filter) -> edge.Filter:
    """The same filter for the embedded engine."""
    return edge.Filter(must=_all(condition.must), must_not=_all(condition.must_not))


def _all(conditions: Sequence[Condition]) -> list[Any] | None:
    return [_one(condition) for condition in conditions] or None


def _one(condition: Condition) -> Any:
    match condition:
        case AnyOf(field, values):
            return edge.FieldCondition(field, match=edge.MatchAny(list(values)))
        case Between(field, start, end):
            span = edge.RangeDateTime(gte=_iso(start), lt=_iso(end), gt=None, lte=None)
            return edge.FieldCondition(field, range=span)
        case Empty(field):
            return edge.IsEmptyCondition(field)
        case Named(ids):
            return edge.HasIdCondition(set(ids))
        case Filter():
            return translate(condition)


def _iso(bound: datetime | None) -> str | None:
    return None if bound is None else bound.isoformat()
