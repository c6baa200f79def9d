"""A copy of the embedded database as it is at one moment, made while others read and write it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from anyio import to_thread

from knowledge.errors import InvalidInput
from knowledge.store.database import Database


async def snapshot(database: Database, file: Path) -> None:
    """Copy the database into ``file``. Raises :class:`InvalidInput` where it is PostgreSQL."""
    source = database.engine.url.database
    if not database.is_sqlite or source is None:
        raise InvalidInput(
            "With PostgreSQL the records are not in the data folder.",
            "Back them up with pg_dump; `candor reindex` fills the index from them again.",
        )
    await to_thread.run_sync(_copy, Path(source), file)


def _copy(source: Path, file: Path) -> None:
    origin, copy = sqlite3.connect(source), sqlite3.connect(file)
    try:
        origin.backup(copy)
    finally:
        copy.close()
        origin.close()
