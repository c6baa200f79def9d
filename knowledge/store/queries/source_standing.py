"""How sources stand: when their content last changed, and why documents could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Change, Document, DocumentState, ItemState, Run, RunItem

_CHANGES = (Change.ADDED, Change.CHANGED, Change.REMOVED)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why ``documents`` of a source could not be read; ``detail`` and ``action`` of one of them."""

    documents: int
    detail: str
    action: str


async def last_changes(session: ReadSession, source_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When a run last added, changed or removed a document of each source, where one did."""
    rows = await session.execute(
        select(Run.source_id, func.max(RunItem.finished_at))
        .join(Run, Run.id == RunItem.run_id)
        .where(
            Run.source_id.in_(source_ids),
            # These states alone, so that the index leaves out what did not change.
            RunItem.state.in_((ItemState.INDEXED, ItemState.REMOVED)),
            RunItem.change.in_(_CHANGES),
        )
        .group_by(Run.source_id)
    )
    return {id: moment for id, moment in rows.all() if id is not None and moment is not None}


async def worst_faults(session: ReadSession, source_ids: Sequence[UUID]) -> dict[UUID, Fault]:
    """The most frequent reason for which documents of each source could not be read, if any."""
    rows = await session.execute(
        select(
            Document.source_id,
            func.count().label("documents"),
            func.min(Document.error_detail),
            func.min(Document.error_action),
        )
        .where(Document.source_id.in_(source_ids), Document.state == DocumentState.FAILED)
        .group_by(Document.source_id, Document.error_code)
        .order_by(func.count().desc(), Document.error_code)
    )
    found: dict[UUID, Fault] = {}
    for source_id, documents, detail, action in rows.all():
        found.setdefault(source_id, Fault(documents, detail, action))
    return found
