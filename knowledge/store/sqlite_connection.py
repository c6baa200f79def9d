"""SQLite connections that go to their thread once for each statement.

aiosqlite keeps a thread for each connection and visits it for every call of the driver: to make a
cursor, to execute, to fetch, to close. For the small statements of a search those visits cost more
than the statements. Here a statement and its first rows are one visit, and a deferred ``BEGIN``,
which takes no lock and sees nothing, waits for the statement after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import aiosqlite

_FETCHED = 1000
"""Rows fetched together with their statement; the rest is fetched when it is asked for."""

_BEGIN = "BEGIN"


class Connection(aiosqlite.Connection):
    """An :class:`aiosqlite.Connection` as SQLAlchemy's dialect uses it."""

    begins = False
    """Whether the next statement is to begin a transaction first."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        """A cursor, made where it is asked for: nothing happens before it executes."""
        return Cursor(self, self._conn.cursor())

    async def commit(self) -> None:
        """Commit, unless nothing has been executed since ``BEGIN``."""
        if self._begun():
            await super().commit()

    async def rollback(self) -> None:
        """Roll back, unless nothing has been executed since ``BEGIN``."""
        if self._begun():
            await super().rollback()

    def _begun(self) -> bool:
        """Whether a transaction is open; one that was only announced is taken back."""
        announced, self.begins = self.begins, False
        return not announced


class Cursor(aiosqlite.Cursor):
    """A cursor that has its first rows when it has executed."""

    def __init__(self, connection: Connection, cursor: sqlite3.Cursor) -> None:
        super().__init__(connection, cursor)
        self._open = connection
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> Cursor:
        """Execute, and fetch the first rows in the same visit to the thread."""
        if sql == _BEGIN:
            self._open.begins = True
        else:
            await self._visit(self._cursor.execute, sql, parameters or ())
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Cursor:
        """Execute once for each of ``parameters``."""
        await self._visit(self._cursor.executemany, sql, parameters)
        return self

    async def _visit(self, execute: Any, sql: str, parameters: Any) -> None:
        await self._execute(self._run, execute, sql, parameters)  # type: ignore[no-untyped-call]

    def _run(self, execute: Any, sql: str, parameters: Any) -> None:
        if self._open.begins:
            self._open.begins = False
            self._cursor.execute(_BEGIN)
        execute(sql, parameters)
        self._rows = self._cursor.fetchmany(_FETCHED) if self._cursor.description else []

    async def fetchone(self) -> Any:
        """The next row, or ``None``."""
        return self._rows.pop(0) if self._rows else await super().fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, as many as are at hand where there are any."""
        size = self.arraysize if size is None else size
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows or list(await super().fetchmany(size))

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows, self._rows = self._rows, []
        return rows if len(rows) < _FETCHED else rows + list(await super().fetchall())

    async def close(self) -> None:
        """Let go of the statement, which has been read to its end as a rule."""
        self._rows = []
        self._cursor.close()


def connect(database: str, **options: Any) -> Connection:
    """A connection to a file, to be awaited. ``options`` are those of :func:`sqlite3.connect`."""
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=_FETCHED)
    # An abandoned connection must not keep the process alive.
    connection._thread.daemon = True
    return connection
