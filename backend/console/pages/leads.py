"""Leads: contact details that visitors left, with what they agreed to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from backend.console.adding import opener
from backend.console.forms import button, choice, confirm
from backend.console.frame import done, go, head, page, tell
from backend.console.lead_quality_view import TRIGGERS
from backend.console.listing import Pager, follow_typing
from backend.console.parts import NOTHING, badge, empty, join, row_link, show, table, when
from backend.console.visit import Visit
from backend.console.words import exact
from knowledge.errors import CandorError
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.assistants import assistants
from knowledge.store.queries.leads import LeadFilter, find_lead, leads
from knowledge.store.tables import (
    Assistant,
    Conversation,
    Lead,
    LeadRating,
    LeadState,
    LeadTrigger,
    Role,
)

_LIMIT = 50
_STATES = {
    LeadState.NEW: ("New", "good"),
    LeadState.CONTACTED: ("Contacted", "quiet"),
    LeadState.CLOSED: ("Closed", "quiet"),
}
_RATINGS = {
    LeadRating.NONE: ("Not judged yet", "quiet"),
    LeadRating.GOOD: ("Good lead", "good"),
    LeadRating.POOR: ("Poor lead", "quiet"),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page shows; the whole of it stands in the address."""

    text: str = ""
    state: str = ""
    assistant: UUID | None = None
    after: str = ""

    def filter(self) -> LeadFilter:
        state = LeadState(self.state) if self.state else None
        return LeadFilter(self.assistant, state, self.text)

    def query(self, with_cursor: bool = True) -> str:
        given = [("text", self.text), ("state", self.state), ("assistant", self.assistant or "")]
        given += [("after", self.after)] if with_cursor else []
        return urlencode([(name, str(value)) for name, value in given if value])


@page("/leads", "leads", Role.EDITOR)
async def leads_page(
    visit: Visit,
    text: str = "",
    state: str = "",
    assistant: UUID | None = None,
    after: str = "",
) -> None:
    """The leads of the workspace, newest first."""
    async with visit.database.reading() as session:
        rows = await session.scalars(assistants(visit.workspace_id).order_by(Assistant.created_at))
        names = {row.id: row.name for row in rows}
    known = assistant if assistant in names else None
    wanted = _Wanted(text[:200], state if state in set(LeadState) else "", known, after[:200])

    async def export() -> None:
        path = f"/api/v1/leads/export?{wanted.query(with_cursor=False)}"
        ui.run_javascript(f"window.location.assign({json.dumps(path)})")

    with head("Leads", below="Visitors who want to be contacted, in their own words."):
        button("Export", export)
    pager = Pager(wanted.after)

    async def draw() -> None:
        await visit.check(Role.EDITOR)
        async with visit.database.reading() as session:
            found = await read_page(
                session,
                leads(visit.workspace_id, wanted.filter()),
                Lead,
                PageRequest(_LIMIT, wanted.after),
                newest_first=True,
            )
        shown.set_content(_table(found.items, names, wanted))
        long = bool(wanted.after or found.next_cursor)
        pager.show(f"{len(found.items)} shown", found.next_cursor, long)

    async def move(cursor: str) -> None:
        await show_now(replace(wanted, after=cursor))

    async def show_now(now: _Wanted) -> None:
        nonlocal wanted
        wanted = now
        await draw()
        ui.navigate.history.replace(f"/console/leads?{wanted.query()}")

    async def change(**changed: object) -> None:
        pager.reset()
        await show_now(replace(wanted, after="", **changed))  # type: ignore[arg-type]

    with ui.element("search").classes("filters"):
        box = ui.input(value=wanted.text, placeholder="Search names, addresses and notes")
        box.props('outlined dense clearable data-search aria-label="Search leads"')
        follow_typing(box.classes("grow"), lambda words: change(text=words))
        ui.select(
            {"": "Any state"} | {str(one): words for one, (words, _) in _STATES.items()},
            value=wanted.state,
            on_change=lambda e: change(state=e.value),
        ).props('outlined dense options-dense aria-label="State"').style("width:190px")
        ui.select(
            {"": "All assistants"} | {str(id): name for id, name in names.items()},
            value=str(known or ""),
            on_change=lambda e: change(assistant=UUID(e.value) if e.value else None),
        ).props('outlined dense options-dense aria-label="Assistant"').style("width:190px")
    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(move)
    await draw()


