"""Reading and writing sets of judged queries and the runs over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import (
    Document,
    EvaluationRun,
    JudgedQuery,
    KnowledgeBase,
    QueryOrigin,
    QuerySet,
)

_IDS_PER_STATEMENT = 500


def query_sets(workspace_id: UUID, knowledge_base_id: UUID | None = None) -> Select[QuerySet]:
    """The query sets of a workspace, or those of one of its knowledge bases."""
    query = (
        select(QuerySet)
        .join(KnowledgeBase, KnowledgeBase.id == QuerySet.knowledge_base_id)
        .where(KnowledgeBase.workspace_id == workspace_id)
    )
    return (
        query.where(QuerySet.knowledge_base_id == knowledge_base_id) if knowledge_base_id else query
    )


async def list_query_sets(
    session: ReadSession, knowledge_base_id: UUID
) -> list[tuple[QuerySet, int]]:
    """The query sets of a knowledge base with their number of queries, by name."""
    rows = await session.scalars(
        select(QuerySet)
        .where(QuerySet.knowledge_base_id == knowledge_base_id)
        .order_by(QuerySet.name)
    )
    found = list(rows)
    counts = await count_queries(session, [row.id for row in found])
    return [(row, counts[row.id]) for row in found]


async def count_queries(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The number of queries of each set named."""
    rows = await session.execute(
        select(JudgedQuery.query_set_id, func.count())
        .where(JudgedQuery.query_set_id.in_(ids))
        .group_by(JudgedQuery.query_set_id)
    )
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in rows}


async def find_set_of_workspace(
    session: ReadSession, workspace_id: UUID, query_set_id: UUID
) -> QuerySet:
    """The query set, if it is of this workspace; raises :class:`NotFound`."""
    found = await session.scalar(query_sets(workspace_id).where(QuerySet.id == query_set_id))
    if found is None:
        raise NotFound(f"There is no query set {query_set_id}.")
    return found


async def find_query_set(
    session: ReadSession | WriteSession, knowledge_base_id: UUID, query_set_id: UUID
) -> QuerySet:
    """The query set of this knowledge base; raises :class:`NotFound`."""
    found = await session.get(QuerySet, query_set_id)
    if found is None or found.knowledge_base_id != knowledge_base_id:
        raise NotFound(f"There is no query set {query_set_id} in this knowledge base.")
    return found


async def create_query_set(
    session: WriteSession,
    knowledge_base_id: UUID,
    name: str,
    origin: QueryOrigin = QueryOrigin.TYPED,
) -> QuerySet:
    """Make an empty query set; raises :class:`Conflict` where one has the name."""
    if await find_named(session, knowledge_base_id, name) is not None:
        raise _taken(name)
    made = QuerySet(knowledge_base_id=knowledge_base_id, name=name, origin=origin)
    session.add(made)
    await session.flush()
    return made


async def find_named(session: ReadSession, knowledge_base_id: UUID, name: str) -> QuerySet | None:
    """The query set of a knowledge base that has a name."""
    found: QuerySet | None = await session.scalar(
        select(QuerySet).where(
            QuerySet.knowledge_base_id == knowledge_base_id, QuerySet.name == name
        )
    )
    return found


async def rename_query_set(session: WriteSession, found: QuerySet, name: str) -> None:
    """Give a set another name; raises :class:`Conflict` where one has it."""
    other = await find_named(session, found.knowledge_base_id, name)
    if other is not None and other.id != found.id:
        raise _taken(name)
    found.name = name
    await session.flush()


async def remove_query_set(session: WriteSession, query_set_id: UUID) -> None:
    """Remove a set with its queries and runs."""
    await session.execute(delete(QuerySet).where(QuerySet.id == query_set_id))


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a query set named {name!r} already.", "Choose another name.")


async def add_queries(
    session: WriteSession,
    query_set_id: UUID,
    queries: Sequence[tuple[str, Mapping[str, int]]],
    origin: QueryOrigin = QueryOrigin.TYPED,
) -> list[JudgedQuery]:
    """Add queries with their grades by address; grades of 0 or less are left out."""
    made = [
        JudgedQuery(
            query_set_id=query_set_id,
            query=query,
            grades={address: int(grade) for address, grade in grades.items() if grade > 0},
            origin=origin,
        )
        for query, grades in queries
    ]
    session.add_all(made)
    await session.flush()
    return made


async def read_queries(session: ReadSession, query_set_id: UUID) -> list[JudgedQuery]:
    """The queries of a set, in the order in which they were added."""
    rows = await session.scalars(
        select(JudgedQuery)
        .where(JudgedQuery.query_set_id == query_set_id)
        .order_by(JudgedQuery.created_at, JudgedQuery.id)
    )
    return list(rows)


