"""Running a stored query set, keeping the figures, and comparing two runs query by query."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from backend.explain.rankings import METRICS, JudgedText
from backend.explain.what_if import Draft, SetComparison, compare, measure, what_if_set
from backend.search.search import Searcher
from knowledge.errors import InvalidInput
from knowledge.store.query_sets import (
    add_run,
    find_query_set,
    find_run,
    read_queries,
)
from knowledge.store.tables import EvaluationRun


class QueryRuns:
    """Measures query sets of knowledge bases with one searcher, under the saved rules."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    async def run(
        self, knowledge_base_id: UUID, query_set_id: UUID, name: str = ""
    ) -> EvaluationRun:
        """Measure a query set now, and keep the figures with encoder and settings.

        Raises :class:`NotFound`, and :class:`InvalidInput` where no query has a judgment.
        """
        queries = await self._queries(knowledge_base_id, query_set_id)
        figures = await measure(self._searcher, (knowledge_base_id,), queries)
        run = EvaluationRun(
            query_set_id=query_set_id,
            name=name,
            encoder=self._searcher.encoder.spec.id,
            settings=_plain(self._searcher),
            figures={metric: sum(of.values()) / len(of) for metric, of in figures.items() if of},
            by_query={metric: dict(of) for metric, of in figures.items()},
        )
        async with self._searcher.database.writing() as session:
            await add_run(session, run)
        return run

    async def compare(self, knowledge_base_id: UUID, before: UUID, after: UUID) -> SetComparison:
        """Two runs over one query set; queries that only one of them knows do not count.

        Raises :class:`NotFound`, and :class:`InvalidInput` for runs over different sets.
        """
        async with self._searcher.database.reading() as session:
            first = await find_run(session, knowledge_base_id, before)
            second = await find_run(session, knowledge_base_id, after)
        if first.query_set_id != second.query_set_id:
            raise InvalidInput(
                "The two runs are over different query sets.", "Choose two runs over one set."
            )
        queries = await self._queries(knowledge_base_id, first.query_set_id)
        return compare(queries, first.by_query, second.by_query)

    async def try_draft(
        self, knowledge_base_id: UUID, query_set_id: UUID, draft: Draft
    ) -> SetComparison:
        """What a draft would do to a query set; nothing is kept."""
        queries = await self._queries(knowledge_base_id, query_set_id)
        return await what_if_set(self._searcher, (knowledge_base_id,), queries, draft)

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


def _plain(searcher: Searcher) -> dict[str, object]:
    settings = asdict(searcher.settings)
    return settings | {"weights": dict(searcher.settings.weights), "metrics": list(METRICS)}
