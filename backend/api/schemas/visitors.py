"""What visitors send beside questions: who they are, contact details, what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from backend.api.schemas.handoff_rules import EMAIL
from knowledge.store.queries.visits import Act
from knowledge.store.tables import (
    Handoff,
    HandoffMessage,
    HandoffState,
    Lead,
    LeadRating,
    LeadState,
    LeadTrigger,
    SearchEventKind,
    Sender,
)

VisitorSecret = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^\S*$",
        description="A secret that the visitor's browser keeps; not needed with a session.",
    ),
]


class SessionBody(Body):
    """An identity token, signed by the website with the assistant's secret (JWT, HS256)."""

    token: str = Field(min_length=1, max_length=4000)


class SessionView(BaseModel):
    """What an identity token is exchanged for: send it as ``Authorization: Bearer``.

    ``visitor`` tells the visitors of one browser apart, and says nothing else of them.
    """

    session: str
    visitor: str
    expires_in: int = Field(description="Seconds.", examples=[1800])


class PageContext(Body):
    """The page that the visitor is on, as the website tells it: data, never an instruction."""

    title: str = Field(default="", max_length=300)
    address: str = Field(default="", max_length=2000)
    text: str = Field(default="", max_length=4000)


class LeadBody(Body):
    """Contact details. ``consent``: the words that stood beside the form."""

    name: str = Field(default="", max_length=200)
    email: Annotated[str, Field(max_length=320, pattern=rf"^$|{EMAIL}")] = ""
    phone: Annotated[str, Field(max_length=60, pattern=r"^[0-9+()/. -]*$")] = ""
    note: str = Field(default="", max_length=4000)
    consent: str = Field(default="", max_length=2000)
    trigger: LeadTrigger = LeadTrigger.ASKED
    page: str = Field(default="", max_length=2000)
    conversation_id: UUID | None = None
    visitor: VisitorSecret = ""


class LeadKept(BaseModel):
    """That contact details were kept."""

    id: UUID


class LeadChange(Body):
    """How far a lead has come, and whether it was worth it; what is left out stays."""

    state: LeadState | None = None
    rating: LeadRating | None = None


class LeadView(BaseModel):
    """A lead as staff see it."""

    id: UUID
    assistant_id: UUID | None
    conversation_id: UUID | None
    name: str
    email: str
    phone: str
    note: str
    consent: str
    trigger: LeadTrigger
    page: str
    state: LeadState
    rating: LeadRating
    created_at: datetime
    changed_at: datetime
    contacted_at: datetime | None

    @classmethod
    def of(cls, row: Lead) -> LeadView:
        """The view of a record."""
        return cls.model_validate(row, from_attributes=True)


class HandoffBody(Body):
    """A wish to speak to a person, with the first words."""

    text: str = Field(default="", max_length=4000)
    conversation_id: UUID | None = None
    visitor: VisitorSecret = ""


class HandoffText(Body):
    """What a visitor writes to a person."""

    text: str = Field(min_length=1, max_length=4000)
    visitor: VisitorSecret = ""


class ReplyBody(Body):
    """What staff write to a visitor. ``name``: what the visitor sees of who wrote it."""

    text: str = Field(min_length=1, max_length=4000)
    name: str = Field(default="", max_length=200)


class PresenceBody(Body):
    """Whether one is there for visitors."""

    present: bool


class HandoffMessageView(BaseModel):
    """One message of a hand-off. ``id`` counts from 1."""

    id: int
    sender: Sender
    name: str
    text: str
    created_at: datetime

    @classmethod
    def of(cls, row: HandoffMessage) -> HandoffMessageView:
        """The view of a record."""
        return cls(
            id=row.ordinal,
            sender=row.sender,
            name=row.name,
            text=row.text,
            created_at=row.created_at,
        )


class HandoffView(BaseModel):
    """A hand-off, for its visitor and for staff."""

    id: UUID
    assistant_id: UUID | None
    conversation_id: UUID
    state: HandoffState
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Handoff) -> HandoffView:
        """The view of a record."""
        return cls.model_validate(row, from_attributes=True)


class HandoffBegun(HandoffView):
    """A hand-off that a visitor began. ``present``: somebody of the staff is there now; otherwise
    ``message`` and ``email`` say what comes.
    """

    present: bool
    email: str
    message: str


class HandoffTranscript(HandoffView):
    """A hand-off as staff read it."""

    taken_by: str
    messages: list[HandoffMessageView]


class ActBody(Body):
    """What a visitor did after an answer."""

    message_id: UUID
    kind: SearchEventKind
    chunk_id: UUID | None = None
    rank: int | None = Field(default=None, ge=1, le=1000)
    milliseconds: int | None = Field(default=None, ge=0, le=86_400_000)

    def act(self) -> Act:
        """The same for the records."""
        return Act(self.message_id, self.kind, self.chunk_id, self.rank, self.milliseconds)


class EventsBody(Body):
    """Acts of a visitor, in order."""

    visitor: VisitorSecret = ""
    events: list[ActBody] = Field(min_length=1, max_length=50)
