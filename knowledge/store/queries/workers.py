"""The worker processes that have shown themselves."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from knowledge.store.database import ReadSession
from knowledge.store.tables import WorkerRecord, utc_now


async def recent_workers(session: ReadSession, within: timedelta) -> list[WorkerRecord]:
    """The workers that were heard of within a time, the newest sign of life first."""
    rows = await session.scalars(
        select(WorkerRecord)
        .where(WorkerRecord.heartbeat_at > utc_now() - within)
        .order_by(WorkerRecord.heartbeat_at.desc())
    )
    return list(rows)
