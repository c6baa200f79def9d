"""Asking each arm of the index for its best chunks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from qdrant_client import models

from backend.search.request import SearchRequest
from knowledge.index.search_index import RankedPoint, SearchIndex
from knowledge.types import ArmName, Encoding


async def retrieve(
    index: SearchIndex,
    query: Encoding,
    arms: Sequence[ArmName],
    condition: models.Filter,
    candidates: int,
) -> dict[ArmName, list[RankedPoint]]:
    """The best ``candidates`` chunks of each arm on its own that match ``condition``.

    The sparse arm returns only chunks that share a term with the query: fewer than asked for,
    perhaps none.
    """
    return await index.search_arms(query, arms, condition, candidates)


def condition(request: SearchRequest) -> models.Filter:
    """What a chunk must match to be found by ``request``."""
    must: list[models.Condition] = [_any_of("knowledge_base", request.knowledge_base_ids)]
    if request.source_ids:
        must.append(_any_of("source", request.source_ids))
    if request.document_ids:
        must.append(_any_of("document", request.document_ids))
    if request.languages:
        must.append(_any_of("language", request.languages))
    if request.modified_after or request.modified_before:
        span = models.DatetimeRange(gte=request.modified_after, lt=request.modified_before)
        must.append(models.FieldCondition(key="modified", range=span))
    must.append(models.IsEmptyCondition(is_empty=models.PayloadField(key="hidden")))
    return models.Filter(must=must)


def _any_of(field: str, values: Sequence[UUID] | Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(
        key=field, match=models.MatchAny(any=[str(value) for value in values])
    )
