"""``/assistants/{public_key}``: contact details, asking for a person, and acts of visitors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.visitors import (
    EventsBody,
    HandoffBegun,
    HandoffBody,
    HandoffMessageView,
    HandoffText,
    HandoffView,
    LeadBody,
    LeadKept,
    LeadView,
)
from backend.api.state import AppState, State
from backend.api.turns import HEARTBEAT_S
from backend.api.visitors import Door, Opened, Secret, count
from knowledge.errors import InvalidInput, NotFound
from knowledge.store.conversations import Reader, find_conversation
from knowledge.store.queries.handoffs import find_own_handoff
from knowledge.store.queries.visits import add_search_events
from knowledge.store.tables import HandoffMessage, HandoffState, Lead, utc_now

router = APIRouter(prefix="/assistants/{public_key}", tags=["visitors"], responses=PROBLEMS)


@router.post("/leads", status_code=201, response_model=LeadKept, summary="Leave contact details")
async def leave_lead(
    body: LeadBody, door: Opened, state: State, repetition: Once
) -> LeadKept | JSONResponse:
    """Keep what a visitor leaves to be contacted, with the words of consent that were shown."""
    await count(state, door, (state.limits.leads, (door.address, door.assistant.id)))
    if not body.email and not body.phone:
        raise InvalidInput("There is no e-mail address and no number.", "Give one of them.")
    assistant, reader = door.assistant, door.reader(body.visitor)
    kept: list[Lead] = []
    async with state.database.writing() as session:

        async def make() -> LeadKept:
            if body.conversation_id is not None:
                await find_conversation(session, reader, body.conversation_id)
            lead = Lead(
                workspace_id=assistant.workspace_id,
                assistant_id=assistant.id,
                **body.model_dump(exclude={"visitor"}),
            )
            session.add(lead)
            await session.flush()
            kept.append(lead)
            return LeadKept(id=lead.id)

        answer = await repetition.once_for_visitor(
            session, assistant.workspace_id, _own(door, reader), body, make
        )
    if state.lead_webhooks is not None:
        for lead in kept:
            state.lead_webhooks.tell(assistant, LeadView.of(lead))
    return answer


@router.post("/handoffs", status_code=201, response_model=HandoffBegun, summary="Ask for a person")
async def ask_for_a_person(
    body: HandoffBody, door: Opened, state: State, repetition: Once
) -> HandoffBegun | JSONResponse:
    """Begin a hand-off, or go on with the one that is open. ``message`` and ``email`` are for
    where nobody is ``present``, or it is not one of the assistant's hours.
    """
    _offered(door)
    await count(state, door, (state.limits.leads, (door.address, door.assistant.id)))
    reader = _known(door, body.visitor)
    begun: list[HandoffBegun] = []
    started = utc_now()
    async with state.database.writing() as session:

        async def make() -> HandoffBegun:
            handoff, present = await state.handoffs.ask(
                session, reader, body.conversation_id, body.text
            )
            rules = door.behaviour.handoff
            view = HandoffBegun(
                **HandoffView.of(handoff).model_dump(),
                present=present and rules.hours.are_on(utc_now()),
                email=rules.email,
                message=rules.message,
            )
            begun.append(view)
            return view

        answer = await repetition.once_for_visitor(
            session, reader.workspace_id, _own(door, reader), body, make
        )
    for handoff in begun:
        state.bells.ring(handoff.id)
        if not handoff.present and handoff.created_at >= started:
            _write_to_staff(state, door, handoff, body.text)
    return answer


def _write_to_staff(state: AppState, door: Door, handoff: HandoffBegun, text: str) -> None:
    """Tell the assistant's e-mail address of somebody who waits, where e-mail is set up."""
    if state.mail is None or not handoff.email:
        return
    url = state.options.public_url
    lines = [
        f"A visitor of {door.assistant.name} asked for a person, and nobody was there.",
        *(["They wrote:", text] if text else []),
        "Answer them in the console, under Conversations, For a person.",
        *([f"{url}/handoffs/{handoff.id}"] if url else []),
    ]
    state.mail.tell(handoff.email, f"Somebody waits: {door.assistant.name}", "\n\n".join(lines))


