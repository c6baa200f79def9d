"""Conversations: what visitors asked, what they were told, and on what it rests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import opener
from backend.console.chain_view import chain
from backend.console.forms import Act, button, confirm, link_button
from backend.console.frame import go, head, page
from backend.console.listing import Steering, follow_typing
from backend.console.parts import badge, empty, join, row_link, show, table, when
from backend.console.transcript import answer, handed_over, question
from backend.console.visit import Visit
from backend.console.waiting import handoff_badge, section_tabs
from backend.console.words import count, exact
from knowledge.store.conversations import Reader, find_conversation, read_messages
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.assistants import assistants
from knowledge.store.queries.conversation_overviews import (
    ConversationFilter,
    Overview,
    feedback_of,
    overviews,
    wanted_conversations,
)
from knowledge.store.queries.handoffs import handoff_messages, handoffs_of
from knowledge.store.tables import Assistant, Conversation, Role

_LIMIT = 50
_WENT = {
    "": "Any outcome",
    "unanswered": "Without an answer",
    "unhelpful": "Not helpful",
    "helpful": "Helpful",
    "handed": "Asked for a person",
}
_SPANS = {"": "At any time", "1": "Since yesterday", "7": "Last 7 days", "30": "Last 30 days"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page shows; the whole of it stands in the address."""

    q: str = ""
    assistant: UUID | None = None
    went: str = ""
    days: str = ""
    after: str = ""

    def filter(self) -> ConversationFilter:
        return ConversationFilter(
            self.assistant,
            self.q,
            unanswered=self.went == "unanswered",
            helpful={"helpful": True, "unhelpful": False}.get(self.went),
            handed_off=self.went == "handed",
            since=_since(self.days),
        )

    def query(self, *leave_out: str) -> str:
        names = [one.name for one in fields(self) if one.name not in leave_out]
        given = {name: getattr(self, name) for name in names}
        return urlencode({name: str(value) for name, value in given.items() if value})

    def address(self) -> str:
        query = self.query()
        return "/console/conversations" + (f"?{query}" if query else "")


def _since(days: str) -> datetime | None:
    """The beginning of the day, so many days ago (UTC)."""
    if not days:
        return None
    first: date = datetime.now(UTC).date() - timedelta(days=int(days))
    return datetime.combine(first, time(), UTC)


@page("/conversations", "conversations")
async def conversations_page(
    visit: Visit,
    q: str = "",
    assistant: UUID | None = None,
    went: str = "",
    days: str = "",
    after: str = "",
) -> None:
    """The conversations of the workspace, newest first."""
    wanted = _Wanted(
        q[:200], assistant, went if went in _WENT else "", days if days in _SPANS else "", after
    )
    names = await _names(visit)
    with head("Conversations", below="What people asked, and what the answers rest on."):
        if visit.may(Role.EDITOR):
            button("Export", lambda: export(), "ghost")
    await section_tabs(visit, "All")

    async def draw(now: _Wanted) -> None:
        await visit.check()
        async with visit.database.reading() as session:
            found = await read_page(
                session,
                wanted_conversations(visit.workspace_id, now.filter()),
                Conversation,
                PageRequest(_LIMIT, now.after),
                newest_first=True,
            )
            seen = await overviews(session, [row.id for row in found.items])
        shown.set_content(_table(found.items, seen, names, now))
        pager.show(
            f"{len(found.items)} shown", found.next_cursor, bool(now.after or found.next_cursor)
        )

    async def export() -> None:
        path = f"/api/v1/conversations/export?{steering.wanted.query('after')}"
        ui.run_javascript(f"window.location.assign({json.dumps(path)})")

    steering = Steering(wanted, draw)
    pager, change = steering.pager, steering.change

    with ui.element("search").classes("filters"):
        box = ui.input(value=wanted.q, placeholder="Search what was said")
        box.props('outlined dense clearable data-search aria-label="Search conversations"')
        follow_typing(box.classes("grow"), lambda text: change(q=text))
        ui.select(
            {"": "All assistants"} | {str(id): name for id, name in names.items()},
            value=str(assistant or "") if assistant in names or not assistant else "",
            on_change=lambda e: change(assistant=UUID(e.value) if e.value else None),
        ).props('outlined dense options-dense aria-label="Assistant"').style("width:180px")
        ui.select(_WENT, value=wanted.went, on_change=lambda e: change(went=e.value)).props(
            'outlined dense options-dense aria-label="How it went"'
        ).style("width:190px")
        ui.select(_SPANS, value=wanted.days, on_change=lambda e: change(days=e.value)).props(
            'outlined dense options-dense aria-label="When"'
        ).style("width:160px")
    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(steering.move)
    await steering.begin()


