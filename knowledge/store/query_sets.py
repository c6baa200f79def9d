"""Reading and writing sets of judged queries and the runs over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Document, EvaluationRun, JudgedQuery, QuerySet

_IDS_PER_STATEMENT = 500


async def list_query_sets(
    session: ReadSession, knowledge_base_id: UUID
) -> list[tuple[QuerySet, int]]:
    """The query sets of a knowledge base with their number of queries, by name."""
    counted = (
        select(JudgedQuery.query_set_id, func.count().label("queries"))
        .group_by(JudgedQuery.query_set_id)
        .subquery()
    )
    rows = await session.execute(
        select(QuerySet, func.coalesce(counted.c.queries, 0))
        .outerjoin(counted, counted.c.query_set_id == QuerySet.id)
        .where(QuerySet.knowledge_base_id == knowledge_base_id)
        .order_by(QuerySet.name)
    )
    return [(row[0], row[1]) for row in rows]


async def find_query_set(
    session: ReadSession | WriteSession, knowledge_base_id: UUID, query_set_id: UUID
) -> QuerySet:
    """The query set of this knowledge base; raises :class:`NotFound`."""
    found = await session.get(QuerySet, query_set_id)
    if found is None or found.knowledge_base_id != knowledge_base_id:
        raise NotFound(f"There is no query set {query_set_id} in this knowledge base.")
    return found


async def create_query_set(
    session: WriteSession, knowledge_base_id: UUID, name: str, origin: str = "typed"
) -> QuerySet:
    """Make an empty query set; raises :class:`Conflict` where one has the name."""
    taken = await session.scalar(
        select(QuerySet.id).where(
            QuerySet.knowledge_base_id == knowledge_base_id, QuerySet.name == name
        )
    )
    if taken is not None:
        raise Conflict(f"There is a query set named {name!r} already.", "Choose another name.")
    made = QuerySet(knowledge_base_id=knowledge_base_id, name=name, origin=origin)
    session.add(made)
    await session.flush()
    return made


async def add_queries(
    session: WriteSession, query_set_id: UUID, queries: Sequence[tuple[str, Mapping[str, int]]]
) -> list[JudgedQuery]:
    """Add queries with their grades by address; grades of 0 or less are left out."""
    made = [
        JudgedQuery(
            query_set_id=query_set_id,
            query=query,
            grades={address: int(grade) for address, grade in grades.items() if grade > 0},
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
