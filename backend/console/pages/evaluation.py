"""Evaluation: sets of judged queries, runs over them, and two runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from markupsafe import Markup
from nicegui import ui

from backend.console.forms import button, dialog, field, foot, link_button, on_enter
from backend.console.frame import done, go, head, page, section, show_error, tabs
from backend.console.judging import ORIGINS, Judging, explain_address
from backend.console.listing import Pager
from backend.console.pages.freshness import TABS
from backend.console.parts import empty, note, row_link, show, table, when
from backend.console.query_set_forms import (
    have_written,
    new_query_set,
    remove,
    rename,
    send_file,
    take_feedback,
    type_queries,
)
from backend.console.run_view import compared, run_name, runs_table
from backend.console.visit import Visit
from backend.console.words import count, shown_address
from backend.explain.query_runs import QueryRuns
from backend.insights.query_sets import QuerySetDesk
from knowledge.errors import CandorError
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.query_sets import (
    count_queries,
    find_set_of_workspace,
    latest_runs,
    list_runs,
    queries_of,
    query_sets,
)
from knowledge.store.tables import (
    EvaluationRun,
    JudgedQuery,
    KnowledgeBase,
    QueryOrigin,
    QuerySet,
    Role,
)

_LIMIT = 25
_RUNS = 20
_CRUMB = ("Evaluation", "/console/evaluation")


@page("/evaluation", "evaluation")
async def evaluation_page(visit: Visit) -> None:
    """The query sets of the workspace, each with its newest figures."""
    async with visit.database.reading() as session:
        rows = await session.scalars(
            knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
        )
        bases = {row.id: row.name for row in rows}
        found = await read_page(
            session, query_sets(visit.workspace_id), QuerySet, PageRequest(200), newest_first=True
        )
        ids = [row.id for row in found.items]
        counts = await count_queries(session, ids)
        latest = await latest_runs(session, ids)
    below = "Whether search finds what it should, in figures, before and after a change."
    with head("Evaluation", below=below):
        if visit.may(Role.EDITOR) and bases:
            button("New query set", new_query_set(visit, bases), "primary")
    tabs("Query sets", *TABS)
    if not found.items:
        show(
            empty(
                "evaluation",
                "No query set yet",
                "A query set holds questions and the pages that answer them. With one you see "
                "what a change to search helps and hurts, before it is saved.",
                "" if bases else "Make a knowledge base under Content first.",
            ),
            classes="card",
        )
        return
    show(_sets(found.items, bases, counts, latest), classes="card")


def _sets(
    rows: Sequence[QuerySet],
    bases: Mapping[UUID, str],
    counts: Mapping[UUID, int],
    latest: Mapping[UUID, EvaluationRun],
) -> Markup:
    heads = (("Query set", "fill"), ("Queries", "num"), ("nDCG@10", "num"), ("Last run", "when"))
    lines = []
    for row in rows:
        run = latest.get(row.id)
        figure = run.figures.get("ndcg@10") if run else None
        below = f"In {bases.get(row.knowledge_base_id, '')}, {ORIGINS[QueryOrigin(row.origin)]}"
        lines.append(
            [
                row_link(f"/console/evaluation/{row.id}", row.name, below),
                f"{counts.get(row.id, 0):,}",
                f"{figure:.3f}" if figure is not None else "–",
                when(run.created_at if run else None),
            ]
        )
    return table(heads, lines, "Query sets")


@page("/evaluation/{query_set_id}", "evaluation")
async def query_set_page(visit: Visit, query_set_id: UUID, after: str = "") -> None:
    """One query set: its runs, and its queries with their judgments."""
    async with visit.database.reading() as session:
        row = await find_set_of_workspace(session, visit.workspace_id, query_set_id)
        queries = (await count_queries(session, [row.id]))[row.id]
    pager = Pager(after[:200])
    with head(row.name, [_CRUMB], "Questions, and the pages that answer them."):
        if visit.may(Role.EDITOR):
            button("Delete", remove(visit, row, queries), "ghost danger")
            button("Rename", rename(visit, row), "ghost")
        link_button("Export", f"/api/v1/query-sets/{row.id}/export?format=csv")
        if visit.may(Role.EDITOR):
            button("Run now", lambda: naming(), "primary")

    with section("Runs", "Each keeps its figures, its settings and what it found."):
        runs_room = ui.element("div").classes("stack tight")
    with section("Queries", "Open one to judge the pages that it finds.") as room:
        unknown = ui.element("div")
        with ui.element("div").classes("card"):
            lines = ui.element("div").classes("lines")
            pager.place(lambda cursor: draw_queries(cursor))

    async def run(name: str) -> None:
        await visit.send("POST", f"/query-sets/{row.id}/runs", {"name": name})
        done("Measured. The figures are kept.")
        await draw_runs()

    async def naming() -> None:
        with runs_room, dialog("Run now") as made:
            made.on("hide", made.delete)
            name = field("Name", help="To find the run again. It may stay empty.")

            async def start() -> None:
                await run(name.value.strip())
                made.close()

            with foot(made):
                button("Run", start, "primary")
            on_enter(name, start)
        made.open()

    async def draw_runs() -> None:
        async with visit.database.reading() as session:
            runs = await list_runs(session, row.id, _RUNS)
        runs_room.clear()
        with runs_room:
            if not runs:
                show(note("", "", "Not measured yet. “Run now” searches every judged query."))
                return
            show(runs_table(runs, lambda one, two: _compare(row.id, one, two)), classes="card")

    async def draw_queries(cursor: str = "") -> None:
        await visit.check()
        async with visit.database.reading() as session:
            found = await read_page(
                session, queries_of(row.id), JudgedQuery, PageRequest(_LIMIT, cursor)
            )
            whole = (await count_queries(session, [row.id]))[row.id]
            newest = (await latest_runs(session, [row.id])).get(row.id)
            missing = await QuerySetDesk(visit.database).unknown(session, row)
        figures = newest.by_query.get("ndcg@10", {}) if newest else {}
        unknown.clear()
        with unknown:
            if missing:
                show(_unknown(missing))
        lines.clear()
        with lines:
            if not found.items:
                show(_no_queries(visit))
            for one in found.items:
                Judging(visit, row, one, figures.get(str(one.id)), draw_queries).place()
        pager.show(
            count(whole, "query", "queries"), found.next_cursor, bool(cursor or found.next_cursor)
        )
        address = f"/console/evaluation/{row.id}" + (f"?after={cursor}" if cursor else "")
        ui.navigate.history.replace(address)

    if visit.may(Role.EDITOR):
        with room:
            button("Add queries", type_queries(visit, row, draw_queries))
            button("From a file", send_file(visit, row, draw_queries))
            button("From feedback", take_feedback(visit, row, draw_queries))
            if visit.state.chat.language_model is not None:
                button("Have some written", have_written(visit, row, draw_queries))
    await draw_runs()
    await draw_queries(after[:200])


def _unknown(missing: Sequence[str]) -> Markup:
    few = ", ".join(map(shown_address, missing[:5]))
    return note(
        "warn",
        f"{count(len(missing), 'judged page', 'judged pages')} not in the knowledge base",
        f"No search can find them: {few}{' …' if len(missing) > 5 else ''}",
    )


def _no_queries(visit: Visit) -> Markup:
    return empty(
        "evaluation",
        "No query yet",
        "Type some, take a file, or take the questions whose answers visitors found helpful."
        if visit.may(Role.EDITOR)
        else "An editor can add some.",
    )


def _compare(query_set_id: UUID, before: str, after: str) -> str:
    query = urlencode({"before": before, "after": after})
    return f"/console/evaluation/{query_set_id}/compare?{query}"


@page("/evaluation/{query_set_id}/compare", "evaluation")
async def compare_page(
    visit: Visit,
    query_set_id: UUID,
    before: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
) -> None:
    """Two runs over one set, query by query."""
    async with visit.database.reading() as session:
        row = await find_set_of_workspace(session, visit.workspace_id, query_set_id)
        runs = await list_runs(session, row.id, 200)
    crumbs = [_CRUMB, (row.name, f"/console/evaluation/{row.id}")]
    head("Compare two runs", crumbs, "Both under the judgments of today.")
    names = {str(run.id): run_name(run) for run in runs}
    if len(names) < 2:
        show(empty("evaluation", "Nothing to compare yet", "It takes two runs."), classes="card")
        return
    first = str(before) if str(before) in names else list(names)[1]
    second = str(after) if str(after) in names else next(iter(names))

    async def change(one: str, two: str) -> None:
        go(_compare(row.id, one, two))

    with ui.element("div").classes("filters"):
        ui.select(names, value=first, on_change=lambda e: change(e.value, second)).props(
            'outlined dense options-dense aria-label="Before"'
        ).classes("grow")
        ui.select(names, value=second, on_change=lambda e: change(first, e.value)).props(
            'outlined dense options-dense aria-label="After"'
        ).classes("grow")
    try:
        runs_desk = QueryRuns(visit.state.searcher)
        told = await runs_desk.compare(row.knowledge_base_id, UUID(first), UUID(second))
    except CandorError as error:
        show_error(error)
        return
    show(compared(told, lambda query: explain_address(query, row.knowledge_base_id)))
