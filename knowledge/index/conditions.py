"""Filters over the payload, by noun."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from qdrant_client import models

Noun = Literal["knowledge_base", "source", "document"]


def belonging_to(noun: Noun, id: UUID) -> models.Filter:
    """The points of one knowledge base, source or document."""
    return models.Filter(
        must=[models.FieldCondition(key=noun, match=models.MatchValue(value=str(id)))]
    )


def the_point(id: UUID) -> models.Filter:
    """One point, or none."""
    return models.Filter(must=[models.HasIdCondition(has_id=[str(id)])])