@router.post(
    "/handoffs/{handoff_id}/messages",
    status_code=201,
    response_model=HandoffMessageView,
    summary="Write to a person",
)
async def write(
    handoff_id: UUID, body: HandoffText, door: Opened, state: State, repetition: Once
) -> HandoffMessageView | JSONResponse:
    """Write to the staff in an open hand-off."""
    reader = _known(door, body.visitor)
    limit = state.limits.handoff_messages
    await count(state, door, (limit, (door.address, door.assistant.id)))
    async with state.database.writing() as session:

        async def make() -> HandoffMessageView:
            said = await state.handoffs.say(session, reader, handoff_id, body.text)
            return HandoffMessageView.of(said)

        answer = await repetition.once_for_visitor(
            session, reader.workspace_id, _own(door, reader), body, make
        )
    state.bells.ring(handoff_id)
    return answer


@router.post("/handoffs/{handoff_id}/close", summary="Go back to the assistant")
async def leave_handoff(
    handoff_id: UUID, door: Opened, state: State, visitor: Secret = ""
) -> HandoffView:
    """End one's own hand-off."""
    return HandoffView.of(await state.handoffs.leave(_known(door, visitor), handoff_id))


@router.get(
    "/handoffs/{handoff_id}/events",
    summary="Follow a hand-off",
    response_class=EventSourceResponse,
    responses={200: {"description": "Events `message` and `state`, until it is closed."}},
)
async def follow(
    handoff_id: UUID,
    door: Opened,
    state: State,
    visitor: Secret = "",
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> EventSourceResponse:
    """What both sides write, as it is written. ``Last-Event-ID`` is the last message seen."""
    reader = _known(door, visitor)
    async with state.database.reading() as session:
        await find_own_handoff(session, reader, handoff_id)
    return EventSourceResponse(
        _events(state, handoff_id, last_event_id), ping=HEARTBEAT_S, sep="\n"
    )


async def _events(state: AppState, handoff_id: UUID, after: int) -> AsyncIterator[ServerSentEvent]:
    try:
        async for news in state.handoffs.follow(handoff_id, after):
            yield _event(news)
    except NotFound:
        yield _event(HandoffState.CLOSED)


def _event(news: HandoffMessage | HandoffState) -> ServerSentEvent:
    if isinstance(news, HandoffState):
        return ServerSentEvent(f'{{"state":"{news.value}"}}', event="state", sep="\n")
    view = HandoffMessageView.of(news)
    return ServerSentEvent(view.model_dump_json(), event="message", id=str(view.id), sep="\n")


@router.post("/events", status_code=204, summary="Tell what was done after an answer")
async def keep_events(body: EventsBody, door: Opened, state: State) -> None:
    """Keep which citations were opened, how long they were read, which questions were put again.

    Nothing of who, from where, or in which words is kept.
    """
    reader = _known(door, body.visitor)
    async with state.database.writing() as session:
        await add_search_events(session, reader, [event.act() for event in body.events])


def _own(door: Door, reader: Reader) -> str:
    """What tells a visitor's keys from everybody else's; of a nameless one, the address."""
    return f"{door.assistant.id} {reader.visitor or door.address}"


def _offered(door: Door) -> None:
    if not door.behaviour.handoff.enabled:
        raise NotFound("Nobody can be asked for at this assistant.")


def _known(door: Door, secret: str) -> Reader:
    """The visitor, who needs a secret or a session here. Raises :class:`InvalidInput`."""
    reader = door.reader(secret)
    if not reader.visitor_name:
        raise InvalidInput("The visitor's secret is missing.", "Send `visitor`, or a session.")
    return reader
