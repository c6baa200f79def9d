"""How often somebody may ask: token buckets in this process's memory.

A bucket holds up to ``burst`` tokens and gains ``per_minute`` a minute; a request takes one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from backend.api.day_use import DayLimits
from knowledge.errors import LimitExceeded

_MOST_KEYS = 50_000


class RateLimit:
    """One limit, kept apart for each key (an address, an assistant, both)."""

    def __init__(
        self,
        per_minute: float,
        burst: int,
        detail: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._detail = detail
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Take a token. Raises :class:`LimitExceeded` with the seconds until there is one."""
        now = self._clock()
        tokens, then = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - tokens) / self._per_second
            raise LimitExceeded(
                self._detail, f"Try again in {max(1, round(wait))} seconds.", retry_after=wait
            )


class Limits:
    """The limits of the public doors. ``chats``: questions a minute from one address; one visitor
    may ask half as many. ``day``: the limits of a day, unless an assistant has its own.
    """

    def __init__(self, chats: int = 60, day: DayLimits | None = None) -> None:
        self.day = day or DayLimits()
        self.sign_in = RateLimit(10, 10, "There were too many attempts to sign in from here.")
        self.chat_by_address = RateLimit(
            chats, max(1, chats // 2), "There were too many questions from here."
        )
        self.chat_by_visitor = RateLimit(
            max(1, chats // 2), max(1, chats // 4), "There were too many questions from you."
        )
        self.chat_by_assistant = RateLimit(
            20 * chats, 10 * chats, "This assistant is asked too much just now."
        )
        self.sessions = RateLimit(60, 60, "There were too many tokens from here.")
        self.leads = RateLimit(10, 20, "There were too many of these from here.")
        self.handoff_messages = RateLimit(30, 20, "There were too many messages from here.")
        self.public_reads = RateLimit(
            10 * chats, 5 * chats, "There were too many requests from here."
        )
