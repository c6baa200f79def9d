"""What is kept of conversations: written down for many turns at once.

A turn hands over what is to be kept and goes on. What was handed over within a few milliseconds,
and while the last was being written, becomes one transaction: a crowd of visitors does not queue
for the database one by one, and nobody's first words wait for a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from knowledge.errors import CandorError, NotFound
from knowledge.store.conversations import Entry, NewAnswer, NewQuestion, add_messages
from knowledge.store.database import Database, DriverError

_GATHERED_S = 0.005
_MOST = 200
"""Messages written in one transaction."""

_Waiting = tuple[Entry, asyncio.Future[None]]


class Record:
    """The conversations of a process on their way into the database, in the order they came."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._open: set[asyncio.Future[None]] = set()
        self._writing: asyncio.Task[None] | None = None

    def keep(self, conversation_id: UUID, message: NewQuestion | NewAnswer) -> asyncio.Future[None]:
        """Have a message written. The future is done when it is.

        It fails with :class:`StoreFault`, and with :class:`NotFound` for an answer whose
        conversation was deleted meanwhile. Nobody has to wait for it.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(written)
        written.add_done_callback(self._close)
        self._waiting.append((Entry(conversation_id, message), written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return written

    async def settled(self) -> None:
        """Return once everything handed over so far is written, or has failed."""
        if self._open:
            await asyncio.wait(set(self._open))

    def _close(self, written: asyncio.Future[None]) -> None:
        self._open.discard(written)
        if not written.cancelled():
            written.exception()  # looked at, for nobody else may be left to

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHERED_S)
            some, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                await self._write_some(some)
            finally:
                for _, written in some:
                    written.cancel()  # those that are done stay as they are

    async def _write_some(self, some: Sequence[_Waiting]) -> None:
        try:
            async with self._database.writing() as session:
                gone = await add_messages(session, [entry for entry, _ in some])
        except CandorError as error:
            _fail(some, error)
        except DriverError as error:
            if len(some) == 1:
                _fail(some, error)
                return
            # One that the database refuses must not take the others with it.
            for one in some:
                await self._write_some([one])
        else:
            for (conversation_id, message), written in some:
                lost = conversation_id in gone and isinstance(message, NewAnswer)
                if not written.done() and lost:
                    written.set_exception(_gone(conversation_id))
                elif not written.done():
                    written.set_result(None)


def _fail(some: Sequence[_Waiting], error: Exception) -> None:
    for _, written in some:
        if not written.done():
            written.set_exception(error)


def _gone(conversation_id: UUID) -> NotFound:
    return NotFound(
        f"Conversation {conversation_id} was deleted while it was being answered.",
        "Ask again to begin a new one.",
    )
