"""Conversations: what visitors asked, what they were told, and on what it rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import opener
from backend.console.forms import Act, button, confirm
from backend.console.frame import go, head, page
from backend.console.listing import Pager, follow_typing
from backend.console.parts import badge, empty, join, row_link, show, table, when
from backend.console.prose import prose
from backend.console.visit import Visit
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
from knowledge.store.tables import Assistant, Conversation, Feedback, Message, Role

_LIMIT = 50
_REASONS = {
    "wrong": "wrong",
    "off_topic": "off topic",
    "incomplete": "incomplete",
    "bad_source": "bad source",
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page shows; the whole of it stands in the address."""

    q: str = ""
    assistant: UUID | None = None
    unanswered: bool = False
    after: str = ""

    def filter(self) -> ConversationFilter:
        return ConversationFilter(self.assistant, self.q, self.unanswered)

    def address(self) -> str:
        given = {name: getattr(self, name) for name in self.__slots__}
        query = urlencode({name: str(value) for name, value in given.items() if value})
        return "/console/conversations" + (f"?{query}" if query else "")


@page("/conversations", "conversations")
async def conversations_page(
    visit: Visit,
    q: str = "",
    assistant: UUID | None = None,
    unanswered: bool = False,
    after: str = "",
) -> None:
    """The conversations of the workspace, newest first."""
    wanted = _Wanted(q[:200], assistant, unanswered, after)
    names = await _names(visit)
    head("Conversations", below="What people asked, and what the answers rest on.")
    pager = Pager(wanted.after)

    async def draw(now: _Wanted) -> None:
        nonlocal wanted
        wanted = now
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

    async def move(cursor: str) -> None:
        await go(replace(wanted, after=cursor))

    async def go(now: _Wanted) -> None:
        await draw(now)
        ui.navigate.history.replace(now.address())

    async def change(**changed: object) -> None:
        pager.reset()
        await go(replace(wanted, after="", **changed))  # type: ignore[arg-type]

    with ui.element("search").classes("filters"):
        box = ui.input(value=wanted.q, placeholder="Search what was said")
        box.props('outlined dense clearable data-search aria-label="Search conversations"')
        follow_typing(box.classes("grow"), lambda text: change(q=text))
        ui.select(
            {"": "All assistants"} | {str(id): name for id, name in names.items()},
            value=str(assistant or "") if assistant in names or not assistant else "",
            on_change=lambda e: change(assistant=UUID(e.value) if e.value else None),
        ).props('outlined dense options-dense aria-label="Assistant"').style("width:200px")
        ui.checkbox(
            "Without an answer",
            value=unanswered,
            on_change=lambda e: change(unanswered=bool(e.value)),
        )
    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(move)
    await draw(wanted)


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
    """One conversation from its first question to its last answer."""
    async with visit.database.reading() as session:
        row = await find_conversation(session, Reader(visit.workspace_id), conversation_id)
        messages = await read_messages(session, row.id)
        feedback = await feedback_of(session, [message.id for message in messages])
        assistant = await session.get(Assistant, row.assistant_id) if row.assistant_id else None
    bases = assistant.knowledge_base_ids if assistant else []
    below = f"{exact(row.created_at)}, with {assistant.name if assistant else 'staff'}"
    with head(row.title or "Conversation", [("Conversations", "/console/conversations")], below):
        if visit.may(Role.ADMIN):
            button("Delete", _remove(visit, row, len(messages)), "ghost danger")
    show(join(_turn(one, feedback.get(one.id), bases) for one in messages), classes="talk")


def _turn(message: Message, feedback: Feedback | None, bases: Sequence[str]) -> Markup:
    if message.role == "user":
        return Markup(
            '<div class="turn user"><div class="said">{}</div><div class="meta">{}</div></div>'
        ).format(message.text, exact(message.created_at))
    flags = []
    if message.abstained:
        flags.append(badge("No answer found", "quiet"))
    if message.error_code:
        flags.append(badge("The answer failed", "bad"))
    if feedback is not None:
        flags.append(_feedback(feedback))
    query = urlencode([("q", message.query or message.text), *(("in", base) for base in bases)])
    return Markup(
        '<div class="turn assistant"><div class="said reader">{}</div>{}<div class="meta">{}'
        "<span>{:.0f} ms</span><span>{}</span>{}</div></div>"
    ).format(
        _with_citations(message),
        _sources(message),
        join(flags, " "),
        message.took_ms,
        message.model or "no model",
        Markup('<a href="/console/explain?{}">Explain</a>').format(query) if message.query else "",
    )


def _feedback(given: Feedback) -> Markup:
    reason = _REASONS.get(given.reason, "")
    words = "Helpful" if given.helpful else "Not helpful"
    shown = badge(f"{words}: {reason}" if reason else words, "good" if given.helpful else "bad")
    if given.comment:
        shown += Markup(" <q>{}</q>").format(given.comment)
    return shown


def _with_citations(message: Message) -> Markup:
    """The answer with its citation numbers at the end of each sentence that has one."""
    seen = dict.fromkeys((int(one["sentence"][1]), int(one["id"])) for one in message.citations)
    return prose(
        message.text,
        (
            (
                end,
                Markup('<a class="cite" href="#s{0}-{1}" aria-label="Source {1}">{1}</a>').format(
                    message.ordinal, number
                ),
            )
            for end, number in seen
        ),
    )


def _sources(message: Message) -> Markup:
    """Where each number leads, and by which words its passage was found then."""
    by_number = {int(one["id"]): one for one in reversed(message.citations)}
    if not by_number:
        return Markup("")
    found = {one["chunk_id"]: one for one in message.explanation.get("passages", ())}
    lines = join(
        Markup('<li id="s{}-{}"><span class="cite">{}</span><span>{}{}</span></li>').format(
            message.ordinal,
            number,
            number,
            _link(str(by_number[number]["address"]), str(by_number[number]["title"])),
            _found_by(found.get(by_number[number]["chunk_id"])),
        )
        for number in sorted(by_number)
    )
    return Markup('<ol class="sources">{}</ol>').format(lines)


def _link(address: str, title: str) -> Markup:
    if address.startswith(("http://", "https://")):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, title or address)
    return Markup("{}").format(title or address)


def _found_by(passage: Mapping[str, object] | None) -> Markup:
    words = passage.get("words") if passage else None
    if not isinstance(words, list) or not words:
        return Markup("")
    said = ", ".join(f"{one['word']} {one['share']:.0%}" for one in words[:4])
    return Markup(' <span class="soft small">found by {}</span>').format(said)


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
