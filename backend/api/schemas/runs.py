"""Runs of ingestion over the wire."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from knowledge.crawl_limits import RunNote
from knowledge.store.queries.runs import ENDED, Progress
from knowledge.store.tables import Run, RunItem


class Fault(BaseModel):
    """What went wrong and what to do about it."""

    code: str
    detail: str
    action: str


class NoteView(Fault):
    """Something to know of a run that is no error. Of a limit: what it was, and how many addresses
    it kept out, which ``GET /runs/{id}/items?state=left-out`` lists.
    """

    limit: int | None = Field(examples=[10_000])
    left_out: int | None = Field(examples=[43])

    @classmethod
    def of(cls, note: RunNote) -> NoteView:
        """The view of a note."""
        return cls(**asdict(note))


class RunView(BaseModel):
    """One pass over a source and how far it is, counted from its items.

    ``done`` of ``found`` documents are at their end; a crawl finds more as it goes.
    """

    id: UUID
    knowledge_base_id: UUID
    source_id: UUID | None
    kind: str
    document_id: UUID | None = Field(description="The one document that is tried again.")
    state: str = Field(examples=["running"])
    ended: bool
    found: int
    done: int
    items: dict[str, int] = Field(examples=[{"indexed": 120, "unchanged": 7, "failed": 1}])
    changes: dict[str, int] = Field(
        description="Documents by what the run did to them.",
        examples=[{"added": 3, "changed": 1, "removed": 2, "unchanged": 120}],
    )
    left_out: int = Field(description="Addresses beyond a limit of the source; `notes` says which.")
    fetched_bytes: int = Field(description="Received from a website so far, unpacked.")
    notes: list[NoteView] = Field(
        description="What to know of the run: a limit that it reached, a sitemap it could not read."
    )
    chunks: int
    chunks_encoded: int
    documents_per_s: float = Field(
        description="Documents that came to their end, for each second of the last half minute.",
        examples=[41.5],
    )
    seconds_left: int | None = Field(
        description="For what is found so far, at this rate; null where it cannot be told."
    )
    cancel_requested: bool
    pause_requested: bool
    error: Fault | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Run, progress: Progress) -> RunView:
        """The view of a record."""
        error = Fault(code=row.error_code, detail=row.error_detail, action=row.error_action)
        return cls(
            id=row.id,
            knowledge_base_id=row.knowledge_base_id,
            source_id=row.source_id,
            kind=row.kind,
            document_id=row.document_id,
            state=row.state,
            ended=row.state in ENDED,
            found=progress.found,
            done=progress.done,
            items=progress.items,
            changes=progress.changes,
            left_out=progress.left_out,
            fetched_bytes=row.fetched_bytes,
            notes=[NoteView.of(RunNote.from_json(note)) for note in row.notes],
            chunks=progress.chunks,
            chunks_encoded=progress.chunks_encoded,
            documents_per_s=round(progress.documents_per_s, 2),
            seconds_left=progress.seconds_left,
            cancel_requested=row.cancel_requested,
            pause_requested=row.pause_requested,
            error=error if row.error_code else None,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )


class RunItemView(BaseModel):
    """One document of a run. ``change``: what the run did to it, if it did anything."""

    id: UUID
    address: str
    document_id: UUID | None
    state: str
    change: str = Field(examples=["added", "changed", "removed", "missing", "failed", "unchanged"])
    chunks: int
    chunks_encoded: int
    error: Fault | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: RunItem) -> RunItemView:
        """The view of a record."""
        error = Fault(code=row.error_code, detail=row.error_detail, action=row.error_action)
        return cls(
            id=row.id,
            address=row.address,
            document_id=row.document_id,
            state=row.state,
            change=row.change,
            chunks=row.chunks,
            chunks_encoded=row.chunks_encoded,
            error=error if row.error_code else None,
            finished_at=row.finished_at,
        )
