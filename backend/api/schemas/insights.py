"""Figures about questions and answers over the wire."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from backend.insights.freshness import FreshPage
from backend.insights.gaps import Finding, Gap, GapKind, Question
from backend.insights.usage import Day
from knowledge.store.tables import LeadTrigger


class PeriodView(BaseModel):
    """The days (UTC) that figures are about, both included."""

    first: dt.date
    last: dt.date


class DayView(BaseModel):
    """Questions of one day and how they ended. ``reformulated``: asked again in other words soon
    after. ``handed_off``: visitors who asked for a person.
    """

    day: dt.date
    conversations: int
    questions: int
    answered: int
    abstained: int
    failed: int
    helpful: int
    unhelpful: int
    reformulated: int
    handed_off: int

    @classmethod
    def of(cls, day: Day) -> DayView:
        """The view of a day."""
        return cls.model_validate(day, from_attributes=True)


class VolumeView(PeriodView):
    """Every day, and the sums. A conversation over midnight counts once in ``total``."""

    days: list[DayView]
    total: DayView


class ReadingRow(BaseModel):
    """Citations that visitors opened on one day, pages they went on to, and the median time that a
    passage stayed open.
    """

    day: dt.date
    opened: int
    visited: int
    dwells: int
    dwell_ms: float | None


class ReadingView(PeriodView):
    """What visitors did with citations, by day."""

    items: list[ReadingRow]


class LatencyRow(BaseModel):
    """Milliseconds that answers took; ``model`` is empty for all together."""

    model: str = Field(examples=["extractive"])
    answers: int
    p50: float
    p95: float
    p99: float


class LatencyView(PeriodView):
    """Percentiles of all answers, then by model."""

    items: list[LatencyRow]


class TokenRow(BaseModel):
    """Language-model tokens of one assistant on one day."""

    day: dt.date
    assistant_id: UUID
    assistant: str
    questions: int
    tokens: int


class TokensView(PeriodView):
    """Tokens by day and assistant, and their sum."""

    items: list[TokenRow]
    tokens: int


class LeadQualityRow(BaseModel):
    """Leads that came about in one way; ``trigger`` is null for all together. ``hours``: the median
    time until staff took one up.
    """

    trigger: LeadTrigger | None
    leads: int
    reachable: int
    asked: int
    contacted: int
    open: int
    good: int
    poor: int
    hours: float | None


class LeadQualityView(PeriodView):
    """What came of the leads of a period: all together, then by what made the widget ask.
    ``from_conversations``: how many of the ``conversations`` ended in a lead.
    """

    items: list[LeadQualityRow]
    from_conversations: int
    conversations: int


class DocumentUseRow(BaseModel):
    """In how many answers a document was read (``shown``) and cited."""

    document_id: UUID
    source_id: UUID
    knowledge_base_id: UUID
    title: str
    address: str
    shown: int
    cited: int


class SourceUseRow(BaseModel):
    """Documents of a source that were cited, only shown, and never used; and all citations."""

    source_id: UUID
    documents: int
    cited: int
    shown: int
    never: int
    citations: int


class NamedSourceUse(SourceUseRow):
    """The use of a source, with its name."""

    name: str


class SourcesUsedView(PeriodView):
    """The use of sources, those with the most citations first."""

    items: list[NamedSourceUse]


class DocumentsUsedView(PeriodView):
    """The most cited documents first. ``total``: how many there are in all."""

    items: list[DocumentUseRow]
    total: int
    sources: list[SourceUseRow]


class QuestionView(BaseModel):
    """Questions that ask the same. ``examples``: their words, the most asked first. ``badly``: how
    often they had no good answer.
    """

    question: str
    examples: list[str]
    asked: int
    badly: int
    last_asked: dt.datetime
    conversation_id: UUID
    message_id: UUID

    @classmethod
    def of(cls, found: Question | Gap) -> QuestionView:
        """The view of a cluster."""
        return cls(
            question=found.question,
            examples=list(found.examples[:_EXAMPLES]),
            asked=found.asked,
            badly=found.badly,
            last_asked=found.last_asked,
            conversation_id=found.conversation_id,
            message_id=found.message_id,
        )


class QuestionsView(PeriodView):
    """The questions asked most often."""

    items: list[QuestionView]


class FindingView(BaseModel):
    """What a wider search finds: ``no_content``; ``missed``, with the page that answers it and why
    it was not among the hits; or ``answered_now``.
    """

    kind: GapKind
    confidence: float
    title: str
    address: str
    why_not: dict[str, Any] | None

    @classmethod
    def of(cls, found: Finding) -> FindingView:
        """The view of a finding."""
        return cls(
            kind=found.kind,
            confidence=found.confidence,
            title=found.title,
            address=found.address,
            why_not=found.why_not.to_json() if found.why_not else None,
        )


class GapView(QuestionView):
    """Questions that were answered badly, for reasons that overlap: ``abstained``, ``unhelpful``,
    ``reformulated``, ``unsure``. ``explain``: the explain page for the question. ``finding`` is
    null where nobody has looked yet: ask again.
    """

    abstained: int
    unhelpful: int
    reformulated: int
    unsure: int
    explain: str
    finding: FindingView | None

    @classmethod
    def of(cls, found: Question | Gap) -> GapView:
        """The view of a gap."""
        assert isinstance(found, Gap)
        return cls(
            **QuestionView.of(found).model_dump(),
            abstained=found.abstained,
            unhelpful=found.unhelpful,
            reformulated=found.reformulated,
            unsure=found.unsure,
            explain=found.explain,
            finding=FindingView.of(found.finding) if found.finding else None,
        )


class GapsView(PeriodView):
    """The gaps that were met most often."""

    items: list[GapView]


class FreshPageView(BaseModel):
    """A page that was indexed of late: minutes from its change and from its fetching to the index,
    those of the two that count (``minutes``), and at which place its title and a sentence of its
    newest passage find it.
    """

    document_id: UUID
    title: str
    address: str
    version: int
    modified_at: dt.datetime | None
    fetched_at: dt.datetime | None
    indexed_at: dt.datetime
    change_minutes: float | None
    fetch_minutes: float | None
    minutes: float | None
    text: str
    title_place: int | None
    text_place: int | None
    found: bool

    @classmethod
    def of(cls, page: FreshPage) -> FreshPageView:
        """The view of a page."""
        return cls.model_validate(page, from_attributes=True)


class FreshnessView(BaseModel):
    """Pages indexed last. ``on_time``: in the index within the minutes asked, and found."""

    within_minutes: float
    pages: list[FreshPageView]
    found: int
    on_time: int
    p50: float | None
    p95: float | None


_EXAMPLES = 20
