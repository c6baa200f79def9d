"""Bringing a database to the newest schema, and refusing one from a newer version."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge.errors import FolderTooNew
from knowledge.store.schema_version import MIGRATIONS

_LOCK = 7_221_903
"""Key of the advisory lock that migrations hold: any number that nothing else uses."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration: the scripts beside this file, run on ``connection``."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


async def upgrade(engine: AsyncEngine) -> None:
    """Run the migrations that the database lacks, in one transaction.

    Raises :class:`FolderTooNew` where the database knows a migration that this version does not.
    """
    async with engine.connect() as connection:
        await connection.execution_options(candor_write=True)
        async with connection.begin():
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two processes that start at once: the second waits, then finds nothing left to do.
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = alembic_config(connection)
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None:
        try:
            scripts.get_revision(current)
        except CommandError as error:
            raise FolderTooNew(
                f"The database is at revision {current}, which this version does not know.",
                "It was written by a newer Candor: install that version, or use another data "
                "folder.",
            ) from error
    if current != scripts.get_current_head():
        command.upgrade(config, "head")
