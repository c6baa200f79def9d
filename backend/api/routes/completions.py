"""``/v1``: assistants for programs that speak OpenAI's chat completions.

The same turn as everywhere else answers; its citations come in the field ``candor``, of the whole
completion or of the last chunk.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from backend.api.access import Viewer
from backend.api.errors import PROBLEMS, problem
from backend.api.schemas.behaviour import Behaviour
from backend.api.schemas.completions import (
    AnswerMessage,
    ChatMessage,
    Choice,
    Completion,
    CompletionBody,
    Evidence,
    ModelList,
    ModelView,
    Usage,
    chunk,
)
from backend.api.state import AppState, State
from backend.api.turns import HEARTBEAT_S, AnyTurn, finish
from backend.api.visitor_questions import metered, question_of
from backend.chat.events import FinalAnswer, MessageDelta, TurnFailed
from backend.chat.writer import Exchange
from knowledge.errors import CandorError, InvalidInput
from knowledge.store.conversations import Reader
from knowledge.store.queries.assistants import every_assistant, find_assistant_named

router = APIRouter(prefix="/v1", tags=["openai"], responses=PROBLEMS)
_log = structlog.get_logger()

_STREAM = {
    200: {
        "model": Completion,
        "content": {"text/event-stream": {"example": 'data: {"choices": [...]}\n\ndata: [DONE]'}},
    }
}


@router.get("/models", summary="List assistants as models")
async def models(caller: Viewer, state: State) -> ModelList:
    """The assistants of the workspace, by name; those who share a name, by id."""
    async with state.database.reading() as session:
        found = await every_assistant(session, caller.workspace_id)
    names = [assistant.name for assistant in found]
    return ModelList(
        data=[
            ModelView(
                id=one.name if names.count(one.name) == 1 else str(one.id),
                created=int(one.created_at.timestamp()),
            )
            for one in found
        ]
    )


@router.post(
    "/chat/completions",
    summary="Ask an assistant",
    response_model=Completion,
    responses=_STREAM,  # type: ignore[arg-type]
)
async def complete(body: CompletionBody, caller: Viewer, state: State) -> Response:
    """Ask with OpenAI's request. The last message is the question; the ones before are what a
    question such as "and for companies?" is understood from.
    """
    async with state.database.reading() as session:
        assistant = await find_assistant_named(session, caller.workspace_id, body.model)
    question = question_of(
        assistant,
        Behaviour.of(assistant.behaviour),
        Reader(caller.workspace_id, assistant.id),
        _asked(body.messages),
        history=_history(body.messages[:-1]),
    )
    turn = await metered(state, assistant, question.reader)(question)
    base = {"id": f"chatcmpl-{uuid4()}", "created": int(time.time()), "model": body.model}
    if body.stream:
        events = _chunks(state, turn, base, question.text, body.stream_options.include_usage)
        return EventSourceResponse(events, ping=HEARTBEAT_S, sep="\n")
    final = await finish(turn.events())
    completion = Completion(
        **base,
        choices=[Choice(message=AnswerMessage(content=final.answer))],
        usage=await _usage(state, question.text, final.answer),
        candor=_evidence(final),
    )
    return JSONResponse(completion.model_dump(mode="json"))


def _asked(messages: list[ChatMessage]) -> str:
    if messages[-1].role != "user":
        raise InvalidInput(
            "The last message is not the user's.", "Send the question as the last message."
        )
    return messages[-1].text()


def _history(messages: list[ChatMessage]) -> tuple[Exchange, ...]:
    """The questions before that were answered, each with its answer."""
    spoken = [one for one in messages if one.role in ("user", "assistant")]
    return tuple(
        Exchange(asked.text(), told.text())
        for asked, told in pairwise(spoken)
        if (asked.role, told.role) == ("user", "assistant")
    )


async def _chunks(
    state: AppState, turn: AnyTurn, base: dict[str, Any], question: str, with_usage: bool
) -> AsyncIterator[ServerSentEvent]:
    final: FinalAnswer | None = None
    yield _data(chunk(base, {"role": "assistant", "content": ""}))
    try:
        async for event in turn.events():
            if isinstance(event, MessageDelta):
                yield _data(chunk(base, {"content": event.delta}))
            elif isinstance(event, TurnFailed):
                yield _data({"error": _error(event.error)})
                return
            elif isinstance(event, FinalAnswer):
                final = event
    except Exception as error:  # noqa: BLE001 - the edge: headers are sent, a status is too late
        _log.error("a turn failed unexpectedly", exc_info=error)
        unexpected = CandorError("The answer was broken off by an unexpected error.", "Ask again.")
        yield _data({"error": _error(unexpected)})
        return
    assert final is not None, "a turn ends with a final answer or an error"
    evidence = _evidence(final).model_dump(mode="json")
    yield _data(chunk(base, {}, finish_reason="stop", candor=evidence))
    if with_usage:
        usage = (await _usage(state, question, final.answer)).model_dump()
        yield _data(base | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield ServerSentEvent("[DONE]", sep="\n")


def _data(content: dict[str, Any]) -> ServerSentEvent:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(text, sep="\n")


def _error(error: CandorError) -> dict[str, Any]:
    """An error as OpenAI's clients read it from a stream, with all that a problem tells."""
    told = problem(error)
    return told | {"message": f"{error.detail} {error.action}".strip(), "code": error.code}


def _evidence(final: FinalAnswer) -> Evidence:
    return Evidence.model_validate(final.data() | {"written_by": final.model})


async def _usage(state: AppState, question: str, answer: str) -> Usage:
    counts = await asyncio.to_thread(state.encoder.count_tokens, [question, answer])
    return Usage(prompt_tokens=counts[0], completion_tokens=counts[1], total_tokens=sum(counts))
