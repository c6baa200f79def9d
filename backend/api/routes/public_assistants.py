"""``/assistants/{public_key}``: what visitors of websites reach, from the origins listed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from backend.api.access import own_origins
from backend.api.errors import PROBLEMS
from backend.api.routes.chat import STREAMS, respond
from backend.api.schemas.assistants import PublicProfile
from backend.api.schemas.chat import (
    AnswerView,
    ConversationView,
    FeedbackBody,
    MessageView,
    PublicChatBody,
    Transcript,
)
from backend.api.state import AppState, State
from backend.chat.turn import Question
from knowledge.errors import Forbidden
from knowledge.store.conversations import Reader, find_conversation, read_messages
from knowledge.store.queries.assistants import find_public_assistant, give_feedback
from knowledge.store.queries.conversations import find_answer
from knowledge.store.tables import Assistant

router = APIRouter(prefix="/assistants/{public_key}", tags=["visitors"], responses=PROBLEMS)

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": (
        "content-type, accept, idempotency-key, last-event-id, x-candor-visitor"
    ),
    "Access-Control-Max-Age": "600",
}


async def open_assistant(request: Request, state: AppState, public_key: str) -> Assistant:
    """The assistant, if this request may speak to it.

    Raises :class:`NotFound`, and :class:`Forbidden` where a browser sent the request from a page
    of an origin that the assistant does not list.
    """
    async with state.database.reading() as session:
        assistant = await find_public_assistant(session, public_key)
    origin = request.headers.get("origin")
    if origin is None:
        return assistant
    if origin not in own_origins(request, state):
        if origin.lower() not in assistant.allowed_origins:
            raise Forbidden(
                "This assistant does not answer on this website.",
                "Add the website's origin to the assistant's allowed origins.",
            )
        request.state.cors_origin = origin
    return assistant


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.options("", include_in_schema=False)
@router.options("/{rest:path}", include_in_schema=False)
async def preflight(request: Request, state: State, public_key: str) -> Response:
    """What a browser asks before it sends a request to another origin."""
    state.limits.public_reads.take(_address(request))
    await open_assistant(request, state, public_key)
    return Response(status_code=204, headers=_ALLOWED)


@router.get("", summary="Read an assistant's public profile")
async def read_profile(request: Request, state: State, public_key: str) -> PublicProfile:
    """What the chat shows before the first question."""
    state.limits.public_reads.take(_address(request))
    return PublicProfile.of(await open_assistant(request, state, public_key))


@router.post("/chat", summary="Ask as a visitor", response_model=AnswerView, responses=STREAMS)
async def chat(
    body: PublicChatBody,
    request: Request,
    state: State,
    public_key: str,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> Response:
    """Ask, and get the answer as server-sent events or whole; see ``/chat``.

    A lost stream is taken up with the same ``Idempotency-Key`` and the ``Last-Event-ID`` seen.
    """
    assistant = await open_assistant(request, state, public_key)
    state.limits.chat_by_address.take((_address(request), assistant.id))
    state.limits.chat_by_assistant.take(assistant.id)
    question = Question(
        body.question,
        Reader(assistant.workspace_id, assistant.id, body.visitor),
        tuple(UUID(text) for text in assistant.knowledge_base_ids),
        body.conversation_id,
        tone=str(assistant.behaviour.get("tone", "")),
    )
    key = (assistant.id, body.visitor, idempotency_key) if idempotency_key else None
    return await respond(state, request, question, body.stream, key, last_event_id)


@router.get("/conversations/{conversation_id}", summary="Read one's own conversation")
async def read_conversation(
    request: Request,
    state: State,
    public_key: str,
    conversation_id: UUID,
    x_candor_visitor: Annotated[str, Header(max_length=200)] = "",
) -> Transcript:
    """A conversation, for the visitor who began it: ``X-Candor-Visitor`` carries the secret."""
    state.limits.public_reads.take(_address(request))
    assistant = await open_assistant(request, state, public_key)
    reader = Reader(assistant.workspace_id, assistant.id, x_candor_visitor)
    async with state.database.reading() as session:
        found = await find_conversation(session, reader, conversation_id)
        messages = await read_messages(session, found.id)
    return Transcript(
        **ConversationView.of(found).model_dump(),
        messages=[MessageView.of(message) for message in messages],
    )


@router.post("/feedback", status_code=204, summary="Say what one thinks of an answer")
async def feedback(body: FeedbackBody, request: Request, state: State, public_key: str) -> None:
    """Keep a visitor's judgement of an answer; the last one counts."""
    state.limits.public_reads.take(_address(request))
    assistant = await open_assistant(request, state, public_key)
    reader = Reader(assistant.workspace_id, assistant.id, body.visitor)
    async with state.database.writing() as session:
        found = await find_conversation(session, reader, body.conversation_id)
        message = await find_answer(session, found.id, body.message_id)
        await give_feedback(session, message, body.helpful, body.reason, body.comment)
