"""``/conversations/export``: what visitors asked and were told, as one table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from backend.api.access import Editor
from backend.api.errors import PROBLEMS
from backend.api.state import AppState, State
from knowledge.spreadsheet import csv_rows
from knowledge.store.conversations import read_messages
from knowledge.store.queries.conversation_overviews import (
    ConversationFilter,
    every_conversation,
    feedback_of,
)
from knowledge.store.queries.people import record
from knowledge.store.tables import Conversation, Feedback, Message

router = APIRouter(tags=["chat"], responses=PROBLEMS)

_COLUMNS = (
    "conversation_id", "message_id", "created_at", "assistant_id", "question", "answer",
    "abstained", "error_code", "helpful", "reason", "comment", "sources", "model", "took_ms",
)  # fmt: skip

Went = Literal["", "unanswered", "helpful", "unhelpful", "handed"]


def _wanted(
    assistant: Annotated[UUID | None, Query(description="Only of this one.")] = None,
    q: Annotated[str, Query(max_length=200, description="In what was said.")] = "",
    went: Annotated[Went, Query(description="Only those that went this way.")] = "",
    days: Annotated[
        int | None, Query(ge=0, le=3650, description="Begun in the last so many days.")
    ] = None,
) -> ConversationFilter:
    since = None
    if days is not None:
        first = datetime.now(UTC).date() - timedelta(days=days)
        since = datetime.combine(first, time(), UTC)
    return ConversationFilter(
        assistant,
        q,
        unanswered=went == "unanswered",
        helpful={"helpful": True, "unhelpful": False}.get(went),
        handed_off=went == "handed",
        since=since,
    )


Wanted = Annotated[ConversationFilter, Depends(_wanted)]


@router.get(
    "/conversations/export",
    summary="Export conversations as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"example": ",".join(_COLUMNS)}}}},
)
async def export_conversations(caller: Editor, state: State, wanted: Wanted) -> StreamingResponse:
    """Every answer in one row with its question, newest conversation first."""
    async with state.database.writing() as session:
        record(session, caller.workspace_id, caller.actor, "conversation.export")
    return StreamingResponse(
        _lines(state, caller.workspace_id, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="conversations.csv"'},
    )


async def _lines(
    state: AppState, workspace_id: UUID, wanted: ConversationFilter
) -> AsyncIterator[str]:
    """The table, one conversation after another: all of them may not fit into memory."""
    yield csv_rows([_COLUMNS])
    async with state.database.reading() as session:
        async for row in every_conversation(session, workspace_id, wanted):
            messages = await read_messages(session, row.id)
            feedback = await feedback_of(session, [one.id for one in messages])
            lines = _rows(row, messages, feedback)
            yield csv_rows(lines)


def _rows(
    row: Conversation, messages: list[Message], feedback: dict[UUID, Feedback]
) -> list[list[object]]:
    """One row for each answer; a question that has none stands alone."""
    lines: list[list[object]] = []
    asked: Message | None = None
    for message in messages:
        if message.role == "user":
            if asked is not None:
                lines.append(_cells(row, asked, None, None))
            asked = message
            continue
        lines.append(_cells(row, asked, message, feedback.get(message.id)))
        asked = None
    if asked is not None:
        lines.append(_cells(row, asked, None, None))
    return lines


def _cells(
    row: Conversation, asked: Message | None, told: Message | None, given: Feedback | None
) -> list[object]:
    said = told or asked
    sources = dict.fromkeys(one["address"] for one in told.citations) if told else {}
    return [
        row.id,
        said.id if said else None,
        said.created_at.isoformat() if said else None,
        row.assistant_id,
        asked.text if asked else None,
        told.text if told else None,
        told.abstained if told else None,
        told.error_code if told else None,
        given.helpful if given else None,
        given.reason if given else None,
        given.comment if given else None,
        " ".join(sources),
        told.model if told else None,
        round(told.took_ms) if told else None,
    ]
