"""What visitors meet: assistants, conversations and their messages."""

from __future__ import annotations

from datetime import datetime
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, JsonObject, utc_now


class Assistant(Identified, Base):
    """A chat assistant and the knowledge bases it reads.

    ``public_key`` names it on a website; it is no secret and opens nothing but its chat, from the
    origins listed. ``appearance`` and ``behaviour`` hold what its pages edit.
    ``identity_secret`` and ``identity_public_key`` (PEM) check the tokens by which a website says
    who a visitor is; empty: none are. ``session_secret`` signs the sessions of all visitors.
    New leads are sent to ``lead_webhook``, signed with ``lead_webhook_secret``.
    """

    __tablename__ = "assistants"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[str] = mapped_column(String(64), unique=True)
    knowledge_base_ids: Mapped[list[str]] = mapped_column(default_factory=list)
    allowed_origins: Mapped[list[str]] = mapped_column(default_factory=list)
    welcome: Mapped[str] = mapped_column(String(1000), default="")
    suggestions: Mapped[list[str]] = mapped_column(default_factory=list)
    appearance: Mapped[JsonObject] = mapped_column(default_factory=dict)
    behaviour: Mapped[JsonObject] = mapped_column(default_factory=dict)
    sample: Mapped[bool] = mapped_column(default=False)
    identity_secret: Mapped[str] = mapped_column(String(200), default="")
    identity_public_key: Mapped[str] = mapped_column(String(4000), default="")
    session_secret: Mapped[str] = mapped_column(String(64), default_factory=token_urlsafe)
    lead_webhook: Mapped[str] = mapped_column(String(2000), default="")
    lead_webhook_secret: Mapped[str] = mapped_column(String(200), default="")


class Conversation(Identified, Base):
    """A series of questions and answers.

    ``visitor`` is the SHA-256 in hex of a secret that only the visitor's browser keeps; empty for
    the conversations of staff.
    """

    __tablename__ = "conversations"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    assistant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assistants.id", ondelete="SET NULL"), default=None, index=True
    )
    visitor: Mapped[str] = mapped_column(String(64), default="")
    title: Mapped[str] = mapped_column(String(300), default="")
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now, index=True)


class Message(Identified, Base):
    """A question (``role`` ``user``) or an answer (``assistant``) with its citations.

    ``citations``: as sent to the reader. ``explanation``: the compact record of why each cited
    passage was found, readable after the index has changed, with the passages that the answer was
    written from (``given``), those that its budget ``cut``, and the ``confidence`` that they answer
    the question, where it was judged. ``query``: what was searched for.
    ``error_code``: set where the turn failed, and ``text`` is as far as it came.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "ordinal"),)

    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    ordinal: Mapped[int]
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text, default="")
    abstained: Mapped[bool] = mapped_column(default=False)
    citations: Mapped[list[JsonObject]] = mapped_column(default_factory=list)
    explanation: Mapped[JsonObject] = mapped_column(default_factory=dict)
    model: Mapped[str] = mapped_column(String(200), default="")
    took_ms: Mapped[float] = mapped_column(default=0.0)
    error_code: Mapped[str] = mapped_column(String(64), default="")


class Feedback(Identified, Base):
    """What a reader thinks of one answer. ``reason``: ``wrong``, ``off_topic``, ``incomplete``,
    ``bad_source``, or empty.
    """

    __tablename__ = "feedback"

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), unique=True
    )
    helpful: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(32), default="")
    comment: Mapped[str] = mapped_column(String(2000), default="")
