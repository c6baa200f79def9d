"""``/assistants/{public_key}``: what visitors of websites reach, from the origins listed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from backend.api.errors import PROBLEMS
from backend.api.identity_tokens import SESSION_LIFETIME, make_session, read_identity, refused
from backend.api.routes.chat import STREAMS, respond
from backend.api.schemas.assistants import PublicProfile, VisitorSession
from backend.api.schemas.chat import (
    AnswerView,
    ConversationView,
    FeedbackBody,
    MessageView,
    PublicChatBody,
    Transcript,
)
from backend.api.schemas.visitors import SessionBody, SessionView
from backend.api.state import State
from backend.api.visitor_questions import metered, question_of
from backend.api.visitors import Opened, Secret, count, count_question, refuse
from knowledge.errors import LimitExceeded, Unauthenticated
from knowledge.store.conversations import find_conversation, read_messages
from knowledge.store.queries.assistants import give_feedback
from knowledge.store.queries.conversations import find_answer, remove_conversation
from knowledge.store.queries.handoffs import is_anyone_present
from knowledge.store.queries.visits import use_identity_token

router = APIRouter(prefix="/assistants/{public_key}", tags=["visitors"], responses=PROBLEMS)

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": (
        "authorization, content-type, accept, idempotency-key, last-event-id, x-candor-visitor"
    ),
    "Access-Control-Max-Age": "600",
}


@router.options("", include_in_schema=False)
@router.options("/{rest:path}", include_in_schema=False)
async def preflight(door: Opened) -> Response:
    """What a browser asks before it sends a request to another origin."""
    return Response(status_code=204, headers=_ALLOWED)


@router.get("", summary="Read an assistant's public profile")
async def read_profile(door: Opened, state: State) -> PublicProfile:
    """What the chat shows before the first question."""
    present = False
    if door.behaviour.handoff.enabled:
        async with state.database.reading() as session:
            present = await is_anyone_present(session, door.assistant.workspace_id)
    begun = None
    if door.behaviour.anonymous:
        token = make_session(door.assistant, None, door.origin)
        begun = VisitorSession(token=token, expires_in=int(SESSION_LIFETIME.total_seconds()))
    return PublicProfile.of(door.assistant, door.behaviour, present, begun)


@router.post("/sessions", status_code=201, summary="Exchange an identity token")
async def begin_session(body: SessionBody, door: Opened, state: State) -> SessionView:
    """A session token for the visitor that the website's signed token names. A token is taken
    once; forged, old and repeated ones get the same refusal.
    """
    await count(state, door, (state.limits.sessions, door.address))
    try:
        identity = read_identity(door.assistant, body.token)
    except Unauthenticated as error:
        refuse("identity", door, error)
    async with state.database.writing() as session:
        first = await use_identity_token(
            session, door.assistant.id, identity.token_hash, identity.expires_at
        )
    if not first:
        refuse("replay", door, refused())
    return SessionView(
        session=make_session(door.assistant, identity.subject, door.origin),
        visitor=door.identified(identity.subject).visitor_name,
        expires_in=int(SESSION_LIFETIME.total_seconds()),
    )


@router.post("/chat", summary="Ask as a visitor", response_model=AnswerView, responses=STREAMS)
async def chat(
    body: PublicChatBody,
    door: Opened,
    request: Request,
    state: State,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> Response:
    """Ask, and get the answer as server-sent events or whole; see ``/chat``.

    A lost stream is taken up with the same ``Idempotency-Key`` and the ``Last-Event-ID`` seen.
    """
    reader = door.reader(body.visitor)
    await count_question(state, door, reader)
    question = question_of(
        door.assistant, door.behaviour, reader, body.question, body.conversation_id, body.page
    )
    key = (door.assistant.id, reader.visitor, idempotency_key) if idempotency_key else None
    ask = metered(state, door.assistant, reader, door.address)
    try:
        return await respond(state, request, question, body.stream, key, last_event_id, ask)
    except LimitExceeded as error:
        refuse("limit", door, error)


@router.get("/conversations/{conversation_id}", summary="Read one's own conversation")
async def read_conversation(
    conversation_id: UUID, door: Opened, state: State, visitor: Secret = ""
) -> Transcript:
    """A conversation, for the visitor who began it: ``X-Candor-Visitor`` carries the secret."""
    async with state.database.reading() as session:
        found = await find_conversation(session, door.reader(visitor), conversation_id)
        messages = await read_messages(session, found.id)
    return Transcript(
        **ConversationView.of(found).model_dump(),
        messages=[MessageView.of(message) for message in messages],
    )


@router.delete(
    "/conversations/{conversation_id}", status_code=204, summary="Delete one's own conversation"
)
async def delete_conversation(
    conversation_id: UUID, door: Opened, state: State, visitor: Secret = ""
) -> None:
    """Delete a conversation for good, with all that hangs on it, for the visitor who began it."""
    await state.chat.record.settled()  # nothing of it may be written afterwards
    async with state.database.writing() as session:
        found = await find_conversation(session, door.reader(visitor), conversation_id)
        await remove_conversation(session, found.id)


@router.post("/feedback", status_code=204, summary="Say what one thinks of an answer")
async def feedback(body: FeedbackBody, door: Opened, state: State) -> None:
    """Keep a visitor's judgement of an answer; the last one counts."""
    reader = door.reader(body.visitor)
    async with state.database.writing() as session:
        found = await find_conversation(session, reader, body.conversation_id)
        message = await find_answer(session, found.id, body.message_id)
        await give_feedback(session, message, body.helpful, body.reason, body.comment)
