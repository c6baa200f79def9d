"""Conversations that people take over from an assistant."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, utc_now


class HandoffState(StrEnum):
    """``waiting`` until staff reply for the first time, then ``active``, last ``closed``."""

    WAITING = "waiting"
    ACTIVE = "active"
    CLOSED = "closed"


class Sender(StrEnum):
    """Which side of a hand-off wrote a message."""

    VISITOR = "visitor"
    STAFF = "staff"


class Handoff(Identified, Base):
    """A visitor who asked for a person, and what the two write to each other.

    ``taken_by``: who of the staff replied first. ``updated_at``: when the last message came, or it
    was closed. It goes with its conversation.
    """

    __tablename__ = "handoffs"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    assistant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assistants.id", ondelete="SET NULL"), default=None, index=True
    )
    state: Mapped[HandoffState] = mapped_column(String(16), default=HandoffState.WAITING)
    taken_by: Mapped[str] = mapped_column(String(320), default="")
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class HandoffMessage(Identified, Base):
    """What one side of a hand-off wrote.

    ``ordinal`` counts from 1. ``author`` is for staff alone (an e-mail address or a token's name);
    ``name`` is what the visitor sees of them.
    """

    __tablename__ = "handoff_messages"
    __table_args__ = (UniqueConstraint("handoff_id", "ordinal"),)

    handoff_id: Mapped[UUID] = mapped_column(ForeignKey("handoffs.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    sender: Mapped[Sender] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(320), default="")
    name: Mapped[str] = mapped_column(String(200), default="")


class StaffPresence(Base):
    """When somebody of the staff was last seen waiting for visitors who want a person."""

    __tablename__ = "staff_presence"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    actor: Mapped[str] = mapped_column(String(320), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
