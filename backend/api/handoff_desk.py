"""Hand-offs while they last: writing on both sides, each hearing the other at once.

Whoever follows a hand-off in this process is woken by a bell; what another process wrote is found
by looking into the database every two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from knowledge.errors import NotFound
from knowledge.store.conversations import Reader
from knowledge.store.database import Database, WriteSession
from knowledge.store.queries.handoffs import (
    add_handoff_message,
    begin_handoff,
    close_handoff,
    find_handoff,
    find_own_handoff,
    handoff_messages,
    handoff_state,
    is_anyone_present,
)
from knowledge.store.tables import Handoff, HandoffMessage, HandoffState, Sender

_LOOKED_EVERY_S = 2.0


class Bells:
    """One bell for each hand-off that somebody in this process follows."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[asyncio.Event]] = {}

    def ring(self, handoff_id: UUID) -> None:
        """Wake everybody who waits for news of a hand-off."""
        for event in self._waiting.get(handoff_id, ()):
            event.set()

    @contextmanager
    def heard(self, handoff_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the bell rings, from now on."""
        event = asyncio.Event()
        self._waiting.setdefault(handoff_id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[handoff_id].discard(event)
            if not self._waiting[handoff_id]:
                del self._waiting[handoff_id]


@dataclass(frozen=True, slots=True)
class HandoffDesk:
    """Hand-offs as routes and pages work with them."""

    database: Database
    bells: Bells

    async def ask(
        self, session: WriteSession, reader: Reader, conversation_id: UUID | None, text: str
    ) -> tuple[Handoff, bool]:
        """A visitor asks for a person. Returns the hand-off, and whether anybody is there.

        The bell is the caller's to ring once ``session`` has written. Raises :class:`NotFound` for
        a conversation of somebody else.
        """
        handoff = await begin_handoff(session, reader, conversation_id, text)
        if text:
            await add_handoff_message(session, handoff, Sender.VISITOR, text)
        return handoff, await is_anyone_present(session, reader.workspace_id)

    async def say(
        self, session: WriteSession, reader: Reader, handoff_id: UUID, text: str
    ) -> HandoffMessage:
        """A visitor writes; as with :meth:`ask`, the caller rings.

        Raises :class:`NotFound`, and :class:`Conflict` where it is closed.
        """
        handoff = await find_own_handoff(session, reader, handoff_id)
        return await add_handoff_message(session, handoff, Sender.VISITOR, text)

    async def reply(
        self, workspace_id: UUID, handoff_id: UUID, text: str, *, author: str, name: str = ""
    ) -> HandoffMessage:
        """Staff write. Raises :class:`NotFound`, and :class:`Conflict` where it is closed."""
        async with self.database.writing() as session:
            handoff = await find_handoff(session, workspace_id, handoff_id)
            message = await add_handoff_message(
                session, handoff, Sender.STAFF, text, author=author, name=name
            )
        self.bells.ring(handoff_id)
        return message

    async def close(self, workspace_id: UUID, handoff_id: UUID) -> Handoff:
        """Staff end a hand-off. Raises :class:`NotFound`."""
        async with self.database.writing() as session:
            handoff = await find_handoff(session, workspace_id, handoff_id)
            await close_handoff(session, handoff)
        self.bells.ring(handoff_id)
        return handoff

    async def leave(self, reader: Reader, handoff_id: UUID) -> Handoff:
        """A visitor goes back to the assistant. Raises :class:`NotFound`."""
        async with self.database.writing() as session:
            handoff = await find_own_handoff(session, reader, handoff_id)
            await close_handoff(session, handoff)
        self.bells.ring(handoff_id)
        return handoff

    async def follow(
        self, handoff_id: UUID, after: int = 0
    ) -> AsyncIterator[HandoffMessage | HandoffState]:
        """The messages after number ``after`` and each change of state, until it is closed.

        The caller has found the hand-off, and so may read it. Ends with ``closed``; raises
        :class:`NotFound` where the hand-off is deleted meanwhile.
        """
        told: HandoffState | None = None
        with self.bells.heard(handoff_id) as event:
            while True:
                event.clear()
                async with self.database.reading() as session:
                    messages = await handoff_messages(session, handoff_id, after)
                    state = await handoff_state(session, handoff_id)
                for message in messages:
                    yield message
                    after = message.ordinal
                if state is None:
                    raise NotFound("This hand-off was deleted.", "Ask for a person again.")
                if state is not told:
                    yield state
                    told = state
                if state is HandoffState.CLOSED:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOKED_EVERY_S):
                        await event.wait()
