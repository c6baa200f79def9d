"""Chat turns on their way to a reader: server-sent events, resumed after a lost connection.

A turn that came with an ``Idempotency-Key`` is recorded while it runs: the same request, repeated
with ``Last-Event-ID``, goes on after that event, without a lost or doubled word. A turn without
one ends with its reader.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from backend.api.errors import problem
from backend.chat.events import ChatEvent, FinalAnswer, TurnFailed
from backend.chat.turn import Question
from knowledge.errors import CandorError

HEARTBEAT_S = 15
GRACE_S = 20.0
"""How long a recorded turn goes on without a reader."""
_KEPT = 500
_log = structlog.get_logger()


class AnyTurn(Protocol):
    """A turn, as far as it is read here."""

    def events(self) -> AsyncGenerator[ChatEvent, None]:
        """What it tells, in order. Runs once."""
        ...


Ask = Callable[[Question], Awaitable[AnyTurn]]
"""Begins a turn. Raises what is wrong with the question."""


@dataclass(slots=True)
class _Recording:
    events: list[ChatEvent] = field(default_factory=list)
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    readers: int = 0
    task: asyncio.Task[None] | None = None
    failure: BaseException | None = None

    def add(self, event: ChatEvent) -> None:
        self.events.append(event)
        self.wake()

    def end(self) -> None:
        self.ended = True
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Turns:
    """The turns of this process that can be taken up again."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._recordings: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._grace_s = grace_s

    def find(self, key: Hashable) -> _Recording | None:
        """The recording that was begun with a key, if it is still kept."""
        return self._recordings.get(key)

    def begin(self, key: Hashable, turn: AnyTurn) -> _Recording:
        """Run a turn on its own, and keep what it tells."""
        recording = _Recording()
        recording.task = asyncio.create_task(_record(turn, recording))
        self._recordings[key] = recording
        while len(self._recordings) > _KEPT:
            _, oldest = self._recordings.popitem(last=False)
            if oldest.task is not None:
                oldest.task.cancel()
        return recording

    async def follow(self, recording: _Recording, after: int = 0) -> AsyncIterator[ChatEvent]:
        """The events of a recording from the one after number ``after`` on, as they come."""
        recording.readers += 1
        try:
            at = max(0, after)
            while True:
                changed = recording.changed
                while at < len(recording.events):
                    yield recording.events[at]
                    at += 1
                if recording.ended:
                    break
                await changed.wait()
            if recording.failure is not None:
                raise recording.failure
        finally:
            recording.readers -= 1
            if not recording.readers and not recording.ended:
                asyncio.get_running_loop().call_later(self._grace_s, _abandon, recording)

    async def close(self) -> None:
        """Stop what still runs."""
        tasks = [one.task for one in self._recordings.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._recordings.clear()


async def _record(turn: AnyTurn, recording: _Recording) -> None:
    try:
        async with _closing(turn.events()) as events:
            async for event in events:
                recording.add(event)
    except Exception as error:  # noqa: BLE001 - the edge: readers are told what happened
        recording.failure = error
    finally:
        recording.end()


def _abandon(recording: _Recording) -> None:
    if not recording.readers and recording.task is not None:
        recording.task.cancel()


def stream(events: AsyncIterator[ChatEvent], after: int = 0) -> EventSourceResponse:
    """A turn as server-sent events. The first has the number ``after + 1``."""
    return EventSourceResponse(_encode(events, after), ping=HEARTBEAT_S, sep="\n")


async def finish(events: AsyncIterator[ChatEvent]) -> FinalAnswer:
    """The last event of a turn. Raises the error that a stream would end with."""
    async with _closing(events) as running:
        async for event in running:
            if isinstance(event, TurnFailed):
                raise event.error
            if isinstance(event, FinalAnswer):
                return event
    raise CandorError("The answer was broken off.", "Ask again.")


async def _encode(events: AsyncIterator[ChatEvent], after: int) -> AsyncIterator[ServerSentEvent]:
    number = max(0, after)
    try:
        async with _closing(events) as running:
            async for event in running:
                number += 1
                yield _event(event.name, _data(event), number)
    except Exception as error:  # noqa: BLE001 - the edge: headers are sent, a status is too late
        _log.error("a turn failed unexpectedly", exc_info=error)
        unexpected = CandorError("The answer was broken off by an unexpected error.", "Ask again.")
        yield _event(TurnFailed.name, problem(unexpected), number + 1)


def _data(event: ChatEvent) -> dict[str, Any]:
    return problem(event.error) if isinstance(event, TurnFailed) else event.data()


def _event(name: str, data: dict[str, Any], number: int) -> ServerSentEvent:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(text, event=name, id=str(number), sep="\n")


@asynccontextmanager
async def _closing(events: AsyncIterator[ChatEvent]) -> AsyncIterator[AsyncIterator[ChatEvent]]:
    """End the iterator with the block, so that nothing of a turn is left behind."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
