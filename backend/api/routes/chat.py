"""``/chat`` and ``/conversations``, for staff and programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from backend.api.access import Admin, Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.search import knowledge_bases_named
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.chat import (
    AnswerView,
    ChatBody,
    ConversationView,
    ExplainedMessage,
    ExplainedTranscript,
)
from backend.api.state import AppState, State
from backend.api.turns import Ask, finish, stream
from backend.chat.events import ChatEvent
from backend.chat.turn import Question
from knowledge.store.conversations import Reader, find_conversation, read_messages
from knowledge.store.paging import read_page
from knowledge.store.queries import conversations as queries
from knowledge.store.queries.people import record
from knowledge.store.tables import Conversation

router = APIRouter(tags=["chat"], responses=PROBLEMS)

_EXAMPLE = """event: search_results
id: 1
data: {"conversation_id": "...", "message_id": "...", "query": "...", "took_ms": 8.1, "hits": []}

event: message
id: 2
data: {"delta": "Goods can be returned within 30 days."}

event: citation
id: 3
data: {"id": 1, "sentence": [0, 37], "chunk_id": "...", "span": [120, 157], "address": "..."}

event: final_answer
id: 4
data: {"answer": "...", "abstained": false, "citations": [], "took_ms": 41.7, "model": "extractive"}
"""

STREAMS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnswerView,
        "description": "The events of the turn, or the final answer alone.",
        "content": {"text/event-stream": {"example": _EXAMPLE}},
    }
}


@router.post("/chat", summary="Ask", response_model=AnswerView, responses=STREAMS)
async def chat(
    body: ChatBody,
    request: Request,
    caller: Viewer,
    state: State,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> Response:
    """Ask, and get the answer as server-sent events: ``search_results``, then ``message`` and
    ``citation``, last ``final_answer`` or ``error``. With ``"stream": false`` or ``Accept:
    application/json`` the final answer comes alone.
    """
    names = [body.knowledge_base] if body.knowledge_base else []
    ids = await knowledge_bases_named(state, caller.workspace_id, names)
    question = Question(body.question, Reader(caller.workspace_id), ids, body.conversation_id)
    key = (caller.workspace_id, caller.actor, idempotency_key) if idempotency_key else None
    return await respond(state, request, question, body.stream, key, last_event_id)


async def respond(
    state: AppState,
    request: Request,
    question: Question,
    wants_stream: bool,
    key: Hashable,
    last_event_id: int,
    ask: Ask | None = None,
) -> Response:
    """Run a turn, or take up the one that was begun with the same key and question.

    ``ask`` begins the turn where it is not to be begun plainly.
    """
    accept = request.headers.get("accept", "")
    wants_json = "application/json" in accept and "text/event-stream" not in accept
    streams = wants_stream and not wants_json
    after = last_event_id if streams else 0
    events = await _events(state, question, key, after, ask or state.chat.begin)
    if streams:
        state.metrics.answers.labels("streamed").inc()
        return stream(events, last_event_id)
    final = await finish(events)
    state.metrics.answers.labels("abstained" if final.abstained else "answered").inc()
    return JSONResponse(final.data())


async def _events(
    state: AppState, question: Question, key: Hashable, after: int, ask: Ask
) -> AsyncIterator[ChatEvent]:
    if key is None:
        return (await ask(question)).events()
    whole = (key, question.text, question.conversation_id)
    recording = state.turns.find(whole)
    if recording is None:
        recording = state.turns.begin(whole, await ask(question))
    return state.turns.follow(recording, after)


@router.get("/conversations", summary="List conversations")
async def list_conversations(
    caller: Viewer,
    state: State,
    paging: Paging,
    assistant: Annotated[UUID | None, Query(description="Only of this one.")] = None,
) -> PageView[ConversationView]:
    """Conversations of the workspace, newest first."""
    async with state.database.reading() as session:
        page = await read_page(
            session,
            queries.conversations(caller.workspace_id, assistant),
            Conversation,
            paging,
            newest_first=True,
        )
    return PageView.of(page.map(ConversationView.of))


@router.get("/conversations/{conversation_id}", summary="Read a conversation")
async def read_conversation(
    conversation_id: UUID, caller: Viewer, state: State
) -> ExplainedTranscript:
    """A conversation with its messages, citations, and why each passage was found."""
    async with state.database.reading() as session:
        found = await find_conversation(session, Reader(caller.workspace_id), conversation_id)
        messages = await read_messages(session, found.id)
    return ExplainedTranscript(
        **ConversationView.of(found).model_dump(),
        messages=[ExplainedMessage.of(message) for message in messages],
    )


@router.delete("/conversations/{conversation_id}", status_code=204, summary="Remove a conversation")
async def remove_conversation(conversation_id: UUID, caller: Admin, state: State) -> None:
    """Remove a conversation with its messages."""
    await state.chat.record.settled()  # nothing of it may be written afterwards
    async with state.database.writing() as session:
        found = await find_conversation(session, Reader(caller.workspace_id), conversation_id)
        await queries.remove_conversation(session, found.id)
        record(session, caller.workspace_id, caller.actor, "conversation.remove", str(found.id))
