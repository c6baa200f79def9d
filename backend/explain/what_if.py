"""What a change would do, tried on the live index without touching it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from backend.explain.rankings import (
    METRICS,
    Figures,
    JudgedText,
    batches,
    measure_rankings,
    pages_of,
    requests_of,
)
from backend.search.rules import Rule, contradictions
from backend.search.search import Searcher, SearchRequest, SearchResult, SearchSettings
from knowledge.evaluation.significance import randomization_test
from knowledge.store.query_sets import known_addresses
from knowledge.types import Hit

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Draft:
    """Changes that are not saved: rules to add, saved ones to leave out, other settings."""

    add: tuple[Rule, ...] = ()
    remove: tuple[UUID, ...] = ()
    settings: SearchSettings | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A passage's place before and after; ``None`` where it is not among the hits."""

    chunk_id: UUID
    title: str
    address: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The hits of one query under a draft, and every passage that moved, came or went.

    ``moves`` are in the order after, those that went last. ``warnings``: what in the draft
    contradicts what, and what the search itself had to say.
    """

    before: SearchResult
    after: SearchResult
    moves: tuple[Move, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Moves and warnings as plain values, and the time each search took."""
        return {
            "query": self.after.query,
            "moves": [asdict(move) | {"chunk_id": str(move.chunk_id)} for move in self.moves],
            "warnings": list(self.warnings),
            "took_ms": {"before": self.before.took_ms, "after": self.after.took_ms},
        }


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query's nDCG@10 before and after."""

    id: str
    query: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class SetComparison:
    """A query set before and after.

    ``p_value``: of the difference in nDCG@10 (a randomization test). ``helped`` and ``hurt``: the
    largest change first. ``unknown``: judged addresses that no document has.
    """

    queries: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    p_value: float
    helped: tuple[QueryChange, ...]
    hurt: tuple[QueryChange, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


async def what_if(searcher: Searcher, request: SearchRequest, draft: Draft) -> WhatIf:
    """Search with the saved rules and with the draft's, and compare."""
    saved = await searcher.preparation.saved_rules(request.knowledge_base_ids)
    drafted = saved.changed(draft.add, draft.remove)
    before = await searcher.search(request, saved)
    after = await searcher.search(_with(request, draft), drafted)
    warnings = tuple(
        f"“{later.effect()}” contradicts “{earlier.effect()}”: {why}."
        for earlier, later, why in contradictions(drafted.matching(after.query))
    )
    return WhatIf(before, after, _moves(before.hits, after.hits), warnings + after.warnings)


async def what_if_set(
    searcher: Searcher,
    knowledge_base_ids: tuple[UUID, ...],
    queries: Sequence[JudgedText],
    draft: Draft,
) -> SetComparison:
    """Run a query set with the saved rules and with the draft's, and compare.

    A query that the draft has nothing to do with is searched for once.
    """
    saved = await searcher.preparation.saved_rules(knowledge_base_ids)
    drafted = saved.changed(draft.add, draft.remove)
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for some in batches(queries):
        results = await searcher.search_many(requests_of(some, knowledge_base_ids), saved)
        before |= {one.id: pages_of(result) for one, result in zip(some, results, strict=True)}
        touched = [
            (one, result)
            for one, result in zip(some, results, strict=True)
            if draft.settings or drafted.matching(result.query) != saved.matching(result.query)
        ]
        requests = requests_of([one for one, _ in touched], knowledge_base_ids, draft.settings)
        changed = await searcher.search_many(requests, drafted, [result for _, result in touched])
        after |= {one.id: before[one.id] for one in some}
        after |= {
            one.id: pages_of(result) for (one, _), result in zip(touched, changed, strict=True)
        }
    judged = sorted({address for one in queries for address in one.grades})
    async with searcher.database.reading() as session:
        known = await known_addresses(session, knowledge_base_ids, judged)
    return compare(
        queries,
        await measure_rankings(queries, before),
        await measure_rankings(queries, after),
        tuple(one for one in judged if one not in known),
    )


def compare(
    queries: Iterable[JudgedText], before: Figures, after: Figures, unknown: tuple[str, ...] = ()
) -> SetComparison:
    """Two measurements of one query set, query by query."""
    first = METRICS[0]
    changes = [
        QueryChange(one.id, one.query, before[first][one.id], after[first][one.id])
        for one in queries
        if one.id in before[first] and one.id in after[first]
    ]
    changes.sort(key=lambda change: (-abs(change.after - change.before), change.query))
    return SetComparison(
        queries=len(changes),
        before=_means(before, changes),
        after=_means(after, changes),
        p_value=randomization_test(
            [change.before for change in changes], [change.after for change in changes]
        ),
        helped=tuple(one for one in changes if one.after > one.before + _SAME),
        hurt=tuple(one for one in changes if one.after < one.before - _SAME),
        unknown=unknown,
    )


def _with(request: SearchRequest, draft: Draft) -> SearchRequest:
    return replace(request, settings=draft.settings) if draft.settings else request


def _moves(before: Sequence[Hit], after: Sequence[Hit]) -> tuple[Move, ...]:
    was = {hit.chunk_id: place for place, hit in enumerate(before, start=1)}
    now = {hit.chunk_id: place for place, hit in enumerate(after, start=1)}
    moves = [
        Move(hit.chunk_id, hit.title, hit.address, was.get(hit.chunk_id), now.get(hit.chunk_id))
        for hit in [*after, *(hit for hit in before if hit.chunk_id not in now)]
    ]
    return tuple(move for move in moves if move.before != move.after)


def _means(figures: Figures, changes: Sequence[QueryChange]) -> dict[str, float]:
    return {
        metric: sum(figures[metric][change.id] for change in changes) / max(len(changes), 1)
        for metric in METRICS
    }
