"""Writes of many documents at once in one transaction: a commit costs more than what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 64


class Grouped(Generic[Item, Result]):
    """Does for many what was asked for one by one, while the work before it is under way.

    ``do`` takes up to 64 items and returns a result for each. Where it fails for several, each is
    done alone, so that one fails alone. What was asked for is done even where the asker has been
    cancelled meanwhile.
    """

    def __init__(self, do: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._do = do
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """Have an item done with others, and wait for it. Raises what ``do`` raises for it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def finish(self) -> None:
        """Wait until everything that was asked for is done."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        try:
            # Whoever is about to ask in this turn of the loop comes along.
            await asyncio.sleep(0)
            while self._waiting:
                group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._answer(group)
        finally:
            self._worker = None
            for _, future in self._waiting:
                future.cancel()

    async def _answer(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        items = [item for item, _ in group]
        (results,) = await asyncio.gather(self._do(items), return_exceptions=True)
        if isinstance(results, BaseException):
            if len(group) > 1:
                for one in group:
                    await self._answer([one])
            elif not group[0][1].done():
                group[0][1].set_exception(results)
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)
