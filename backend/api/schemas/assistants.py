"""Assistants over the wire."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from backend.api.schemas.base import Body
from backend.api.schemas.behaviour import Behaviour, LeadRules, checked
from backend.api.schemas.handoff_rules import HandoffRules
from knowledge.store.tables import Assistant, DeliveryState, LeadDelivery, utc_now

_LONG = timedelta(minutes=10)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def _origin(value: str) -> str:
    origin = value.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("an origin is scheme, host and port alone, like https://www.example.com")
    return origin


CheckedBehaviour = Annotated[dict[str, Any], AfterValidator(checked)]
Origin = Annotated[str, AfterValidator(_origin)]
Suggestion = Annotated[str, Field(min_length=1, max_length=200)]


class NewAssistant(Body):
    """An assistant to be made. Its chat opens from ``allowed_origins`` and its own page alone."""

    name: str = Field(min_length=1, max_length=200, examples=["Ask us"])
    knowledge_base_ids: list[UUID] = Field(default_factory=list, max_length=50)
    allowed_origins: list[Origin] = Field(
        default_factory=list, max_length=100, examples=[["https://www.example.com"]]
    )
    welcome: str = Field(default="", max_length=1000)
    suggestions: list[Suggestion] = Field(default_factory=list, max_length=8)
    appearance: dict[str, Any] = Field(default_factory=dict)
    behaviour: CheckedBehaviour = Field(
        default_factory=dict,
        examples=[{"anonymous": True, "leads": {"when": ["abstained"]}}],
    )


class AssistantChange(Body):
    """What may be changed of an assistant; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    knowledge_base_ids: list[UUID] | None = Field(default=None, max_length=50)
    allowed_origins: list[Origin] | None = Field(default=None, max_length=100)
    welcome: str | None = Field(default=None, max_length=1000)
    suggestions: list[Suggestion] | None = Field(default=None, max_length=8)
    appearance: dict[str, Any] | None = None
    behaviour: CheckedBehaviour | None = None


class AssistantView(BaseModel):
    """An assistant as staff see it."""

    id: UUID
    name: str
    public_key: str
    knowledge_base_ids: list[UUID]
    allowed_origins: list[str]
    welcome: str
    suggestions: list[str]
    appearance: dict[str, Any]
    behaviour: dict[str, Any]
    identity: bool = Field(description="Whether it has a secret for identity tokens.")
    lead_webhook: str = Field(description="Where new leads are sent; empty: nowhere.")
    sample: bool
    created_at: datetime

    @classmethod
    def of(cls, row: Assistant) -> AssistantView:
        """The view of a record."""
        return cls(
            id=row.id,
            name=row.name,
            public_key=row.public_key,
            knowledge_base_ids=[UUID(text) for text in row.knowledge_base_ids],
            allowed_origins=row.allowed_origins,
            welcome=row.welcome,
            suggestions=row.suggestions,
            appearance=row.appearance,
            behaviour=row.behaviour,
            identity=bool(row.identity_secret or row.identity_public_key),
            lead_webhook=row.lead_webhook,
            sample=row.sample,
            created_at=row.created_at,
        )


class LeadWebhookBody(Body):
    """Where new leads are sent."""

    address: str = Field(
        min_length=1, max_length=2000, examples=["https://crm.example.com/hooks/candor"]
    )


class DeliveryView(BaseModel):
    """A message to the address for new leads. ``kind``: ``lead.created`` or ``lead.test``.
    ``attempts``: how often it was sent. ``detail``: why it was not taken the last time.
    """

    id: UUID
    kind: str = Field(examples=["lead.created"])
    lead_id: UUID | None
    address: str
    state: DeliveryState
    attempts: int
    detail: str
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: LeadDelivery) -> DeliveryView:
        """The view of a record. What is long on its way was left behind by a crash."""
        view = cls.model_validate(row, from_attributes=True)
        if row.state == DeliveryState.SENDING and row.changed_at < utc_now() - _LONG:
            view.state, view.detail = DeliveryState.FAILED, row.detail or "It was broken off."
        return view


class SecretView(BaseModel):
    """A secret, shown once."""

    secret: str


class HandoffOffer(BaseModel):
    """``present``: somebody of the staff is there now. ``email`` and ``message``: where to write
    otherwise, and what is said. A person is offered after so many questions ``after_unanswered``
    in a row (0: never), and after a question that holds one of ``words``.
    """

    present: bool
    email: str
    message: str
    after_unanswered: int
    words: list[str]

    @classmethod
    def of(cls, rules: HandoffRules, present: bool) -> HandoffOffer:
        """What visitors are told of the rules."""
        here = present and rules.hours.are_on(utc_now())
        return cls(present=here, **rules.model_dump(include=cls.model_fields.keys() - {"present"}))


class VisitorSession(BaseModel):
    """What a visitor whom nobody names sends as ``Authorization: Bearer``, for so many seconds and
    from the website that it was given to.
    """

    token: str
    expires_in: int


class IdentityKeyBody(Body):
    """The public key whose private key a website signs its visitors' tokens with."""

    public_key: str = Field(
        min_length=1, max_length=4000, examples=["-----BEGIN PUBLIC KEY-----\nMCowBQ..."]
    )


class IdentityKeyView(BaseModel):
    """A public key: the algorithm it goes with, and the SHA-256 of its SubjectPublicKeyInfo."""

    algorithm: str = Field(examples=["EdDSA"])
    fingerprint: str


class PublicProfile(BaseModel):
    """An assistant as every visitor may see it.

    ``anonymous``: whether it answers without an identity token; where it does, ``session`` is what
    such a visitor asks with. ``leads`` and ``handoff`` are absent where it does not ask for contact
    details, or has no people behind it.
    """

    name: str
    welcome: str
    suggestions: list[str]
    appearance: dict[str, Any]
    anonymous: bool = True
    session: VisitorSession | None = None
    leads: LeadRules | None = None
    handoff: HandoffOffer | None = None

    @classmethod
    def of(
        cls, row: Assistant, behaviour: Behaviour, present: bool, session: VisitorSession | None
    ) -> PublicProfile:
        """The view of a record."""
        handoff = behaviour.handoff
        return cls(
            name=row.name,
            welcome=row.welcome,
            suggestions=row.suggestions,
            appearance=row.appearance,
            anonymous=behaviour.anonymous,
            session=session,
            leads=behaviour.leads if behaviour.leads.when else None,
            handoff=HandoffOffer.of(handoff, present) if handoff.enabled else None,
        )
