"""How much was asked and how well it was answered, how long it took, and which pages served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import numpy as np

from backend.insights.period import Period
from knowledge.store.database import Database
from knowledge.store.queries.usage import (
    DayCounts,
    DocumentUsage,
    Scope,
    TokenUse,
    count_conversations,
    count_days,
    handed_off_at,
    read_acts,
    read_document_use,
    read_durations,
    read_tokens,
)
from knowledge.store.tables import SearchEventKind

Use = Literal["cited", "shown", "never"]
"""``shown``: given to answers and never cited by one."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day. ``reformulated``: asked again in other words soon after; ``handed_off``: visitors
    who asked for a person.
    """

    day: date
    conversations: int = 0
    questions: int = 0
    answered: int = 0
    abstained: int = 0
    failed: int = 0
    helpful: int = 0
    unhelpful: int = 0
    reformulated: int = 0
    handed_off: int = 0


@dataclass(frozen=True, slots=True)
class Volume:
    """Every day of a period, and the sums; a conversation over midnight counts once in them."""

    days: tuple[Day, ...]
    total: Day


@dataclass(frozen=True, slots=True)
class Reading:
    """What visitors did with citations on one day: opened a passage, went on to its page, and how
    long a passage stayed open (the median of ``dwells``, in milliseconds).
    """

    day: date
    opened: int = 0
    visited: int = 0
    dwells: int = 0
    dwell_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that answers took, in percentiles; ``model`` is empty for all together."""

    model: str
    answers: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class SourceUse:
    """How many documents of a source were cited, only shown, and never used; and all citations."""

    source_id: UUID
    documents: int
    cited: int
    shown: int
    never: int
    citations: int


@dataclass(frozen=True, slots=True)
class DocumentsUsed:
    """The use of documents: each of them, and by source."""

    documents: tuple[DocumentUsage, ...]
    sources: tuple[SourceUse, ...]


class Usage:
    """The figures of one workspace. Whoever calls has checked that it may read them."""

    def __init__(self, database: Database, workspace_id: UUID) -> None:
        self._database = database
        self._workspace_id = workspace_id

    async def volume(self, period: Period, assistant_id: UUID | None = None) -> Volume:
        """Every day of the period, also those on which nothing was asked."""
        scope = self.scope(period, assistant_id)
        async with self._database.reading() as session:
            counts = {one.day: one for one in await count_days(session, scope)}
            conversations = await count_conversations(session, scope)
            moments = await handed_off_at(session, scope, period.begins, period.ends)
        handed = Counter(moment.date() for moment in moments)
        days = tuple(_day(day, counts.get(day), handed[day]) for day in period.days)
        sums = {
            one.name: sum(getattr(day, one.name) for day in days)
            for one in fields(Day)
            if one.name != "day"
        }
        return Volume(days, Day(period.last, **(sums | {"conversations": conversations})))

    async def reading(self, period: Period, assistant_id: UUID | None = None) -> list[Reading]:
        """Every day of the period, from the search events of the widget."""
        acts = await self._acts(period, assistant_id)
        kinds = Counter((at.date(), kind) for kind, at, _ in acts)
        dwells: dict[date, list[int]] = {}
        for kind, at, milliseconds in acts:
            if kind is SearchEventKind.DWELL and milliseconds is not None:
                dwells.setdefault(at.date(), []).append(milliseconds)
        return [
            Reading(
                day=day,
                opened=kinds[day, SearchEventKind.CITATION],
                visited=kinds[day, SearchEventKind.VISIT],
                dwells=len(dwells.get(day, [])),
                dwell_ms=float(np.median(dwells[day])) if day in dwells else None,
            )
            for day in period.days
        ]

    async def dwell_ms(self, period: Period, assistant_id: UUID | None = None) -> float | None:
        """How long half of the opened passages stayed open at least, in milliseconds."""
        acts = await self._acts(period, assistant_id)
        dwells = [ms for kind, _, ms in acts if kind is SearchEventKind.DWELL and ms is not None]
        return float(np.median(dwells)) if dwells else None

    async def _acts(
        self, period: Period, assistant_id: UUID | None
    ) -> list[tuple[SearchEventKind, datetime, int | None]]:
        async with self._database.reading() as session:
            return await read_acts(
                session, self.scope(period, assistant_id), period.begins, period.ends
            )

    async def latency(self, period: Period, assistant_id: UUID | None = None) -> list[Latency]:
        """Percentiles over all answers, then by model, the one with the most answers first."""
        async with self._database.reading() as session:
            durations = await read_durations(session, self.scope(period, assistant_id))
        every = [one for of in durations.values() for one in of]
        if not every:
            return []
        models = sorted(durations.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return [_latency("", every), *(_latency(model, of) for model, of in models)]

    async def tokens(self, period: Period, assistant_id: UUID | None = None) -> list[TokenUse]:
        """Language-model tokens by day and assistant."""
        async with self._database.reading() as session:
            return await read_tokens(session, self.scope(period, assistant_id))

    async def documents(
        self, period: Period, knowledge_base_id: UUID | None = None, use: Use | None = None
    ) -> DocumentsUsed:
        """Which documents answers were written from and cited, and which were never used."""
        async with self._database.reading() as session:
            rows = await read_document_use(
                session, self._workspace_id, period.first, period.last, knowledge_base_id
            )
        wanted = [row for row in rows if use is None or use_of(row) == use]
        return DocumentsUsed(tuple(wanted), _by_source(rows))

    def scope(self, period: Period, assistant_id: UUID | None) -> Scope:
        """The questions that figures are about."""
        return Scope(self._workspace_id, period.first, period.last, assistant_id)


def use_of(row: DocumentUsage) -> Use:
    """The best use that was made of a document."""
    if row.cited:
        return "cited"
    return "shown" if row.shown else "never"


def _day(day: date, counts: DayCounts | None, handed_off: int) -> Day:
    if counts is None:
        return Day(day, handed_off=handed_off)
    known = {one.name: getattr(counts, one.name) for one in fields(DayCounts)}
    return Day(**known, handed_off=handed_off)


def _latency(model: str, durations: Sequence[float]) -> Latency:
    p50, p95, p99 = (float(value) for value in np.percentile(durations, [50, 95, 99]))
    return Latency(model, len(durations), p50, p95, p99)


def _by_source(rows: Sequence[DocumentUsage]) -> tuple[SourceUse, ...]:
    uses: dict[UUID, Counter[str]] = {}
    citations: Counter[UUID] = Counter()
    for row in rows:
        uses.setdefault(row.source_id, Counter())[use_of(row)] += 1
        citations[row.source_id] += row.cited
    found = [
        SourceUse(id, of.total(), of["cited"], of["shown"], of["never"], citations[id])
        for id, of in uses.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.citations, -one.documents, one.source_id)))
