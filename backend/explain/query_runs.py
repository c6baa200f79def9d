"""Running a stored query set, keeping what it found, and comparing two runs query by query."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from backend.explain.rankings import (
    METRICS,
    Figures,
    JudgedText,
    Rankings,
    measure_rankings,
    page_of,
    rank_pages,
)
from backend.explain.what_if import Draft, SetComparison, compare, what_if_set
from backend.search.search import Searcher
from knowledge.errors import InvalidInput
from knowledge.store.database import WriteSession
from knowledge.store.queries.knowledge_bases import count_by_knowledge_base
from knowledge.store.query_sets import (
    add_run,
    find_query_set,
    find_run,
    known_addresses,
    list_query_sets,
    read_queries,
)
from knowledge.store.tables import DocumentState, EvaluationRun, KnowledgeBase

SIGNIFICANT = 0.05
"""A difference whose p-value is below this is more than chance."""

_KEPT = 10
"""Pages kept of each ranking: what the metrics look at."""


@dataclass(frozen=True, slots=True)
class ComparedQuery:
    """A query in two runs: its nDCG@10, and the place of the first judged page, if it was found."""

    id: str
    query: str
    before: float
    after: float
    place_before: int | None
    place_after: int | None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs over one set, under the judgments of today.

    ``verdict``: ``better``, ``worse``, or ``same`` where the difference in nDCG@10 may be chance
    (``figures.p_value`` is not below :data:`SIGNIFICANT`). ``queries``: the largest change first.
    ``differences``: what was not the same in the two runs, in sentences.
    """

    verdict: str
    figures: SetComparison
    queries: tuple[ComparedQuery, ...]
    differences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SavedSet:
    """A saved query set with its number of queries, judged or not."""

    id: UUID
    name: str
    knowledge_base_id: UUID
    queries: int


