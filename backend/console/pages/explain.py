"""Explain: a question, what is found for it, why each passage stands where it does, and what a
change to search would do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import Query
from markupsafe import Markup
from nicegui import ui

from backend.chat.budget import budget_of
from backend.console.draft import Tried, read_changes
from backend.console.forms import button
from backend.console.frame import head, page, section, show_error
from backend.console.hit_list import HitList
from backend.console.parts import empty, note, show
from backend.console.visit import Visit
from backend.console.what_if_panel import Around, WhatIfPanel
from backend.console.why_not_view import tries, verdict
from backend.console.words import document_name
from backend.explain.explain import Explainer
from backend.explain.why_not import WhyNot, why_not
from backend.search.search import SearchRequest
from knowledge.errors import CandorError, NotFound
from knowledge.store.queries.document_counts import count_documents
from knowledge.store.queries.documents import DocumentFilter, find_document
from knowledge.store.queries.knowledge_bases import knowledge_bases, searched_by_default
from knowledge.store.queries.rule_targets import read_rule_targets
from knowledge.store.tables import KnowledgeBase
from knowledge.types import ARMS, ArmName

_LIMIT = 10
_MISSING = (
    "Paste its address, or the id of a passage or document, to learn where it fell out, and what "
    "would bring it in."
)
_ARMS: dict[str, tuple[ArmName, ...]] = {"": ARMS, "sparse": ("sparse",), "dense": ("dense",)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the page shows; the whole of it stands in the address."""

    q: str = ""
    bases: tuple[UUID, ...] = ()
    arms: str = ""
    document: UUID | None = None
    hit: UUID | None = None
    why: str = ""
    tried: Tried = field(default_factory=Tried)

    def address(self) -> str:
        given = [("q", self.q), *(("in", str(base)) for base in self.bases), ("arms", self.arms)]
        given += [
            ("document", str(self.document or "")),
            ("hit", str(self.hit or "")),
            ("why", self.why),
            *self.tried.parameters(),
        ]
        query = urlencode([(name, value) for name, value in given if value])
        return "/console/explain" + (f"?{query}" if query else "")


@page("/explain", "explain")
async def explain(
    visit: Visit,
    q: str = "",
    bases: Annotated[list[UUID], Query(alias="in")] = [],  # noqa: B006 - FastAPI copies it
    arms: str = "",
    document: UUID | None = None,
    hit: UUID | None = None,
    why: str = "",
    changes: Annotated[list[str], Query(alias="try")] = [],  # noqa: B006
    without: Annotated[list[UUID], Query()] = [],  # noqa: B006
    query_set: Annotated[str, Query(alias="set")] = "",
) -> None:
    """A search with its reasons."""
    async with visit.database.reading() as session:
        rows = list(
            await session.scalars(
                knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
            )
        )
        within = await find_document(session, visit.workspace_id, document) if document else None
    names = {str(row.id): row.name for row in rows}
    known = tuple(base for base in bases if str(base) in names)
    read, unread = read_changes(changes)
    tried = Tried(read, tuple(without[:500]), query_set[:100])
    arms = arms if arms in _ARMS else ""
    asked = _Asked(q[:2000], known, arms, document, hit, why[:2000], tried)
    only = (
        Markup(
            'Only in <a href="/console/documents/{}">{}</a>. <a href="{}">Search everywhere</a>'
        ).format(within.id, document_name(within), replace(asked, document=None).address())
        if within
        else "Ask as a visitor would, and see why each passage was found."
    )
    head("Explain", below=only)
    view = _View(visit, asked, names, unread)

    async def change(**changed: object) -> None:
        await view.ask(replace(view.asked, hit=None, **changed))  # type: ignore[arg-type]
        await view.judge()

    with ui.element("search").classes("filters"):
        box = ui.input(value=asked.q, placeholder="How do I return a parcel?")
        box.props('outlined dense data-search aria-label="Question" type=search').classes("grow")
        box.on("keydown.enter", lambda: change(q=(box.value or "").strip()[:2000]))
        ui.button(
            "Search", on_click=lambda: change(q=(box.value or "").strip()[:2000]), color=None
        ).props("no-caps unelevated").classes("primary")
        if not within:
            ui.select(
                names,
                value=[str(base) for base in known],
                multiple=True,
                on_change=lambda e: change(bases=tuple(UUID(value) for value in e.value)),
            ).props(
                'outlined dense options-dense aria-label="Knowledge bases" '
                'display-value="' + ("" if known else "All knowledge bases") + '"'
            ).style("width:230px")
        ui.select(
            {"": "Words and meaning", "sparse": "Words only", "dense": "Meaning only"},
            value=asked.arms,
            on_change=lambda e: change(arms=e.value),
        ).props('outlined dense options-dense aria-label="Arms"').style("width:215px")
    view.place()
    await view.ask(asked, first=True)
    await view.judge()


