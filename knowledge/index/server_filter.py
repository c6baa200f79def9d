"""Conditions, said in the words of a Qdrant server."""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import models

from knowledge.index.conditions import AnyOf, Between, Condition, Empty, Filter, Named


def server_filter(condition: Filter | None) -> models.Filter | None:
    """As :func:`translate`; ``None`` stays ``None``."""
    return None if condition is None else translate(condition)


def translate(condition: Filter) -> models.Filter:
    """The same filter for the server."""
    return models.Filter(must=_all(condition.must), must_not=_all(condition.must_not))


def _all(conditions: Sequence[Condition]) -> list[models.Condition] | None:
    return [_one(condition) for condition in conditions] or None


def _one(condition: Condition) -> models.Condition:
    match condition:
        case AnyOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Between(field, start, end):
            return models.FieldCondition(key=field, range=models.DatetimeRange(gte=start, lt=end))
        case Empty(field):
            return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        case Named(ids):
            return models.HasIdCondition(has_id=[str(id) for id in ids])
        case Filter():
            return translate(condition)
