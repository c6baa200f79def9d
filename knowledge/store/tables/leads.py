"""Contact details that visitors leave, with what they agreed to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, utc_now


class LeadState(StrEnum):
    """How far staff have come with a lead."""

    NEW = "new"
    CONTACTED = "contacted"
    CLOSED = "closed"


class LeadTrigger(StrEnum):
    """What made the widget ask for contact details."""

    BEFORE_CHAT = "before_chat"
    MESSAGES = "messages"
    ABSTAINED = "abstained"
    HANDOFF = "handoff"
    ASKED = "asked"


class Lead(Identified, Base):
    """One visitor who wants to be contacted.

    ``consent``: the words that stood beside the form when it was sent, empty where there were none.
    ``page``: the address of the page it was sent from. A conversation that is deleted leaves its
    lead behind: the visitor asked to be contacted, and a lead is deleted by itself.
    """

    __tablename__ = "leads"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    assistant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assistants.id", ondelete="SET NULL"), default=None, index=True
    )
    conversation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("conversations.id", ondelete="SET NULL"), default=None, index=True
    )
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(60), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    consent: Mapped[str] = mapped_column(Text, default="")
    trigger: Mapped[LeadTrigger] = mapped_column(String(16), default=LeadTrigger.ASKED)
    page: Mapped[str] = mapped_column(String(2000), default="")
    state: Mapped[LeadState] = mapped_column(String(16), default=LeadState.NEW)
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
