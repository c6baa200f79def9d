"""What ingestion does and has done: runs of a source, one item per document, and the workers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, JsonObject, utc_now


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run(Identified, Base):
    """One pass over a source. ``kind``: ``ingest``, ``retry`` (failed items only), ``reindex``.

    ``document_id``: of a retry, the one document that it is about. ``fetched_bytes``: received from
    a website so far, unpacked. ``notes``: what a reader should know of it, as
    :class:`knowledge.crawl_limits.RunNote`.

    The API writes a run as ``queued`` and sets the ``*_requested`` flags; a worker does the rest.
    A failed run has an error of its own; a run whose items failed in part has succeeded.
    """

    __tablename__ = "runs"

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    source_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), default=None, index=True
    )
    kind: Mapped[str] = mapped_column(String(16), default="ingest")
    trigger: Mapped[str] = mapped_column(String(16), default="manual")
    state: Mapped[RunState] = mapped_column(String(16), default=RunState.QUEUED, index=True)
    worker: Mapped[str] = mapped_column(String(100), default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    pause_requested: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    document_id: Mapped[UUID | None] = mapped_column(default=None)
    fetched_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    notes: Mapped[list[JsonObject]] = mapped_column(default_factory=list)
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error_detail: Mapped[str] = mapped_column(String(1000), default="")
    error_action: Mapped[str] = mapped_column(String(1000), default="")


class ItemState(StrEnum):
    """How far an item of a run has come; the second line are ends.

    ``LEFT_OUT``: found, and beyond a limit of the source. It counts for neither found nor done.
    """

    FOUND = "found"
    FETCHED = "fetched"
    PARSED = "parsed"
    CHUNKED = "chunked"
    ENCODED = "encoded"
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    REMOVED = "removed"
    LEFT_OUT = "left-out"


class Change(StrEnum):
    """What a run did to a document. ``MISSING``: gone from its source, kept for a while."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    MISSING = "missing"
    FAILED = "failed"


class RunItem(Identified, Base):
    """One document of a run: the crawl's frontier, and what progress is counted from.

    ``change`` is a :class:`Change`, or empty for an address that neither had nor got a document.
    """

    __tablename__ = "run_items"
    __table_args__ = (
        UniqueConstraint("run_id", "address"),
        Index("ix_run_items_progress", "run_id", "state"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(2000))
    document_id: Mapped[UUID | None] = mapped_column(default=None)
    depth: Mapped[int] = mapped_column(default=0)
    state: Mapped[ItemState] = mapped_column(String(16), default=ItemState.FOUND)
    change: Mapped[str] = mapped_column(String(16), default="")
    chunks: Mapped[int] = mapped_column(default=0)
    chunks_encoded: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error_detail: Mapped[str] = mapped_column(String(1000), default="")
    error_action: Mapped[str] = mapped_column(String(1000), default="")
    finished_at: Mapped[datetime | None] = mapped_column(default=None)


class WorkerRecord(Base):
    """A worker process and its heartbeat; past its lease another takes over its runs."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    heartbeat_at: Mapped[datetime] = mapped_column(default_factory=utc_now, index=True)