def queries_of(query_set_id: UUID) -> Select[JudgedQuery]:
    """The queries of a set, for reading them in pages."""
    return select(JudgedQuery).where(JudgedQuery.query_set_id == query_set_id)


async def find_query(session: ReadSession, query_set_id: UUID, query_id: UUID) -> JudgedQuery:
    """A query of a set; raises :class:`NotFound`."""
    found = await session.get(JudgedQuery, query_id)
    if found is None or found.query_set_id != query_set_id:
        raise NotFound(f"There is no query {query_id} in this query set.")
    return found


async def remove_queries(
    session: WriteSession, query_set_id: UUID, query_ids: Sequence[UUID]
) -> None:
    """Remove queries of a set."""
    for start in range(0, len(query_ids), _IDS_PER_STATEMENT):
        await session.execute(
            delete(JudgedQuery).where(
                JudgedQuery.query_set_id == query_set_id,
                JudgedQuery.id.in_(query_ids[start : start + _IDS_PER_STATEMENT]),
            )
        )


async def known_addresses(
    session: ReadSession, knowledge_base_ids: Sequence[UUID], addresses: Sequence[str]
) -> set[str]:
    """Those of ``addresses`` that a document with passages has."""
    known: set[str] = set()
    for start in range(0, len(addresses), _IDS_PER_STATEMENT):
        rows = await session.scalars(
            select(Document.address).where(
                Document.knowledge_base_id.in_(knowledge_base_ids),
                Document.address.in_(addresses[start : start + _IDS_PER_STATEMENT]),
                Document.chunk_count > 0,
            )
        )
        known |= set(rows)
    return known


def runs_of(query_set_id: UUID) -> Select[EvaluationRun]:
    """The runs over a set, for reading them in pages."""
    return select(EvaluationRun).where(EvaluationRun.query_set_id == query_set_id)


async def latest_runs(
    session: ReadSession, query_set_ids: Sequence[UUID]
) -> dict[UUID, EvaluationRun]:
    """The newest run over each of the sets named that has one."""
    newest = (
        select(
            EvaluationRun.id,
            func.row_number()
            .over(
                partition_by=EvaluationRun.query_set_id,
                order_by=(EvaluationRun.created_at.desc(), EvaluationRun.id),
            )
            .label("place"),
        )
        .where(EvaluationRun.query_set_id.in_(query_set_ids))
        .subquery()
    )
    rows = await session.scalars(
        select(EvaluationRun)
        .join(newest, newest.c.id == EvaluationRun.id)
        .where(newest.c.place == 1)
    )
    return {row.query_set_id: row for row in rows}


async def list_runs(
    session: ReadSession, query_set_id: UUID, limit: int = 50
) -> list[EvaluationRun]:
    """The last runs over a query set, newest first."""
    rows = await session.scalars(
        select(EvaluationRun)
        .where(EvaluationRun.query_set_id == query_set_id)
        .order_by(EvaluationRun.created_at.desc(), EvaluationRun.id)
        .limit(limit)
    )
    return list(rows)


async def add_run(session: WriteSession, run: EvaluationRun) -> None:
    """Store a run."""
    session.add(run)
    await session.flush()


async def find_run_of_workspace(
    session: ReadSession, workspace_id: UUID, run_id: UUID
) -> tuple[EvaluationRun, UUID]:
    """A run and the knowledge base that it measured; raises :class:`NotFound`."""
    row = (
        await session.execute(
            select(EvaluationRun, QuerySet.knowledge_base_id)
            .join(QuerySet, QuerySet.id == EvaluationRun.query_set_id)
            .join(KnowledgeBase, KnowledgeBase.id == QuerySet.knowledge_base_id)
            .where(EvaluationRun.id == run_id, KnowledgeBase.workspace_id == workspace_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no evaluation run {run_id}.")
    return row[0], row[1]


async def remove_run(session: WriteSession, run_id: UUID) -> None:
    """Remove a run."""
    await session.execute(delete(EvaluationRun).where(EvaluationRun.id == run_id))


async def find_run(session: ReadSession, knowledge_base_id: UUID, run_id: UUID) -> EvaluationRun:
    """The run over a query set of this knowledge base; raises :class:`NotFound`."""
    found = await session.scalar(
        select(EvaluationRun)
        .join(QuerySet, QuerySet.id == EvaluationRun.query_set_id)
        .where(EvaluationRun.id == run_id, QuerySet.knowledge_base_id == knowledge_base_id)
    )
    if found is None:
        raise NotFound(f"There is no run {run_id} in this knowledge base.")
    return found
