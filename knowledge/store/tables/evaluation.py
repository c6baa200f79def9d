"""What search is measured with: sets of queries, their judgments, and runs over them."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, JsonObject


class QueryOrigin(StrEnum):
    """Where a judged query comes from. ``MODEL``: a language model wrote it from a passage."""

    TYPED = "typed"
    FILE = "file"
    FEEDBACK = "feedback"
    MODEL = "model"


class QuerySet(Identified, Base):
    """Queries of a knowledge base. ``origin``: how the set was begun, see :class:`QueryOrigin`."""

    __tablename__ = "query_sets"
    __table_args__ = (UniqueConstraint("knowledge_base_id", "name"),)

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(200))
    origin: Mapped[QueryOrigin] = mapped_column(String(16), default=QueryOrigin.TYPED)


class JudgedQuery(Identified, Base):
    """A query and how well each page answers it: ``grades``, by address, above 0.

    Pages are named by address and not by chunk: a judgment outlives a change of the page.
    """

    __tablename__ = "judged_queries"

    query_set_id: Mapped[UUID] = mapped_column(
        ForeignKey("query_sets.id", ondelete="CASCADE"), index=True
    )
    query: Mapped[str] = mapped_column(Text)
    grades: Mapped[JsonObject] = mapped_column(default_factory=dict)
    origin: Mapped[QueryOrigin] = mapped_column(
        String(16), default=QueryOrigin.TYPED, server_default=QueryOrigin.TYPED
    )


class EvaluationRun(Identified, Base):
    """Figures of one run over a query set, with what it ran on.

    ``figures``: means by metric; ``by_query``: metric to figure, by the judged query's id.
    ``rankings``: the addresses of the pages found, best first, by the judged query's id: two runs
    are compared under the judgments of today. ``settings``: how search was set, and under
    ``content`` what the knowledge base held.
    """

    __tablename__ = "evaluation_runs"

    query_set_id: Mapped[UUID] = mapped_column(
        ForeignKey("query_sets.id", ondelete="CASCADE"), index=True
    )
    encoder: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200), default="")
    settings: Mapped[JsonObject] = mapped_column(default_factory=dict)
    figures: Mapped[JsonObject] = mapped_column(default_factory=dict)
    by_query: Mapped[JsonObject] = mapped_column(default_factory=dict)
    rankings: Mapped[JsonObject] = mapped_column(default_factory=dict, server_default="{}")
