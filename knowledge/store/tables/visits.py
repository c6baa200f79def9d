"""What is counted of visitors: acts that tell how good a search was, use of a day, used tokens."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Date, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified


class SearchEventKind(StrEnum):
    """What a visitor did after an answer.

    ``citation``: opened a cited passage. ``visit``: went on to its page. ``dwell``: closed the
    passage after ``milliseconds``. ``reformulation``: asked again in other words.
    """

    CITATION = "citation"
    VISIT = "visit"
    DWELL = "dwell"
    REFORMULATION = "reformulation"


class SearchEvent(Identified, Base):
    """One act after one answer. No personal data: neither who, nor from where, nor their words.

    ``message_id`` is the answer acted on; the event goes with it. ``chunk_id`` and ``rank`` (from
    1) name the passage among those found; the passage itself may be gone by now.
    """

    __tablename__ = "search_events"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[SearchEventKind] = mapped_column(String(16))
    assistant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assistants.id", ondelete="SET NULL"), default=None, index=True
    )
    chunk_id: Mapped[UUID | None] = mapped_column(default=None)
    rank: Mapped[int | None] = mapped_column(default=None)
    milliseconds: Mapped[int | None] = mapped_column(default=None)


class AssistantUse(Base):
    """How much one assistant was used on one day (UTC): questions, and language-model tokens."""

    __tablename__ = "assistant_use"

    assistant_id: Mapped[UUID] = mapped_column(
        ForeignKey("assistants.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    questions: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)


class ModelUse(Base):
    """Language-model tokens of one assistant on one day (UTC), by model: read and written."""

    __tablename__ = "model_use"

    assistant_id: Mapped[UUID] = mapped_column(
        ForeignKey("assistants.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    answers: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)


class ModelPrice(Base):
    """What a workspace pays for a million tokens of a language model, as an administrator set it.

    ``currency``: three letters of ISO 4217. Where there is no record, no cost is known.
    """

    __tablename__ = "model_prices"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    input_price: Mapped[float]
    output_price: Mapped[float]


class LimitUse(Base):
    """How far a limit of visitors is used, where several processes count together.

    ``key``: SHA-256 of the limit and of whom it counts. ``amount``: what its kind of limit counts
    with. After ``ends_at`` (seconds since 1970) the row means nothing any more and is removed.
    """

    __tablename__ = "limit_uses"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    amount: Mapped[float] = mapped_column(Double)
    ends_at: Mapped[float] = mapped_column(Double, index=True)


class UsedIdentityToken(Base):
    """The SHA-256 of an identity token that was used, kept until it would have ended anyway."""

    __tablename__ = "used_identity_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    assistant_id: Mapped[UUID] = mapped_column(ForeignKey("assistants.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(index=True)
