"""What insights are counted from: questions as they were answered, and the use of documents."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base


class Outcome(StrEnum):
    """How a question ended. ``OTHER``: it asked for nothing, as a greeting does."""

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    FAILED = "failed"
    OTHER = "other"


class AskedQuestion(Base):
    """A question with how it was answered: the narrow copy of a message that figures are made of.

    It goes with its answer (``message_id``). ``text``: what was searched for; ``text_key``: the
    same for spellings of one question. ``confidence``: that the passages answer it, 0 to 1, where
    that was judged. ``reformulated``: the same visitor asked nearly the same again soon after.
    """

    __tablename__ = "asked_questions"
    __table_args__ = (Index("ix_asked_questions_day", "workspace_id", "day"),)

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    assistant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assistants.id", ondelete="SET NULL"), index=True
    )
    asked_at: Mapped[datetime] = mapped_column(index=True)
    day: Mapped[date] = mapped_column(Date)
    text: Mapped[str] = mapped_column(Text)
    text_key: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[Outcome] = mapped_column(String(16))
    confidence: Mapped[float | None] = mapped_column(default=None)
    took_ms: Mapped[float] = mapped_column(default=0.0)
    model: Mapped[str] = mapped_column(String(200), default="")
    reformulated: Mapped[bool] = mapped_column(default=False)


class QuestionVector(Base):
    """The dense vector of a question, ``float16[d]`` of unit length, and the encoder it is of."""

    __tablename__ = "question_vectors"

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("asked_questions.message_id", ondelete="CASCADE"), primary_key=True
    )
    encoder: Mapped[str] = mapped_column(String(200))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class DocumentUse(Base):
    """How many answers of one day (UTC) were given passages of a document, and cited it."""

    __tablename__ = "document_use"

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    shown: Mapped[int] = mapped_column(default=0)
    cited: Mapped[int] = mapped_column(default=0)
