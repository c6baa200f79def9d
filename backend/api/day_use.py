"""How much may be asked in a day (UTC): of an assistant, by a visitor, from an address.

What an assistant was used is kept in the database and shared by all processes, which add to it and
read it back every few seconds; so between them a limit is exceeded by what a few seconds bring.
Visitors and addresses are counted in memory and forgotten at midnight where one process has the
embedded database for itself, and in the database where several may work with it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from knowledge.errors import CandorError, LimitExceeded
from knowledge.store.database import Database
from knowledge.store.queries.limit_uses import count_up
from knowledge.store.queries.model_costs import ModelTokens, add_model_use
from knowledge.store.queries.visits import Use, add_use, use_of
from knowledge.store.tables import utc_now

_MOST_KEYS = 200_000
_WRITTEN_EVERY_S = 2.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DayLimits:
    """The most of a day: questions of an assistant, of one visitor, tokens of an assistant.

    From one address may come ten times what one visitor may ask: an office shares one.
    """

    questions: int = 10_000
    visitor_questions: int = 200
    tokens: int = 1_000_000

    def address_questions(self) -> int:
        """What one address may ask."""
        return 10 * self.visitor_questions


@dataclass(slots=True)
class _Count:
    """What is known of an assistant's use, and what of it is not in the database yet."""

    known: Use
    more: Use = field(default_factory=Use)

    @property
    def whole(self) -> Use:
        return _sum(self.known, self.more)


class DayUse:
    """Counts of the day that is on."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._day = clock().date()
        self._assistants: dict[UUID, _Count] = {}
        self._models: dict[tuple[UUID, str], ModelTokens] = {}
        self._visitors: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._database: Database | None = None

    async def take(
        self, database: Database, assistant_id: UUID, visitor: str, address: str, limits: DayLimits
    ) -> None:
        """Count a question. Raises :class:`LimitExceeded` where a limit of the day is reached."""
        await self._turn_over()
        if assistant_id not in self._assistants:
            async with database.reading() as session:
                known = await use_of(session, assistant_id, self._day)
            self._assistants.setdefault(assistant_id, _Count(known))
        use = self._assistants[assistant_id].whole
        if use.questions >= limits.questions or use.tokens >= limits.tokens:
            raise self._tomorrow(
                "This assistant has answered as much as it may today.", "assistant_of_the_day"
            )
        whom = [
            (f"{assistant_id} visitor {visitor}", limits.visitor_questions),
            (f"{assistant_id} address {address}", limits.address_questions()),
        ]
        named = [one for one, known in zip(whom, (visitor, address), strict=True) if known]
        await self._count(database, named)
        self.add(database, assistant_id, Use(questions=1))

    async def _count(self, database: Database, whom: Sequence[tuple[str, int]]) -> None:
        """Count a question for all of these, or for none where one may ask no more."""
        reached = self._tomorrow(
            "That was the last question for today from here.", "visitor_of_the_day"
        )
        if database.is_sqlite:
            if any(self._visitors[who] >= most for who, most in whom):
                raise reached
            if len(self._visitors) < _MOST_KEYS:
                self._visitors.update(who for who, _ in whom)
            return
        midnight = self._midnight().timestamp()
        async with database.writing() as session:
            for who, most in whom:
                if not await count_up(session, f"{self._day} {who}", most, midnight):
                    raise reached

    def add(self, database: Database, assistant_id: UUID, more: Use) -> None:
        """Count what was used; it is written down within seconds."""
        count = self._assistants.setdefault(assistant_id, _Count(Use()))
        count.more = _sum(count.more, more)
        self._database = database
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    def add_model(
        self, database: Database, assistant_id: UUID, model: str, more: ModelTokens
    ) -> None:
        """Count what a language model read and wrote for an assistant."""
        key = (assistant_id, model)
        self._models[key] = self._models.get(key, ModelTokens()) + more
        self.add(database, assistant_id, Use(tokens=more.input + more.output))

    async def close(self) -> None:
        """Write down what is not written yet."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._write()

    async def _write_soon(self) -> None:
        while self._models or any(count.more != Use() for count in self._assistants.values()):
            await asyncio.sleep(_WRITTEN_EVERY_S)
            await self._write()

    async def _write(self) -> None:
        for assistant_id, count in list(self._assistants.items()):
            more, count.more = count.more, Use()
            if more == Use() or self._database is None:
                continue
            try:
                async with self._database.writing() as session:
                    count.known = await add_use(session, assistant_id, self._day, more)
            except CandorError as error:
                _log.warning("use_not_written", detail=error.detail)
                count.more = _sum(more, count.more)
                return
        await self._write_models()

    async def _write_models(self) -> None:
        models, self._models = self._models, {}
        if not models or self._database is None:
            return
        try:
            async with self._database.writing() as session:
                for (assistant_id, model), more in sorted(models.items()):
                    await add_model_use(session, assistant_id, self._day, model, more)
        except CandorError as error:
            _log.warning("use_not_written", detail=error.detail)
            for key, more in models.items():
                self._models[key] = more + self._models.get(key, ModelTokens())

    async def _turn_over(self) -> None:
        """Begin a new day where it has come."""
        if self._clock().date() == self._day:
            return
        await self._write()
        self._day = self._clock().date()
        self._assistants.clear()
        self._visitors.clear()

    def _midnight(self) -> datetime:
        now = self._clock()
        return datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)

    def _tomorrow(self, detail: str, limit: str) -> LimitExceeded:
        left = (self._midnight() - self._clock()).total_seconds()
        return LimitExceeded(detail, "Please come back tomorrow.", retry_after=left, limit=limit)


def _sum(one: Use, other: Use) -> Use:
    return Use(one.questions + other.questions, one.tokens + other.tokens)