class QueryRuns:
    """Measures query sets of knowledge bases with one searcher, under the saved rules."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    async def run(
        self, knowledge_base_id: UUID, query_set_id: UUID, name: str = ""
    ) -> EvaluationRun:
        """Measure a query set now, and keep the figures with encoder, settings and content.

        Raises :class:`NotFound`, and :class:`InvalidInput` where no query has a judgment.
        """
        run = await self.measure(knowledge_base_id, query_set_id, name)
        async with self._searcher.database.writing() as session:
            await self.keep(session, run)
        return run

    async def measure(
        self, knowledge_base_id: UUID, query_set_id: UUID, name: str = ""
    ) -> EvaluationRun:
        """The run of :meth:`run`, not kept."""
        queries = await self._queries(knowledge_base_id, query_set_id)
        content = await self._content(knowledge_base_id)
        rankings = await rank_pages(self._searcher, (knowledge_base_id,), queries)
        figures = await measure_rankings(queries, rankings)
        return EvaluationRun(
            query_set_id=query_set_id,
            name=name,
            encoder=self._searcher.encoder.spec.id,
            settings=_plain(self._searcher) | {"content": content},
            figures={metric: sum(of.values()) / len(of) for metric, of in figures.items() if of},
            by_query={metric: dict(of) for metric, of in figures.items()},
            rankings={id: pages[:_KEPT] for id, pages in rankings.items()},
        )

    async def keep(self, session: WriteSession, run: EvaluationRun) -> None:
        """Store a run that was measured."""
        await add_run(session, run)

    async def compare(self, knowledge_base_id: UUID, before: UUID, after: UUID) -> RunComparison:
        """Two runs over one query set; queries that only one of them knows do not count.

        Both rankings are measured against the judgments of today, so that a judgment which was
        corrected between the runs does not look like a change of search. Raises
        :class:`NotFound`, and :class:`InvalidInput` for runs over different sets.
        """
        async with self._searcher.database.reading() as session:
            first = await find_run(session, knowledge_base_id, before)
            second = await find_run(session, knowledge_base_id, after)
        if first.query_set_id != second.query_set_id:
            raise InvalidInput(
                "The two runs are over different query sets.", "Choose two runs over one set."
            )
        queries = await self._queries(knowledge_base_id, first.query_set_id)
        unknown = await self._unknown(knowledge_base_id, queries)
        was, now = await _figures(queries, first), await _figures(queries, second)
        figures = compare(queries, was, now, unknown)
        return RunComparison(
            verdict=_verdict(figures),
            figures=figures,
            queries=_rows(
                queries, (was[METRICS[0]], first.rankings), (now[METRICS[0]], second.rankings)
            ),
            differences=_differences(first, second),
        )

    async def try_draft(
        self, knowledge_base_id: UUID, query_set_id: UUID, draft: Draft
    ) -> SetComparison:
        """What a draft would do to a query set; nothing is kept."""
        queries = await self._queries(knowledge_base_id, query_set_id)
        return await what_if_set(self._searcher, (knowledge_base_id,), queries, draft)

    async def sets_of(self, knowledge_base_ids: Sequence[UUID]) -> list[SavedSet]:
        """The saved sets of the knowledge bases that have queries, by knowledge base and name."""
        found = []
        async with self._searcher.database.reading() as session:
            for base in knowledge_base_ids:
                found += [
                    SavedSet(row.id, row.name, base, queries)
                    for row, queries in await list_query_sets(session, base)
                    if queries
                ]
        return found

    async def try_on_each(
        self, knowledge_base_ids: Sequence[UUID], draft: Draft
    ) -> AsyncIterator[tuple[SavedSet, SetComparison]]:
        """What a draft would do to each saved set that has a judgment, one after another."""
        for one in await self.sets_of(knowledge_base_ids):
            async with self._searcher.database.reading() as session:
                judged = any(row.grades for row in await read_queries(session, one.id))
            if judged:
                yield one, await self.try_draft(one.knowledge_base_id, one.id, draft)

    async def _queries(self, knowledge_base_id: UUID, query_set_id: UUID) -> list[JudgedText]:
        async with self._searcher.database.reading() as session:
            await find_query_set(session, knowledge_base_id, query_set_id)
            rows = await read_queries(session, query_set_id)
        queries = [JudgedText(str(row.id), row.query, row.grades) for row in rows]
        if not any(one.grades for one in queries):
            raise InvalidInput(
                "No query of the set has a judgment.", "Say which page answers each query."
            )
        return queries

    async def _unknown(
        self, knowledge_base_id: UUID, queries: Sequence[JudgedText]
    ) -> tuple[str, ...]:
        judged = sorted({address for one in queries for address in one.grades})
        async with self._searcher.database.reading() as session:
            known = await known_addresses(session, [knowledge_base_id], judged)
        return tuple(address for address in judged if address not in known)

    async def _content(self, knowledge_base_id: UUID) -> dict[str, int]:
        """What tells one state of a knowledge base from another."""
        async with self._searcher.database.reading() as session:
            base = await session.get(KnowledgeBase, knowledge_base_id)
            counts = (await count_by_knowledge_base(session, [knowledge_base_id]))[
                knowledge_base_id
            ]
        return {
            "documents": counts.documents.get(DocumentState.INDEXED, 0),
            "chunks": counts.chunks,
            "version": base.statistics_version if base else 0,
            "rules": base.rules_version if base else 0,
        }


async def _figures(queries: Sequence[JudgedText], run: EvaluationRun) -> Figures:
    """A run's figures under today's judgments; as they were where no ranking was kept."""
    if not run.rankings:
        return run.by_query
    return await measure_rankings(queries, run.rankings)


def _verdict(figures: SetComparison) -> str:
    if figures.p_value >= SIGNIFICANT:
        return "same"
    return "better" if figures.after[METRICS[0]] > figures.before[METRICS[0]] else "worse"


def _rows(
    queries: Sequence[JudgedText],
    before: tuple[Mapping[str, float], Rankings],
    after: tuple[Mapping[str, float], Rankings],
) -> tuple[ComparedQuery, ...]:
    rows = []
    for one in queries:
        if one.id not in before[0] or one.id not in after[0]:
            continue
        judged = {page_of(address) for address in one.grades}
        first, second = (
            _first(rankings.get(one.id, ()), judged) for rankings in (before[1], after[1])
        )
        rows.append(
            ComparedQuery(one.id, one.query, before[0][one.id], after[0][one.id], first, second)
        )
    return tuple(sorted(rows, key=lambda row: (-abs(row.after - row.before), row.query)))


def _first(pages: Sequence[str], judged: set[str]) -> int | None:
    return next((place for place, page in enumerate(pages, start=1) if page in judged), None)


def _differences(before: EvaluationRun, after: EvaluationRun) -> tuple[str, ...]:
    """What changed between the runs, in sentences."""
    told = []
    if before.encoder != after.encoder:
        told.append(f"The encoder was {before.encoder} and is {after.encoder}.")
    names = sorted((before.settings.keys() | after.settings.keys()) - {"content", "metrics"})
    for name in names:
        was, now = before.settings.get(name), after.settings.get(name)
        if was != now:
            told.append(f"The setting {name} was {_shown(was)} and is {_shown(now)}.")
    was, now = before.settings.get("content", {}), after.settings.get("content", {})
    if was and now and was.get("version") != now.get("version"):
        told.append(
            f"The content has changed: {was['documents']} documents with {was['chunks']} passages "
            f"then, {now['documents']} with {now['chunks']} now."
        )
    if was and now and was.get("rules") != now.get("rules"):
        told.append("Rules were saved or ended between the runs.")
    return tuple(told)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in sorted(value.items()))
    return "not kept" if value is None else str(value)


def _plain(searcher: Searcher) -> dict[str, object]:
    settings = asdict(searcher.settings)
    return settings | {"weights": dict(searcher.settings.weights), "metrics": list(METRICS)}
