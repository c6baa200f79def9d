"""Filters in the words of ``qdrant_client.models``, said in those of the embedded engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import models

from knowledge.errors import IndexFault


def edge_filter(condition: models.Filter | None) -> edge.Filter | None:
    """As :func:`translate`; ``None`` stays ``None``."""
    return None if condition is None else translate(condition)


def without_empty(condition: models.Filter, field: str) -> models.Filter:
    """``condition`` without the demand, at any depth, that ``field`` be empty.

    For a field that is known to be empty everywhere: the engine would look at every point.
    """

    def keep(one: models.Condition) -> bool:
        return not (isinstance(one, models.IsEmptyCondition) and one.is_empty.key == field)

    must = condition.must if isinstance(condition.must, list) else []
    if not must:
        return condition
    rest: list[models.Condition] = [
        without_empty(one, field) if isinstance(one, models.Filter) else one
        for one in must
        if keep(one)
    ]
    return condition.model_copy(update={"must": rest})


def translate(condition: models.Filter) -> edge.Filter:
    """The same filter for the embedded engine.

    Raises :class:`IndexFault` for a kind of condition that Candor does not use.
    """
    if condition.min_should is not None:
        raise _unknown(condition.min_should)
    return edge.Filter(
        must=_conditions(condition.must),
        should=_conditions(condition.should),
        must_not=_conditions(condition.must_not),
    )


def _conditions(given: object) -> list[Any] | None:
    if given is None:
        return None
    many = given if isinstance(given, Sequence) else [given]
    return [_condition(one) for one in many]


def _condition(given: object) -> Any:
    if isinstance(given, models.FieldCondition):
        return _field(given)
    if isinstance(given, models.HasIdCondition):
        return edge.HasIdCondition({UUID(str(one)) for one in given.has_id})
    if isinstance(given, models.IsEmptyCondition):
        return edge.IsEmptyCondition(given.is_empty.key)
    if isinstance(given, models.IsNullCondition):
        return edge.IsNullCondition(given.is_null.key)
    if isinstance(given, models.Filter):
        return translate(given)
    raise _unknown(given)


def _field(given: models.FieldCondition) -> edge.FieldCondition:
    if given.match is not None:
        return edge.FieldCondition(given.key, match=_match(given.match))
    if given.range is not None:
        return edge.FieldCondition(given.key, range=_range(given.range))
    raise _unknown(given)


_MATCHES: dict[type, Callable[..., object]] = {
    models.MatchValue: lambda match: edge.MatchValue(match.value),
    models.MatchAny: lambda match: edge.MatchAny(list(match.any)),
    models.MatchExcept: lambda match: edge.MatchExcept(list(match.except_)),
}


def _match(given: models.Match) -> Any:
    build = _MATCHES.get(type(given))
    # The engine takes a true for the number 1 and matches nothing: ask whether the field is empty.
    if build is None or isinstance(getattr(given, "value", None), bool):
        raise _unknown(given)
    return build(given)


def _range(given: models.RangeInterface) -> edge.RangeFloat | edge.RangeDateTime:
    if isinstance(given, models.Range):
        return edge.RangeFloat(gt=given.gt, gte=given.gte, lt=given.lt, lte=given.lte)
    return edge.RangeDateTime(
        gt=_iso(given.gt), gte=_iso(given.gte), lt=_iso(given.lt), lte=_iso(given.lte)
    )


def _iso(bound: datetime | date | None) -> str | None:
    return None if bound is None else bound.isoformat()


def _unknown(given: object) -> IndexFault:
    return IndexFault(f"The embedded index has no word for the condition {given!r}.")
