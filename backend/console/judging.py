"""Judging in place: a query of a set, the pages it finds, and the grade of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from backend.console.forms import button, field, on_enter
from backend.console.frame import tell
from backend.console.parts import NOTHING, badge, show
from backend.console.visit import Visit
from backend.console.words import count, shown_address
from backend.explain.rankings import DEPTH, pages_of
from backend.search.search import SearchRequest
from knowledge.errors import CandorError
from knowledge.store.tables import JudgedQuery, QueryOrigin, QuerySet, Role

GRADES = {0: "no answer", 1: "1, touches it", 2: "2, answers it", 3: "3, the best answer"}
ORIGINS = {
    QueryOrigin.TYPED: "typed",
    QueryOrigin.FILE: "from a file",
    QueryOrigin.FEEDBACK: "from feedback",
    QueryOrigin.MODEL: "written by the language model",
}
_PAGES = 10


def explain_address(query: str, knowledge_base_id: UUID) -> str:
    """Where a query of a knowledge base is explained."""
    return "/console/explain?" + urlencode([("q", query), ("in", str(knowledge_base_id))])


class Judging:
    """One query of a set: a line that opens to be judged. What is chosen is saved at once.

    ``figure``: its nDCG@10 in the newest run, if it was in it. ``gone`` is called when the query
    has been removed.
    """

    def __init__(
        self,
        visit: Visit,
        query_set: QuerySet,
        row: JudgedQuery,
        figure: float | None,
        gone: Callable[[], Awaitable[None]],
    ) -> None:
        self._visit = visit
        self._set = query_set
        self._id = str(row.id)
        self._query = row.query
        self._grades: dict[str, int] = dict(row.grades)
        self._origin = QueryOrigin(row.origin)
        self._figure = figure
        self._gone = gone

    def place(self) -> None:
        """Put the line here."""
        box = ui.element("details").classes("judging").on("toggle", self._toggled, ["newState"])
        with box:
            self._head = show(self._summary(), tag="summary")
            self._inside = ui.element("div").classes("inside stack tight")

    def _summary(self) -> Markup:
        state = (
            badge(f"{count(len(self._grades), 'page')} judged", "good")
            if self._grades
            else badge("Not judged", "quiet")
        )
        figure = (
            Markup('<span class="num soft">nDCG@10 {:.3f}</span>').format(self._figure)
            if self._figure is not None
            else NOTHING
        )
        return Markup(
            '<span class="said"><b>{}</b><span class="soft small"> {}</span></span>{}{}'
        ).format(self._query, ORIGINS[self._origin], figure, state)

    async def _toggled(self, event: GenericEventArguments) -> None:
        if event.args.get("newState") != "open" or self._inside.default_slot.children:
            return
        try:
            await self._fill()
        except CandorError as error:
            tell(error)

    async def _fill(self) -> None:
        await self._visit.check()
        request = SearchRequest(self._query, (self._set.knowledge_base_id,), DEPTH)
        found = pages_of(await self._visit.state.searcher.search(request))
        places = {page: place for place, page in enumerate(found, start=1)}
        pages = dict.fromkeys([*self._grades, *found[:_PAGES]])
        may = self._visit.may(Role.EDITOR)
        self._inside.clear()
        with self._inside:
            show(
                Markup(
                    '<p class="soft small">What it finds now, and what has been judged. '
                    '<a href="{}">Explain it</a></p>'
                ).format(explain_address(self._query, self._set.knowledge_base_id))
            )
            with ui.element("ul").classes("grades"):
                for page in sorted(pages, key=lambda page: places.get(page, DEPTH + 1)):
                    self._page(page, places, may)
            if may:
                self._foot()

    def _page(self, page: str, places: Mapping[str, int], may: bool) -> None:
        place = places.get(page)
        grade = self._grades.get(page, 0)

        async def graded(event: ValueChangeEventArguments[int | None]) -> None:
            await self._save({**self._grades, page: int(event.value or 0)})

        with ui.element("li"):
            show(Markup('<span class="place">{}</span>').format(place or "–"), tag="span").props(
                f'title="{"place " + str(place) if place else "not found"}"'
            )
            show(Markup('<span class="name">{}</span>').format(_linked(page)), tag="span")
            if may:
                chooser = ui.select(GRADES, value=grade, on_change=graded)
                chooser.props("outlined dense options-dense")
                chooser.props["aria-label"] = f"Grade of {shown_address(page)}"
            else:
                show(badge(GRADES[grade], "good" if grade else "quiet"))

    def _foot(self) -> None:
        """Another page to be judged, other words, and taking the query out."""
        with ui.element("div").classes("two"):
            address = field("Another page", placeholder="https://www.example.com/returns")
            words = field("The query", self._query)

        async def add() -> None:
            if address.value.strip():
                await self._save({**self._grades, address.value.strip(): 2})
                await self._fill()

        async def rename() -> None:
            await self._patch({"query": words.value})
            await self._fill()

        async def remove() -> None:
            await self._visit.send("DELETE", f"/query-sets/{self._set.id}/queries/{self._id}")
            await self._gone()

        on_enter(address, add)
        on_enter(words, rename)
        with ui.element("div").classes("actions"):
            button("Judge this page", add, "tiny")
            button("Save the words", rename, "tiny")
            button("Take it out", remove, "tiny ghost danger")

    async def _save(self, grades: Mapping[str, int]) -> None:
        try:
            await self._patch({"grades": {page: grade for page, grade in grades.items() if grade}})
        except CandorError as error:
            tell(error)

    async def _patch(self, body: Mapping[str, object]) -> None:
        path = f"/query-sets/{self._set.id}/queries/{self._id}"
        row = await self._visit.send("PATCH", path, dict(body))
        if row["id"] != self._id:
            self._figure = None
        self._id, self._query, self._grades = row["id"], row["query"], row["grades"]
        self._head.set_content(self._summary())


def _linked(page: str) -> Markup:
    if page.startswith(("http://", "https://")):
        return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(page)
    return Markup("{}").format(shown_address(page))