def _table(rows: Sequence[Lead], names: Mapping[UUID, str], wanted: _Wanted) -> Markup:
    if not rows and wanted == _Wanted():
        return empty(
            "leads",
            "No lead yet",
            Markup(
                "When an assistant asks visitors for their contact details is set under "
                '<a href="/console/assistants">Assistants</a>.'
            ),
        )
    if not rows:
        return empty("leads", "Nothing like that", "Try other words, or every state.")
    heads = (("Who", "fill"), ("State", ""), ("Assistant", ""), ("Left", "when"))
    lines = [
        [
            row_link(
                f"/console/leads/{row.id}",
                row.name or row.email or row.phone,
                " · ".join(filter(None, [row.email if row.name else "", row.phone, row.note[:80]])),
            ),
            _badges(row),
            names.get(row.assistant_id, "a removed one") if row.assistant_id else "a removed one",
            when(row.created_at),
        ]
        for row in rows
    ]
    return table(heads, lines, "Leads")


def _badges(row: Lead) -> Markup:
    state = badge(*_STATES[LeadState(row.state)])
    if not row.rating:
        return state
    return join([state, badge(*_RATINGS[LeadRating(row.rating)])], " ")


@page("/leads/{lead_id}", "leads", Role.EDITOR)
async def lead_page(visit: Visit, lead_id: UUID) -> None:
    """One lead: who, what about, what was agreed to, and the conversation that it came from."""
    async with visit.database.reading() as session:
        row = await find_lead(session, visit.workspace_id, lead_id)
        of = await session.get(Conversation, row.conversation_id) if row.conversation_id else None
        assistant = await session.get(Assistant, row.assistant_id) if row.assistant_id else None
    title = row.name or row.email or row.phone
    with head(title, [("Leads", "/console/leads")], f"Left on {exact(row.created_at)}"):
        if visit.may(Role.ADMIN):
            button("Delete", opener(_removal(visit, row, title)), "ghost danger")

    def changes(what: str) -> Callable[[ValueChangeEventArguments[str]], Awaitable[None]]:
        async def changed(event: ValueChangeEventArguments[str]) -> None:
            try:
                await visit.send("PATCH", f"/leads/{row.id}", {what: event.value})
                done("Saved.")
            except CandorError as error:
                tell(error)

        return changed

    states = {str(one): words for one, (words, _) in _STATES.items()}
    ratings = {str(one): words for one, (words, _) in _RATINGS.items()}
    with ui.element("div").classes("card pad stack"):
        with ui.element("div").classes("two"):
            choice("State", states, str(row.state)).on_value_change(changes("state"))
            choice("Judgement", ratings, str(row.rating)).on_value_change(changes("rating"))
        show(_facts(row, of, assistant))


def _removal(visit: Visit, row: Lead, title: str) -> ui.dialog:
    async def remove() -> None:
        await visit.send("DELETE", f"/leads/{row.id}")
        go("/console/leads")

    return confirm(
        f"Forget {title}?",
        "Everything that this visitor left is deleted for good. Their conversation stays: delete "
        "it too where they ask for that.",
        "Delete",
        remove,
    )


def _facts(row: Lead, of: Conversation | None, assistant: Assistant | None) -> Markup:
    mail = partial(Markup('<a href="mailto:{0}">{0}</a>').format)
    call = partial(Markup('<a href="tel:{0}">{0}</a>').format)
    talk = (
        Markup('<a href="/console/conversations/{}">{}</a>').format(of.id, of.title or "Untitled")
        if of
        else NOTHING
    )
    page = (
        Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(row.page)
        if row.page.startswith(("http://", "https://"))
        else Markup("{}").format(row.page)
    )
    facts = (
        ("E-mail", mail(row.email) if row.email else NOTHING),
        ("Phone", call(row.phone) if row.phone else NOTHING),
        ("Note", Markup("{}").format(row.note)),
        ("Conversation", talk),
        ("Assistant", Markup("{}").format(assistant.name if assistant else "")),
        ("Sent from", page),
        ("Asked for", Markup("{}").format(TRIGGERS[LeadTrigger(row.trigger)])),
        ("Agreed to", Markup("{}").format(row.consent or "Nothing was asked.")),
    )
    lines = join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in facts if value
    )
    return Markup('<dl class="facts">{}</dl>').format(lines)
