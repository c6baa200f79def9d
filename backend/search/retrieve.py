"""Asking each arm of the index for its best chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.search.request import SearchRequest
from knowledge.index.conditions import Between, Condition, Empty, Filter, any_of
from knowledge.index.search_index import RankedPoint, SearchIndex
from knowledge.types import ArmName, Encoding

_TOGETHER = 8
"""Queries of one call: the embedded engine holds the interpreter some 40 ms for as many."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the index is asked with for one query.

    ``known``: arms whose ranking is known already; they are not asked again.
    """

    query: Encoding
    arms: Sequence[ArmName]
    condition: Filter
    candidates: int
    known: Mapping[ArmName, list[RankedPoint]] = field(default_factory=dict)


async def retrieve(
    index: SearchIndex, asked: Sequence[Asked]
) -> list[dict[ArmName, list[RankedPoint]]]:
    """For each query the best ``candidates`` chunks of each arm on its own that match.

    The sparse arm returns only chunks that share a term with the query: fewer than asked for,
    perhaps none. Queries that differ in nothing but their vectors are asked together.
    """
    found: list[dict[ArmName, list[RankedPoint]]] = [dict(one.known) for one in asked]
    alike: dict[tuple[tuple[ArmName, ...], Filter, int], list[int]] = {}
    for at, one in enumerate(asked):
        arms = tuple(arm for arm in one.arms if arm not in one.known)
        if arms:
            alike.setdefault((arms, one.condition, one.candidates), []).append(at)
    for (arms, condition, candidates), places in alike.items():
        for start in range(0, len(places), _TOGETHER):
            some = places[start : start + _TOGETHER]
            queries = [asked[at].query for at in some]
            answers = await index.search_many(queries, arms, condition, candidates)
            for at, answer in zip(some, answers, strict=True):
                found[at] |= answer
            if len(places) > _TOGETHER:
                # Others wait for the interpreter meanwhile.
                await asyncio.sleep(0)
    return [
        {arm: found[at][arm] for arm in one.arms if arm in found[at]}
        for at, one in enumerate(asked)
    ]


def condition(request: SearchRequest) -> Filter:
    """What a chunk must match to be found by ``request``."""
    must: list[Condition] = [any_of("knowledge_base", request.knowledge_base_ids)]
    if request.source_ids:
        must.append(any_of("source", request.source_ids))
    if request.document_ids:
        must.append(any_of("document", request.document_ids))
    if request.languages:
        must.append(any_of("language", request.languages))
    if request.modified_after or request.modified_before:
        must.append(Between("modified", request.modified_after, request.modified_before))
    must.append(Empty("hidden"))
    return Filter(tuple(must))
