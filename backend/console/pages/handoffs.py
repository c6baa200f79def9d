"""Hand-offs: visitors who want a person, answered from here, live on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from markupsafe import Markup
from nicegui import background_tasks, ui
from nicegui.events import ValueChangeEventArguments

from backend.console.adding import opener
from backend.console.forms import Act, area, button, confirm, field
from backend.console.frame import done, head, page, show_error, tell
from backend.console.listing import Pager
from backend.console.parts import NOTHING, empty, row_link, show, table, when
from backend.console.transcript import handed_over, turns
from backend.console.visit import Visit
from backend.console.waiting import handoff_badge, section_tabs
from backend.console.words import exact
from knowledge.errors import CandorError, InvalidInput, NotFound
from knowledge.store.conversations import read_messages
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.handoffs import find_handoff, handoffs, is_present
from knowledge.store.tables import (
    Assistant,
    Conversation,
    Handoff,
    HandoffMessage,
    HandoffState,
    Role,
)

_LIMIT = 50
_LOOKED_EVERY_S = 3.0
_PRESENT_EVERY_S = 60.0
_STATES = {
    "waiting": "Waiting",
    "active": "With a person",
    "closed": "Closed",
    "": "All of them",
}


@page("/handoffs", "conversations")
async def handoffs_page(visit: Visit, state: str = "waiting", after: str = "") -> None:
    """Who wants a person, newest first; it changes by itself."""
    state = state if state in _STATES else "waiting"
    head("Conversations", below="Visitors who want a person. What you write reaches them at once.")
    await section_tabs(visit, "people")
    cursor, last = after[:200], None
    pager = Pager(cursor)

    async def draw() -> None:
        nonlocal last
        async with visit.database.reading() as session:
            found = await read_page(
                session,
                handoffs(visit.workspace_id, HandoffState(state) if state else None),
                Handoff,
                PageRequest(_LIMIT, cursor),
                newest_first=True,
            )
            titles = {
                row.id: await session.get(Conversation, row.conversation_id) for row in found.items
            }
        seen = [(row.id, row.state, row.updated_at) for row in found.items]
        if seen == last:
            return
        last = seen
        shown.set_content(_table(found.items, titles, state))
        pager.show(
            f"{len(found.items)} shown", found.next_cursor, bool(cursor or found.next_cursor)
        )

    async def change(event: ValueChangeEventArguments[str]) -> None:
        nonlocal state, cursor
        state, cursor = event.value or "", ""
        pager.reset()
        await again()

    async def move(wanted: str) -> None:
        nonlocal cursor
        cursor = wanted
        await again()

    async def again() -> None:
        await visit.check()
        await draw()
        query = f"state={state}" + (f"&after={cursor}" if cursor else "")
        ui.navigate.history.replace(f"/console/handoffs?{query}")

    async def look() -> None:
        try:
            await visit.check()
            await draw()
        except CandorError as error:
            timer.deactivate()
            tell(error)

    with ui.element("div").classes("filters"):
        ui.select(_STATES, value=state, on_change=change).props(
            'outlined dense options-dense aria-label="Which"'
        ).style("width:200px")
        if visit.may(Role.EDITOR):
            await _presence(visit)
    with ui.element("div").classes("card"):
        shown = show(Markup("")).props("aria-live=polite")
        pager.place(move)
    await draw()
    timer = ui.timer(_LOOKED_EVERY_S, look, immediate=False)


async def _presence(visit: Visit) -> None:
    """A switch that tells visitors that somebody is there, as long as this page is open."""
    async with visit.database.reading() as session:
        here = await is_present(session, visit.workspace_id, visit.caller.actor)

    async def tell_them() -> None:
        try:
            await visit.send("PUT", "/handoffs/presence", {"present": bool(box.value)})
        except CandorError as error:
            again.deactivate()
            tell(error)

    async def changed() -> None:
        again.active = bool(box.value)
        await tell_them()
        done("Visitors see that somebody is here." if box.value else "Visitors see that you left.")

    box = ui.switch("I am here for visitors", value=here, on_change=changed)
    again = ui.timer(_PRESENT_EVERY_S, tell_them, active=here, immediate=here)


def _table(
    rows: Sequence[Handoff], titles: Mapping[UUID, Conversation | None], state: str
) -> Markup:
    if not rows:
        words = {"waiting": "Nobody is waiting", "": "Nobody has asked for a person yet"}
        return empty(
            "conversations",
            words.get(state, "Nothing like that"),
            Markup(
                "Whether visitors may ask for a person is set for each assistant under "
                '<a href="/console/assistants">Assistants</a>.'
            ),
        )
    heads = (("Conversation", "fill"), ("State", ""), ("Answered by", ""), ("Last", "when"))
    lines = []
    for row in rows:
        of = titles[row.id]
        lines.append(
            [
                row_link(
                    f"/console/handoffs/{row.id}",
                    (of.title if of else "") or "Wants to speak to somebody",
                    Markup("asked {}").format(when(row.created_at)),
                ),
                handoff_badge(HandoffState(row.state)),
                row.taken_by or "nobody yet",
                when(row.updated_at),
            ]
        )
    return table(heads, lines, "Hand-offs")


@page("/handoffs/{handoff_id}", "conversations")
async def handoff_page(visit: Visit, handoff_id: UUID) -> None:
    """One hand-off: what went before, what both sides write, and the words of an answer."""
    async with visit.database.reading() as session:
        row = await find_handoff(session, visit.workspace_id, handoff_id)
        of = await session.get(Conversation, row.conversation_id)
        before = await read_messages(session, row.conversation_id)
        assistant = await session.get(Assistant, row.assistant_id) if row.assistant_id else None
    crumbs = [("Conversations", "/console/conversations"), ("For a person", "/console/handoffs")]
    below = f"Asked for a person {exact(row.created_at)}"
    below += f", at {assistant.name}" if assistant else ""
    with head((of.title if of else "") or "Wants to speak to somebody", crumbs, below) as actions:
        badge_room = show(handoff_badge(HandoffState(row.state))).props("role=status")
    if before:
        with ui.element("details").classes("card pad before"):
            show(Markup("What was said to the assistant before"), tag="summary")
            bases = assistant.knowledge_base_ids if assistant else []
            show(turns(before, bases), classes="talk")
    talk = (
        ui.element("div")
        .classes("talk live")
        .props('role=log aria-live=polite aria-label="Written"')
    )
    closing: ui.button | None = None
    writing = ui.element("div").classes("reply form")
    if visit.may(Role.EDITOR):
        with actions:
            closing = button("Close hand-off", _close(visit, row.id), "ghost")
        with writing:
            _reply(visit, row.id)
    else:
        with writing:
            show(Markup('<p class="soft">An editor can answer here.</p>'))

    def state_is(now: HandoffState) -> None:
        badge_room.set_content(handoff_badge(now))
        if now is HandoffState.CLOSED:
            writing.set_visibility(False)
            if closing is not None:
                closing.set_visibility(False)

    async def listen() -> None:
        try:
            async for news in visit.state.handoffs.follow(row.id):
                await visit.check()
                if isinstance(news, HandoffState):
                    state_is(news)
                    continue
                with talk:
                    show(_written(news))
        except NotFound:
            writing.set_visibility(False)
        except CandorError as error:
            with talk:
                show_error(error)

    client = ui.context.client

    async def begin() -> None:
        task = background_tasks.create(listen(), name=f"hand-off {row.id}")
        client.on_delete(task.cancel)

    ui.timer(0.01, begin, once=True)


def _written(message: HandoffMessage) -> Markup:
    return handed_over(message) if message.text else NOTHING


def _reply(visit: Visit, handoff_id: UUID) -> None:
    words = area("Your answer", "", "Control and Enter sends it.", rows=3)
    name = field("Signed as", _first_name(visit.caller.actor), "What the visitor sees of you.")

    async def send() -> None:
        text = words.value.strip()
        if not text:
            raise InvalidInput("There is nothing to send yet.", "Write something.")
        body = {"text": text, "name": name.value.strip()}
        await visit.send("POST", f"/handoffs/{handoff_id}/messages", body)
        if words.value.strip() == text:
            words.value = ""

    async def send_by_key() -> None:
        try:
            await send()
        except CandorError as error:
            tell(error)

    words.on("keydown.ctrl.enter", send_by_key)
    with ui.element("div").classes("actions"):
        button("Send", send, "primary")


def _first_name(actor: str) -> str:
    """What somebody may be called by their address."""
    return actor.partition("@")[0].partition(".")[0].capitalize()[:60]


def _close(visit: Visit, handoff_id: UUID) -> Act:
    async def close() -> None:
        with suppress(NotFound):
            await visit.send("POST", f"/handoffs/{handoff_id}/close")

    made = confirm(
        "Close this hand-off?",
        "The assistant answers the visitor again. The visitor can ask for a person once more.",
        "Close it",
        close,
    )
    return opener(made)
