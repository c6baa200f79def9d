"""The relational database: opening it, bringing it up to date, reading and writing.

SQLite (WAL) in the data folder, or PostgreSQL; the same code runs on both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NewType

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from knowledge.errors import DiskFull, FolderNotWritable, InvalidSettings, StoreFault
from knowledge.store import sqlite_connection
from knowledge.store.schema_version import is_newest

ReadSession = NewType("ReadSession", AsyncSession)
"""A session that must not write: it is rolled back at its end."""

WriteSession = NewType("WriteSession", ReadSession)
"""A session that is one transaction: committed at its end, rolled back where it raised.

What reads takes it too.
"""

DriverError = SQLAlchemyError
"""What a session raises beside :class:`StoreFault`: a statement that the database refused."""


def sqlite_url(file: Path) -> URL:
    """The address of the SQLite database in ``file``."""
    return URL.create("sqlite+aiosqlite", database=str(file))


def database_url(configured: str, data: Path) -> URL:
    """The address of the database that the settings name.

    Raises :class:`InvalidSettings` for anything but an empty string or a PostgreSQL address.
    """
    if not configured:
        return sqlite_url(data / "candor.sqlite")
    try:
        url = make_url(configured)
    except ArgumentError:
        url = None
    if url is None or not url.drivername.startswith("postgres"):
        raise InvalidSettings(
            "CANDOR_DATABASE_URL is not the address of a PostgreSQL database.",
            "Set it to postgresql://user:password@host/name, or leave it empty for SQLite.",
        )
    return url.set(drivername="postgresql+asyncpg")


class Database:
    """An open database. Make one with :meth:`open`, end it with :meth:`close`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    async def open(cls, url: URL) -> Database:
        """Open the database and migrate it to this version.

        Raises :class:`FolderTooNew` where a newer version has written it, and another
        :class:`StoreFault` where it cannot be reached or written.
        """
        if url.get_backend_name() == "sqlite":
            _probe(url)
        engine = _engine(url)
        try:
            if not await is_newest(engine):
                from knowledge.store.migrate import upgrade  # with Alembic

                await upgrade(engine)
        except (OperationalError, OSError) as error:
            await engine.dispose()
            raise _store_fault(error, url) from error
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A session for reading. Raises :class:`StoreFault` where the database does not answer."""
        with self._faults():
            async with self._sessions() as session:
                yield ReadSession(session)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        """A session for writing: one transaction, which SQLite starts as IMMEDIATE.

        Raises :class:`DiskFull` and :class:`StoreFault`.
        """
        with self._faults():
            async with self._sessions() as session:
                await session.connection(execution_options={"candor_write": True})
                yield WriteSession(ReadSession(session))
                await session.commit()

    async def ping(self) -> None:
        """Raise :class:`StoreFault` where the database does not answer."""
        with self._faults():
            async with self.engine.connect() as connection:
                await connection.execute(text("select 1"))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what a driver raises when its database fails into typed errors."""
        try:
            yield
        except (OperationalError, InterfaceError, ConnectionError) as error:
            raise _store_fault(error, self.engine.url) from error

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
    engine = create_async_engine(
        url, connect_args={"timeout": 30, "async_creator_fn": sqlite_connection.connect}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # The driver's own BEGIN is deferred: a reader that turns writer then fails with "database
        # is locked" at once. Transactions are begun below instead, as what they are.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "cache_size=-32000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("candor_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _probe(url: URL) -> None:
    """See that the file can be opened: the driver leaves a thread behind where it cannot."""
    try:
        sqlite3.connect(url.database or "").close()
    except sqlite3.Error as error:
        raise _store_fault(error, url) from error


def _store_fault(error: Exception, url: URL) -> StoreFault:
    """The typed error behind a driver's words."""
    words = str(getattr(error, "orig", None) or error)
    place = url.database or ""
    if "disk is full" in words or "No space left" in words:
        return DiskFull(f"There is no space left for {place}.", "Free some space and start again.")
    if "database is locked" in words:
        return StoreFault(f"The database {place} is busy with another write.", "Try again.")
    if url.get_backend_name() == "sqlite":
        return FolderNotWritable(
            f"The database {place} cannot be opened: {words}.",
            "Check that the data folder exists and that this user may write to it.",
        )
    return StoreFault(
        f"The database at {url.host}:{url.port or 5432} cannot be reached: {words}.",
        "Check CANDOR_DATABASE_URL and that the server is up.",
    )
