"""Rules: what people change about search without changing a page."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, JsonObject


class RuleKind(StrEnum):
    """What a rule does to a search.

    ``PIN``: put its target at ``position``. ``HIDE``: leave its target out. ``BOOST``: multiply the
    fused score of its target's chunks by ``factor``. ``TERM``: multiply the query's weight of the
    words ``text`` by ``factor`` (0 removes them). ``SYNONYM``: search for ``text`` too, weighted
    by ``factor``. ``EXPANSION``: treat its target as if it said ``text``, weighted by ``factor``.
    ``SETTINGS``: search with ``settings``.
    """

    PIN = "pin"
    HIDE = "hide"
    BOOST = "boost"
    TERM = "term"
    SYNONYM = "synonym"
    EXPANSION = "expansion"
    SETTINGS = "settings"


class RuleRecord(Identified, Base):
    """A rule of a knowledge base. It is never changed or deleted, so that its history stays.

    ``query``: the rule applies to queries that hold all of these words; empty: to every query. The
    target is a chunk, a document or a source. An edit ends the rule (``ended_at``) and makes
    another, which ``replaces`` it; so does an undo.
    """

    __tablename__ = "rules"
    __table_args__ = (Index("ix_rules_active", "knowledge_base_id", "ended_at"),)

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE")
    )
    kind: Mapped[RuleKind] = mapped_column(String(16))
    query: Mapped[str] = mapped_column(String(500), default="")
    chunk_id: Mapped[UUID | None] = mapped_column(default=None)
    document_id: Mapped[UUID | None] = mapped_column(default=None)
    source_id: Mapped[UUID | None] = mapped_column(default=None)
    text: Mapped[str] = mapped_column(String(1000), default="")
    factor: Mapped[float] = mapped_column(default=1.0)
    position: Mapped[int] = mapped_column(default=1)
    settings: Mapped[JsonObject] = mapped_column(default_factory=dict)
    reason: Mapped[str] = mapped_column(String(1000), default="")
    author: Mapped[str] = mapped_column(String(320), default="")
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    replaces: Mapped[UUID | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_by: Mapped[str] = mapped_column(String(320), default="")
