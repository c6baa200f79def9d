"""How often somebody may ask: token buckets, in this process's memory and, where several processes
work with one database, also there.

A bucket holds up to ``burst`` tokens and gains ``per_minute`` a minute; a request takes one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from backend.api.day_use import DayLimits
from knowledge.errors import LimitExceeded
from knowledge.store.database import Database
from knowledge.store.queries.limit_uses import Bucket, forget_past_uses, take_tokens

_MOST_KEYS = 50_000
_FORGOTTEN_EVERY = 1_000


class RateLimit:
    """One limit, kept apart for each key (an address, an assistant, both)."""

    def __init__(
        self,
        name: str,
        per_minute: float,
        burst: int,
        detail: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
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
            raise self.exceeded((1 - tokens) / self._per_second)

    def exceeded(self, wait: float) -> LimitExceeded:
        """What is said at the limit; ``wait``: seconds until there is a token."""
        action = f"Try again in {max(1, round(wait))} seconds."
        return LimitExceeded(self._detail, action, retry_after=wait, limit=self.name)

    def bucket(self, key: Hashable) -> Bucket:
        """The bucket of a key, as the database knows it."""
        return Bucket(f"{self.name} {key}", self._per_second, self._burst)


class SharedLimits:
    """Limits that hold over all processes: their buckets are in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._taken = 0

    async def take(self, limits: Sequence[tuple[RateLimit, Hashable]]) -> None:
        """Take a token of each, or of none. Raises :class:`LimitExceeded`."""
        async with self._database.writing() as session:
            if self._taken % _FORGOTTEN_EVERY == 0:
                await forget_past_uses(session)
            self._taken += 1
            wait = await take_tokens(session, [limit.bucket(key) for limit, key in limits])
            if wait is not None:
                raise limits[wait.at][0].exceeded(wait.seconds)


class Limits:
    """The limits of the public doors. ``chats``: questions a minute from one address; one visitor
    may ask half as many. ``day``: the limits of a day, unless an assistant has its own. ``shared``:
    the database, where other processes count there too.
    """

    def __init__(
        self, chats: int = 60, day: DayLimits | None = None, shared: Database | None = None
    ) -> None:
        self.day = day or DayLimits()
        self._shared = SharedLimits(shared) if shared else None
        self.sign_in = RateLimit(
            "sign_in", 10, 10, "There were too many attempts to sign in from here."
        )
        self.chat_by_address = RateLimit(
            "chat_by_address", chats, max(1, chats // 2), "There were too many questions from here."
        )
        self.chat_by_visitor = RateLimit(
            "chat_by_visitor",
            max(1, chats // 2),
            max(1, chats // 4),
            "There were too many questions from you.",
        )
        self.chat_by_assistant = RateLimit(
            "chat_by_assistant",
            20 * chats,
            10 * chats,
            "This assistant is asked too much just now.",
        )
        self.sessions = RateLimit("sessions", 60, 60, "There were too many tokens from here.")
        self.leads = RateLimit("leads", 10, 20, "There were too many of these from here.")
        self.handoff_messages = RateLimit(
            "handoff_messages", 30, 20, "There were too many messages from here."
        )
        # Cheap to answer, and many: counted in memory alone.
        self.public_reads = RateLimit(
            "public_reads", 10 * chats, 5 * chats, "There were too many requests from here."
        )

    async def take(self, *limits: tuple[RateLimit, Hashable]) -> None:
        """Take a token of each limit. Raises :class:`LimitExceeded`."""
        for limit, key in limits:
            limit.take(key)
        if self._shared is not None:
            await self._shared.take(limits)
