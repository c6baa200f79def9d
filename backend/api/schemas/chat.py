"""Asking, and the conversations that come of it, over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from backend.api.schemas.visitors import PageContext, VisitorSecret
from knowledge.store.tables import Conversation, Message


class ChatBody(Body):
    """A question of staff or of a program."""

    question: str = Field(max_length=200_000, examples=["How do I return an order?"])
    knowledge_base: str = Field(default="", description="Name or id; empty: all but the sample's.")
    conversation_id: UUID | None = None
    stream: bool = True


class PublicChatBody(Body):
    """A question of a visitor. ``page``: what the website says of the page that they are on."""

    question: str = Field(max_length=20_000, examples=["How do I return an order?"])
    conversation_id: UUID | None = None
    visitor: VisitorSecret = ""
    page: PageContext | None = None
    stream: bool = True


class CitationView(BaseModel):
    """One sentence of the answer and the place that it rests on; spans in code points."""

    id: int
    sentence: tuple[int, int]
    chunk_id: UUID
    span: tuple[int, int]
    address: str
    title: str


class AnswerView(BaseModel):
    """A whole answer. ``notice`` tells what was out of the ordinary."""

    conversation_id: UUID
    message_id: UUID
    answer: str
    abstained: bool
    citations: list[CitationView]
    took_ms: float
    model: str = Field(examples=["extractive"])
    notice: str = ""


class FeedbackBody(Body):
    """What a visitor thinks of an answer."""

    conversation_id: UUID
    message_id: UUID
    visitor: VisitorSecret = ""
    helpful: bool
    reason: Literal["", "wrong", "off_topic", "incomplete", "bad_source"] = ""
    comment: str = Field(default="", max_length=2000)


class ConversationView(BaseModel):
    """A conversation."""

    id: UUID
    assistant_id: UUID | None
    title: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Conversation) -> ConversationView:
        """The view of a record."""
        return cls(
            id=row.id,
            assistant_id=row.assistant_id,
            title=row.title,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class MessageView(BaseModel):
    """A question or an answer."""

    id: UUID
    role: str
    text: str
    abstained: bool
    citations: list[dict[str, Any]]
    model: str
    took_ms: float
    error_code: str
    created_at: datetime

    @classmethod
    def of(cls, row: Message) -> MessageView:
        """The view of a record."""
        return cls(
            id=row.id,
            role=row.role,
            text=row.text,
            abstained=row.abstained,
            citations=row.citations,
            model=row.model,
            took_ms=row.took_ms,
            error_code=row.error_code,
            created_at=row.created_at,
        )


class ExplainedMessage(MessageView):
    """A message with what was searched for and why each cited passage was found."""

    query: str
    explanation: dict[str, Any]

    @classmethod
    def of(cls, row: Message) -> ExplainedMessage:
        """The view of a record."""
        seen = MessageView.of(row).model_dump()
        return cls(**seen, query=row.query, explanation=row.explanation)


class Transcript(ConversationView):
    """A conversation as its visitor may read it."""

    messages: list[MessageView]


class ExplainedTranscript(ConversationView):
    """A conversation as staff may read it."""

    messages: list[ExplainedMessage]
