"""Sets of judged queries and the runs over them, over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from backend.insights.query_sets import Imported
from knowledge.evaluation.query_file import FileQuery
from knowledge.store.tables import EvaluationRun, JudgedQuery, QueryOrigin, QuerySet


class QueryBody(Body):
    """A query and the pages that answer it."""

    query: str = Field(max_length=2000, examples=["How do I return an order?"])
    grades: dict[str, int] = Field(
        default_factory=dict,
        description="Grade of each page that answers it, 1 to 3 (the best), by address.",
        examples=[{"https://www.example.com/returns": 2}],
    )

    def judged(self) -> FileQuery:
        """The query as a set takes it."""
        return FileQuery(self.query, self.grades)


class NewQuerySet(Body):
    """A query set, with its first queries."""

    name: str = Field(min_length=1, max_length=200, examples=["Questions of the help desk"])
    queries: list[QueryBody] = Field(default_factory=list, max_length=2000)


class QuerySetChange(Body):
    """Another name."""

    name: str = Field(min_length=1, max_length=200)


class NewQueries(Body):
    """Queries for a set. One that is there already gets the new grades."""

    queries: list[QueryBody] = Field(min_length=1, max_length=2000)


class QueryChange(Body):
    """What is to change of a query; what is left out stays. ``grades`` replace all there were."""

    query: str | None = Field(default=None, max_length=2000)
    grades: dict[str, int] | None = None


class Writing(Body):
    """How many questions the language model is to write."""

    count: int = Field(default=10, ge=1, le=50)


class NewRun(Body):
    """A name for the run, to find it again as a baseline."""

    name: str = Field(default="", max_length=200, examples=["before the new encoder"])


class RunView(BaseModel):
    """A run: means by metric, and what it ran on."""

    id: UUID
    query_set_id: UUID
    name: str
    encoder: str
    settings: dict[str, Any]
    figures: dict[str, float]
    queries: int
    created_at: datetime

    @classmethod
    def of(cls, row: EvaluationRun) -> RunView:
        """The view of a record."""
        return cls(
            id=row.id,
            query_set_id=row.query_set_id,
            name=row.name,
            encoder=row.encoder,
            settings=row.settings,
            figures=row.figures,
            queries=max((len(of) for of in row.by_query.values()), default=0),
            created_at=row.created_at,
        )


class WholeRun(RunView):
    """A run with the figures and the pages found of each query, by the query's id."""

    by_query: dict[str, dict[str, float]]
    rankings: dict[str, list[str]]

    @classmethod
    def of(cls, row: EvaluationRun) -> WholeRun:
        """The view of a record."""
        seen = RunView.of(row).model_dump()
        return cls(**seen, by_query=row.by_query, rankings=row.rankings)


class QuerySetView(BaseModel):
    """A query set, how many queries it has, and its newest run. ``origin``: how it was begun."""

    id: UUID
    knowledge_base_id: UUID
    name: str
    origin: QueryOrigin
    queries: int
    latest_run: RunView | None
    created_at: datetime

    @classmethod
    def of(
        cls,
        row: QuerySet,
        counts: Mapping[UUID, int],
        latest: Mapping[UUID, EvaluationRun] | None = None,
    ) -> QuerySetView:
        """The view of a record."""
        run = (latest or {}).get(row.id)
        return cls(
            id=row.id,
            knowledge_base_id=row.knowledge_base_id,
            name=row.name,
            origin=row.origin,
            queries=counts.get(row.id, 0),
            latest_run=RunView.of(run) if run else None,
            created_at=row.created_at,
        )


class WholeQuerySet(QuerySetView):
    """A query set with the judged addresses that no document of the knowledge base has."""

    unknown: list[str]


class JudgedQueryView(BaseModel):
    """A query with the grade of each page, by address, and where it comes from."""

    id: UUID
    query: str
    grades: dict[str, int]
    origin: QueryOrigin
    created_at: datetime

    @classmethod
    def of(cls, row: JudgedQuery) -> JudgedQueryView:
        """The view of a record."""
        return cls(
            id=row.id,
            query=row.query,
            grades=row.grades,
            origin=row.origin,
            created_at=row.created_at,
        )


class ImportedView(BaseModel):
    """What became of a set. ``unknown``: addresses that no document of the knowledge base has."""

    added: int
    changed: int
    removed: int
    unknown: list[str]

    @classmethod
    def of(cls, done: Imported) -> ImportedView:
        """The view of what was done."""
        return cls(
            added=done.added,
            changed=done.changed,
            removed=done.removed,
            unknown=list(done.unknown),
        )


class RunComparisonView(BaseModel):
    """Two runs over one set. ``verdict``: ``better``, ``worse``, or ``same`` where the difference
    in nDCG@10 may be chance. ``queries``: the largest change first.
    """

    verdict: str = Field(examples=["worse"])
    figures: dict[str, Any]
    queries: list[dict[str, Any]]
    differences: list[str] = Field(
        examples=[["The setting fusion was minmax and is rrf."]],
    )
