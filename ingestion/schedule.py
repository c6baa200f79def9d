"""Schedules: when a source is to be read again without being asked."""

from __future__ import annotations

import structlog

from knowledge.errors import InvalidInput
from knowledge.schedule import next_time
from knowledge.store.database import Database
from knowledge.store.queries.sources import scheduled_sources
from knowledge.store.tables import Run, utc_now

log = structlog.get_logger(__name__)


async def queue_due(database: Database) -> int:
    """Queue a run of every source that is due and has none open; how many."""
    now, due = utc_now(), 0
    async with database.writing() as session:
        for source in await scheduled_sources(session):
            try:
                is_due = next_time(source.schedule, source.last_run_at or source.created_at) <= now
            except InvalidInput as error:
                log.warning("schedule.invalid", source=str(source.id), detail=error.detail)
                continue
            if is_due:
                session.add(
                    Run(
                        knowledge_base_id=source.knowledge_base_id,
                        source_id=source.id,
                        trigger="schedule",
                    )
                )
                due += 1
    return due
