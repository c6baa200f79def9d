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


class LeadRating(StrEnum):
    """What staff think of a lead once they have spoken to it; ``NONE``: not said yet."""

    NONE = ""
    GOOD = "good"
    POOR = "poor"


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
    ``contacted_at``: when staff first took it out of the state ``NEW``.
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
    rating: Mapped[LeadRating] = mapped_column(String(16), default=LeadRating.NONE)
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    contacted_at: Mapped[datetime | None] = mapped_column(default=None)


class DeliveryState(StrEnum):
    """How far a message to a webhook has come."""

    SENDING = "sending"
    TAKEN = "taken"
    FAILED = "failed"


class LeadDelivery(Identified, Base):
    """A message about a lead to the address of its assistant's owner, or a test of that address.

    ``attempts``: how often it was sent. ``detail``: why it was not taken the last time.
    """

    __tablename__ = "lead_deliveries"

    assistant_id: Mapped[UUID] = mapped_column(
        ForeignKey("assistants.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(2000))
    lead_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("leads.id", ondelete="SET NULL"), default=None, index=True
    )
    state: Mapped[DeliveryState] = mapped_column(String(16), default=DeliveryState.SENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str] = mapped_column(String(1000), default="")
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
