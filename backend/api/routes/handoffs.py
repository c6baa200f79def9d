"""``/handoffs``: visitors who asked for a person, for the staff who answer them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from backend.api.access import Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.visitors import (
    HandoffMessageView,
    HandoffTranscript,
    HandoffView,
    PresenceBody,
    ReplyBody,
)
from backend.api.state import State
from knowledge.store.paging import read_page
from knowledge.store.queries import handoffs as queries
from knowledge.store.queries.people import record
from knowledge.store.tables import Handoff, HandoffState, Sender

router = APIRouter(prefix="/handoffs", tags=["handoffs"], responses=PROBLEMS)


@router.get("", summary="List hand-offs")
async def list_handoffs(
    caller: Viewer,
    state: State,
    paging: Paging,
    state_is: Annotated[HandoffState | None, Query(alias="state")] = None,
    assistant: Annotated[UUID | None, Query(description="Only of this one.")] = None,
) -> PageView[HandoffView]:
    """Hand-offs of the workspace, newest first."""
    async with state.database.reading() as session:
        page = await read_page(
            session,
            queries.handoffs(caller.workspace_id, state_is, assistant),
            Handoff,
            paging,
            newest_first=True,
        )
    return PageView.of(page.map(HandoffView.of))


@router.put("/presence", status_code=204, summary="Say whether one is there")
async def set_presence(body: PresenceBody, caller: Editor, state: State) -> None:
    """Visitors who ask for a person are told that somebody is there, for two minutes after each
    call with ``present``.
    """
    async with state.database.writing() as session:
        change = queries.be_present if body.present else queries.be_absent
        await change(session, caller.workspace_id, caller.actor)


@router.get("/{handoff_id}", summary="Read a hand-off")
async def read_handoff(handoff_id: UUID, caller: Viewer, state: State) -> HandoffTranscript:
    """One hand-off with what was written in it; ``/conversations`` has what went before."""
    async with state.database.reading() as session:
        found = await queries.find_handoff(session, caller.workspace_id, handoff_id)
        messages = await queries.handoff_messages(session, found.id)
    return HandoffTranscript(
        **HandoffView.of(found).model_dump(),
        taken_by=found.taken_by,
        messages=[HandoffMessageView.of(message) for message in messages],
    )


@router.post(
    "/{handoff_id}/messages",
    status_code=201,
    response_model=HandoffMessageView,
    summary="Reply to a visitor",
)
async def reply(
    handoff_id: UUID, body: ReplyBody, caller: Editor, state: State, repetition: Once
) -> HandoffMessageView | JSONResponse:
    """Write to the visitor, who sees it at once. The first reply takes the hand-off."""
    async with state.database.writing() as session:

        async def make() -> HandoffMessageView:
            found = await queries.find_handoff(session, caller.workspace_id, handoff_id)
            message = await queries.add_handoff_message(
                session, found, Sender.STAFF, body.text, author=caller.actor, name=body.name
            )
            return HandoffMessageView.of(message)

        made = await repetition.once(session, caller, body, make)
    state.bells.ring(handoff_id)
    return made


@router.post("/{handoff_id}/close", summary="Close a hand-off")
async def close(handoff_id: UUID, caller: Editor, state: State) -> HandoffView:
    """End a hand-off: the assistant answers again."""
    closed = await state.handoffs.close(caller.workspace_id, handoff_id)
    async with state.database.writing() as session:
        record(session, caller.workspace_id, caller.actor, "handoff.close", str(handoff_id))
    return HandoffView.of(closed)
