"""The searches that this process is answering: work that can wait gives way to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Traffic:
    """Counts what is under way. For one event loop."""

    def __init__(self) -> None:
        self._under_way = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way. This alone may be asked by another thread."""
        return self._under_way > 0

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Somebody waits for what is done inside."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                for quiet in self._waiting:
                    quiet.set_result(None)
                self._waiting.clear()

    async def give_way(self, most_s: float) -> None:
        """Wait until nothing is under way, at most so long: work that can wait is work still."""
        if not self._under_way:
            return
        quiet = asyncio.get_running_loop().create_future()
        self._waiting.append(quiet)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await asyncio.shield(quiet)
        finally:
            if quiet in self._waiting:
                self._waiting.remove(quiet)


SEARCHES = Traffic()
"""The searches of this process: its processors are what they share with ingestion."""
