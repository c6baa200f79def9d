"""Fair turns at the encoder between knowledge bases."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class FairTurns:
    """Admits one at a time, and goes round between groups, whatever each has waiting.

    A large import must not keep a small one waiting: after every turn the next group's first
    waiter comes, and the group that had its turn goes to the end.
    """

    def __init__(self) -> None:
        self._busy = False
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, group: Hashable) -> AsyncIterator[None]:
        """Wait for a turn of ``group``, and hold it."""
        if self._busy:
            await self._wait(group)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, group: Hashable) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            group, queue = next(iter(self._waiting.items()))
            waiter = queue.popleft()
            if queue:
                self._waiting.move_to_end(group)
            else:
                del self._waiting[group]
            if not waiter.done():
                waiter.set_result(None)
                return
        self._busy = False