class _View:
    """The results, what of them is open, and what is tried on them."""

    def __init__(self, visit: Visit, asked: _Asked, names: dict[str, str], unread: int) -> None:
        self.asked = asked
        self._visit = visit
        self._explainer = Explainer(visit.state.searcher)
        around = Around(self._tried, self._again, self._link, names)
        self._panel = WhatIfPanel(visit, asked.tried, around, unread)
        self._hits = HitList(visit, self._explainer, self._opened, self._panel.try_or_tell)

    def place(self) -> None:
        """Put the room for results here, and under it the question about what is missing."""
        self._panel.place()
        self._results = ui.element("div").classes("stack").props("aria-live=polite")
        with section("Missing a page?", _MISSING):
            with ui.element("div").classes("filters").style("margin:0"):
                box = ui.input(value=self.asked.why, placeholder="https://www.example.com/returns")
                box.props('outlined dense aria-label="Address that is missing"')
                box.classes("grow").on("keydown.enter", lambda: self._ask_why(box.value))
                button("Why not?", lambda: self._ask_why(box.value))
            self._verdict = show(Markup("")).props("aria-live=polite")
            self._tries = ui.element("div").classes("actions")

    async def ask(self, asked: _Asked, first: bool = False) -> None:
        self.asked = asked
        if not first:
            ui.navigate.history.replace(asked.address())
            await self._visit.check()
        self._results.clear()
        with self._results:
            if not asked.q:
                show(
                    empty(
                        "explain",
                        "Nothing asked yet",
                        "Type a question. You see which passages are found, which words made them "
                        "match, those that the model added too, and how every score came about.",
                    ),
                    classes="card",
                )
                return
            try:
                request = await self._request(asked)
                result = await self._visit.state.searcher.search(request)
            except CandorError as error:
                show_error(error)
                return
            await self._hits.draw(result, asked.hit)
        await self._panel.show(request)

    def _opened(self, hit: UUID) -> None:
        self.asked = replace(self.asked, hit=hit)
        ui.navigate.history.replace(self.asked.address())

    async def _tried(self, tried: Tried) -> None:
        self.asked = replace(self.asked, tried=tried)
        ui.navigate.history.replace(self.asked.address())

    async def _again(self) -> None:
        await self.ask(self.asked)

    def _link(self, query: str) -> str:
        return replace(self.asked, q=query, document=None, hit=None, why="").address()

    async def _ask_why(self, address: str | None) -> None:
        self.asked = replace(self.asked, why=(address or "").strip()[:2000])
        ui.navigate.history.replace(self.asked.address())
        await self._visit.check()
        await self.judge()

    async def judge(self) -> None:
        """Say why the address that is asked about is not among the hits."""
        self._tries.clear()
        if not self.asked.why or not self.asked.q:
            words = "Ask a question first." if self.asked.why else ""
            self._verdict.set_content(note("", "", words) if words else Markup(""))
            return
        asked = self.asked
        try:
            request = await self._request(asked)
            # Words on the page take the encoder its time: what is known without it shows first.
            for rewrite in (False, True):
                told = await self._told(request, asked.why, rewrite)
                if (self.asked.q, self.asked.why) != (asked.q, asked.why):
                    return
                self._verdict.set_content(verdict(told))
                await self._offer(told)
                if told.changes is None:
                    return
        except CandorError as error:
            self._verdict.set_content(note("bad", error.detail, error.action))

    async def _told(self, request: SearchRequest, missed: str, rewrite: bool) -> WhyNot:
        """Why an address, a passage or a document is not among the hits."""
        ask = partial(
            why_not,
            self._explainer,
            request,
            answer_hits=budget_of(self._visit.state.chat),
            rewrite=rewrite,
        )
        try:
            id = UUID(missed)
        except ValueError:
            return await ask(address=await self._meant(missed))
        try:
            return await ask(chunk_id=id)
        except NotFound:  # the id of a document looks no different
            return await ask(document_id=id)

    async def _offer(self, told: WhyNot) -> None:
        """Buttons that try what would bring the page in; the panel may be about it too."""
        if told.document_id:
            async with self._visit.database.reading() as session:
                known = await read_rule_targets(
                    session, self._visit.workspace_id, [told.document_id]
                )
            self._panel.missing(known.get(told.document_id))
        weights = (await self._panel.settings_now()).weights
        self._tries.clear()
        with self._tries:
            for words, offer in tries(told, self.asked.q, weights):
                if isinstance(offer, UUID):
                    button(words, partial(self._panel.leave_out, offer), "tiny")
                else:
                    button(words, partial(self._panel.try_or_tell, offer), "tiny")

    async def _meant(self, words: str) -> str:
        """The address that somebody means who writes a file's name, or leaves out the scheme."""
        if "://" in words:
            return words
        upload = f"upload:///{quote(words)}"
        wanted = DocumentFilter(text=upload)
        async with self._visit.database.reading() as session:
            found = await count_documents(session, self._visit.workspace_id, wanted)
        return upload if found else f"https://{words}"

    async def _request(self, asked: _Asked) -> SearchRequest:
        bases = asked.bases
        if not bases:
            async with self._visit.database.reading() as session:
                if asked.document:
                    of = await find_document(session, self._visit.workspace_id, asked.document)
                    bases = (of.knowledge_base_id,)
                else:
                    bases = await searched_by_default(session, self._visit.workspace_id)
        return SearchRequest(
            query=asked.q,
            knowledge_base_ids=bases,
            limit=_LIMIT,
            arms=_ARMS[asked.arms],
            document_ids=(asked.document,) if asked.document else (),
        )
