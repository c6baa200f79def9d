"""Sets of judged queries as an editor works with them: typed, from files, from feedback.

Pages are judged by address. An address that no document has is kept and named: the page may come
back, or the judgment tells that it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from knowledge.errors import Conflict, LimitExceeded
from knowledge.evaluation.query_file import (
    MAX_QUERIES,
    QUERY_CHARACTERS,
    FileQuery,
    checked_query,
    same_query,
)
from knowledge.store.database import Database, ReadSession, WriteSession
from knowledge.store.queries.judged_answers import read_judged_answers
from knowledge.store.query_sets import (
    add_queries,
    create_query_set,
    find_query,
    known_addresses,
    read_queries,
    remove_queries,
)
from knowledge.store.tables import JudgedQuery, QueryOrigin, QuerySet


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a set: queries added, changed, removed, and judged addresses that no
    document of the knowledge base has.
    """

    added: int
    changed: int
    removed: int
    unknown: tuple[str, ...]


class QuerySetDesk:
    """The query sets of one database. Whoever calls has found the set in its workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        session: WriteSession,
        knowledge_base_id: UUID,
        name: str,
        queries: Sequence[FileQuery] = (),
        origin: QueryOrigin = QueryOrigin.TYPED,
    ) -> QuerySet:
        """Make a set with its first queries; raises :class:`Conflict` where the name is taken."""
        made = await create_query_set(session, knowledge_base_id, name, origin)
        await self.put(session, made, queries, origin)
        return made

    async def put(
        self,
        session: WriteSession,
        query_set: QuerySet,
        queries: Iterable[FileQuery],
        origin: QueryOrigin,
        replace: bool = False,
    ) -> Imported:
        """Add queries; one that is there already gets the new grades and keeps its past figures.

        ``replace``: those that are not named are removed. Raises :class:`LimitExceeded` where the
        set would grow too large.
        """
        wanted: dict[str, FileQuery] = {}
        for one in queries:
            checked = checked_query(one.query, one.grades)
            wanted[same_query(checked.query)] = checked
        spelled = await self._spell(session, query_set, wanted.values())
        there = {same_query(row.query): row for row in await read_queries(session, query_set.id)}
        new = [key for key in wanted if key not in there]
        gone = [row.id for key, row in there.items() if replace and key not in wanted]
        if len(there) - len(gone) + len(new) > MAX_QUERIES:
            raise LimitExceeded(
                f"A query set holds at most {MAX_QUERIES:,} queries.", "Begin another set."
            )
        changed = 0
        for key in wanted.keys() & there.keys():
            grades = _spelled(wanted[key].grades, spelled)
            if grades and grades != there[key].grades:
                there[key].grades, there[key].origin = grades, origin
                changed += 1
        await remove_queries(session, query_set.id, gone)
        pairs = [(wanted[key].query, _spelled(wanted[key].grades, spelled)) for key in new]
        await add_queries(session, query_set.id, pairs, origin)
        judged = {spelled.get(page, page) for one in wanted.values() for page in one.grades}
        return Imported(len(new), changed, len(gone), tuple(sorted(judged - set(spelled.values()))))

    async def edit(
        self,
        session: WriteSession,
        query_set: QuerySet,
        query_id: UUID,
        query: str | None = None,
        grades: Mapping[str, int] | None = None,
    ) -> JudgedQuery:
        """Change a query's words or its judgments, in place.

        With other words it is another query, with an id of its own: figures of earlier runs are
        not about it. Raises :class:`Conflict` where the set has these words already.
        """
        row = await find_query(session, query_set.id, query_id)
        checked = checked_query(
            row.query if query is None else query, row.grades if grades is None else grades
        )
        if grades is not None:
            spelled = await self._spell(session, query_set, [checked])
            row.grades = _spelled(checked.grades, spelled)
        if same_query(checked.query) == same_query(row.query):
            row.query = checked.query
            await session.flush()
            return row
        others = {same_query(one.query) for one in await read_queries(session, query_set.id)}
        if same_query(checked.query) in others:
            raise Conflict("The set has this query already.", "Change that one.")
        made = JudgedQuery(
            query_set_id=query_set.id,
            query=checked.query,
            grades=dict(row.grades),
            origin=row.origin,
            created_at=row.created_at,
        )
        await remove_queries(session, query_set.id, [row.id])
        session.add(made)
        await session.flush()
        return made

    async def unknown(self, session: ReadSession, query_set: QuerySet) -> list[str]:
        """The judged addresses that no document of the knowledge base has, sorted."""
        rows = await read_queries(session, query_set.id)
        judged = sorted({address for row in rows for address in row.grades})
        known = await known_addresses(session, [query_set.knowledge_base_id], judged)
        return [address for address in judged if address not in known]

    async def add_feedback(
        self, session: WriteSession, workspace_id: UUID, query_set: QuerySet
    ) -> Imported:
        """Add the questions whose answers visitors found helpful, with the pages cited.

        A page that was as often cited in an unhelpful answer to the same question is left out, and
        so is a page of another knowledge base. A judgment that a person has made stands.
        """
        balance: dict[str, dict[str, int]] = {}
        words: dict[str, str] = {}
        for answer in await read_judged_answers(session, workspace_id):
            key = same_query(answer.query)
            words.setdefault(key, answer.query)
            pages = balance.setdefault(key, {})
            for page in answer.pages:
                pages[page] = pages.get(page, 0) + (1 if answer.helpful else -1)
        cited = sorted({page for pages in balance.values() for page in pages})
        known = await known_addresses(session, [query_set.knowledge_base_id], cited)
        there = {
            same_query(row.query)
            for row in await read_queries(session, query_set.id)
            if row.origin != QueryOrigin.FEEDBACK
        }
        queries = []
        for key, pages in balance.items():
            grades = {page: 1 for page, sum in pages.items() if sum > 0 and page in known}
            if grades and key not in there and 0 < len(words[key]) <= QUERY_CHARACTERS:
                queries.append(FileQuery(words[key], grades))
        return await self.put(session, query_set, queries[:MAX_QUERIES], QueryOrigin.FEEDBACK)

    async def _spell(
        self, session: ReadSession, query_set: QuerySet, queries: Iterable[FileQuery]
    ) -> dict[str, str]:
        """Judged address to that of the document meant: a slash at the end makes no difference."""
        judged = sorted({address for one in queries for address in one.grades})
        spellings = {page: (page, page.rstrip("/"), page.rstrip("/") + "/") for page in judged}
        known = await known_addresses(
            session,
            [query_set.knowledge_base_id],
            sorted({one for spelled in spellings.values() for one in spelled}),
        )
        found = {page: [one for one in spellings[page] if one in known] for page in judged}
        return {page: there[0] for page, there in found.items() if there}


def _spelled(grades: Mapping[str, int], spelled: Mapping[str, str]) -> dict[str, int]:
    return {spelled.get(address, address): grade for address, grade in grades.items()}