async def _names(visit: Visit) -> dict[UUID, str]:
    async with visit.database.reading() as session:
        rows = await session.scalars(assistants(visit.workspace_id).order_by(Assistant.created_at))
        return {row.id: row.name for row in rows}


def _table(
    rows: Sequence[Conversation],
    seen: Mapping[UUID, Overview],
    names: Mapping[UUID, str],
    wanted: _Wanted,
) -> Markup:
    if not rows and wanted == _Wanted():
        return empty(
            "conversations",
            "Nobody has asked anything yet",
            Markup(
                'Put an assistant on your website under <a href="/console/assistants">Assistants'
                "</a>, or ask on its own page. Every conversation is kept here."
            ),
        )
    if not rows:
        return empty("conversations", "Nothing like that", "Try other words, or all assistants.")
    heads = (("Conversation", "fill"), ("Questions", "num"), ("How it went", ""), ("Last", "when"))
    return table(heads, (_row(row, seen[row.id], names) for row in rows), "Conversations")


def _row(row: Conversation, seen: Overview, names: Mapping[UUID, str]) -> list[Markup | str]:
    asked = names.get(row.assistant_id, "a removed assistant") if row.assistant_id else "staff"
    return [
        row_link(f"/console/conversations/{row.id}", row.title or "Untitled", f"With {asked}"),
        f"{seen.questions:,}",
        _went(seen),
        when(row.updated_at),
    ]


def _went(seen: Overview) -> Markup:
    badges = []
    if seen.handoff is not None:
        badges.append(handoff_badge(seen.handoff))
    if seen.failed:
        badges.append(badge(f"{seen.failed} failed", "bad"))
    if seen.abstained:
        badges.append(badge(f"{seen.abstained} without an answer", "quiet"))
    if seen.unhelpful:
        badges.append(badge(f"{seen.unhelpful} not helpful", "bad"))
    if seen.helpful:
        badges.append(badge(f"{seen.helpful} helpful", "good"))
    return join(badges, " ") or badge("Answered", "good")


@page("/conversations/{conversation_id}", "conversations")
async def conversation(visit: Visit, conversation_id: UUID) -> None:
    """One conversation from its first question to its last answer, and what people wrote."""
    async with visit.database.reading() as session:
        row = await find_conversation(session, Reader(visit.workspace_id), conversation_id)
        messages = await read_messages(session, row.id)
        feedback = await feedback_of(session, [message.id for message in messages])
        assistant = await session.get(Assistant, row.assistant_id) if row.assistant_id else None
        handed = await handoffs_of(session, row.id)
        written = {one.id: await handoff_messages(session, one.id) for one in handed}
    bases = assistant.knowledge_base_ids if assistant else []
    below = f"{exact(row.created_at)}, with {assistant.name if assistant else 'staff'}"
    with head(row.title or "Conversation", [("Conversations", "/console/conversations")], below):
        if visit.may(Role.ADMIN):
            button("Delete", _remove(visit, row, len(messages)), "ghost danger")
        if handed:
            link_button("Open the hand-off", f"/console/handoffs/{handed[-1].id}", "primary")
    with ui.element("div").classes("talk"):
        for message in messages:
            if message.role == "user":
                show(question(message))
                continue
            show(answer(message, feedback.get(message.id), bases))
            if message.citations:
                chain(visit, message, bases)
        for one in handed:
            show(
                Markup('<h2 class="small">Handed to a person, {}</h2>').format(
                    exact(one.created_at)
                )
            )
            show(join(map(handed_over, written[one.id])), classes="talk")
        if not messages and not handed:
            show(Markup('<p class="soft">Nothing was said.</p>'))


def _remove(visit: Visit, row: Conversation, messages: int) -> Act:
    async def remove() -> None:
        await visit.send("DELETE", f"/conversations/{row.id}")
        go("/console/conversations")

    made = confirm(
        "Delete this conversation?",
        f"This removes {count(messages, 'message')} with their citations. It cannot be undone.",
        "Delete",
        remove,
    )
    return opener(made)
