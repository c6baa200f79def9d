"""``/insights``: what was asked, how well it was answered, and where content is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.schemas.insights import (
    DayView,
    DocumentsUsedView,
    DocumentUseRow,
    FreshnessView,
    FreshPageView,
    GapsView,
    GapView,
    LatencyRow,
    LatencyView,
    LeadQualityRow,
    LeadQualityView,
    NamedSourceUse,
    QuestionsView,
    QuestionView,
    ReadingRow,
    ReadingView,
    SourcesUsedView,
    SourceUseRow,
    TokenRow,
    TokensView,
    VolumeView,
)
from backend.api.state import AppState, State
from backend.insights.freshness import MOST, check_freshness
from backend.insights.lead_quality import lead_quality
from backend.insights.period import Period
from backend.insights.usage import Day, Usage, Use
from knowledge.spreadsheet import write_csv
from knowledge.store.queries.assistants import find_assistant
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.sources import sources as sources_of
from knowledge.store.tables import Source

router = APIRouter(tags=["insights"], responses=PROBLEMS)

Format = Annotated[Literal["json", "csv"], Query(description="`csv`: the numbers as a table.")]
TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_Knowledge = Annotated[UUID | None, Query(description="Only of this knowledge base.")]


def _period(
    first: Annotated[date | None, Query(description="First day (UTC); 30 days in all.")] = None,
    last: Annotated[date | None, Query(description="Last day (UTC), included; today.")] = None,
) -> Period:
    return Period.of(first, last)


Days = Annotated[Period, Depends(_period)]


async def _assistant(
    caller: Viewer,
    state: State,
    assistant: Annotated[UUID | None, Query(description="Only of this assistant.")] = None,
) -> UUID | None:
    """The assistant asked for; one of another workspace is not found."""
    if assistant is None:
        return None
    async with state.database.reading() as session:
        return (await find_assistant(session, caller.workspace_id, assistant)).id


OfAssistant = Annotated[UUID | None, Depends(_assistant)]


@router.get(
    "/insights/volume", summary="Count questions", response_model=VolumeView, responses=TABLE
)
async def volume(
    caller: Viewer, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> VolumeView | Response:
    """Conversations and questions by day, and how they went: answered, abstained, failed, judged
    helpful or not, asked again, handed to a person.
    """
    await state.gaps.collector.collect()
    found = await _usage(caller, state).volume(period, assistant)
    if format == "csv":
        names = [one.name for one in fields(Day)]
        return as_csv("volume", period, names, (asdict(day).values() for day in found.days))
    return VolumeView(
        first=period.first,
        last=period.last,
        days=[DayView.of(day) for day in found.days],
        total=DayView.of(found.total),
    )


@router.get(
    "/insights/reading", summary="Use of citations", response_model=ReadingView, responses=TABLE
)
async def reading(
    caller: Viewer, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> ReadingView | Response:
    """What visitors did with citations by day: opened a passage, for how long, went to its page."""
    rows = [asdict(one) for one in await _usage(caller, state).reading(period, assistant)]
    if format == "csv":
        return as_csv("reading", period, list(ReadingRow.model_fields), (r.values() for r in rows))
    items = [ReadingRow(**row) for row in rows]
    return ReadingView(first=period.first, last=period.last, items=items)


@router.get(
    "/insights/latency", summary="Time of answers", response_model=LatencyView, responses=TABLE
)
async def latency(
    caller: Viewer, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> LatencyView | Response:
    """How long answers took, in percentiles of milliseconds, by the model that wrote them."""
    rows = [asdict(one) for one in await _usage(caller, state).latency(period, assistant)]
    if format == "csv":
        return as_csv("latency", period, list(LatencyRow.model_fields), (r.values() for r in rows))
    items = [LatencyRow(**row) for row in rows]
    return LatencyView(first=period.first, last=period.last, items=items)


@router.get(
    "/insights/tokens", summary="Language-model tokens", response_model=TokensView, responses=TABLE
)
async def tokens(
    caller: Viewer, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> TokensView | Response:
    """Tokens by day and assistant, estimated; `/insights/costs` multiplies them with prices."""
    rows = [asdict(one) for one in await _usage(caller, state).tokens(period, assistant)]
    if format == "csv":
        return as_csv("tokens", period, list(TokenRow.model_fields), (r.values() for r in rows))
    items = [TokenRow(**row) for row in rows]
    return TokensView(
        first=period.first,
        last=period.last,
        items=items,
        tokens=sum(item.tokens for item in items),
    )


@router.get(
    "/insights/leads",
    summary="Quality of leads",
    response_model=LeadQualityView,
    responses=TABLE,
)
async def leads(
    caller: Editor, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> LeadQualityView | Response:
    """How the leads of a period came about, whether they can be reached, and what staff made of
    them; all together first. Nothing in it tells whose they are.
    """
    found = await lead_quality(state.database, caller.workspace_id, period, assistant)
    rows = [asdict(one) for one in (found.total, *found.by_trigger)]
    if format == "csv":
        header = list(LeadQualityRow.model_fields)
        return as_csv("leads", period, header, (r.values() for r in rows))
    return LeadQualityView(
        first=period.first,
        last=period.last,
        items=[LeadQualityRow(**row) for row in rows],
        from_conversations=found.from_conversations,
        conversations=found.conversations,
    )


@router.get(
    "/insights/documents",
    summary="Use of documents",
    response_model=DocumentsUsedView,
    responses=TABLE,
)
async def documents(
    caller: Viewer,
    state: State,
    period: Days,
    knowledge_base: _Knowledge = None,
    use: Annotated[
        Use | None, Query(description="Only those cited, shown but not cited, or never used.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    format: Format = "json",
) -> DocumentsUsedView | Response:
    """Which documents answers were written from and cited, and which never; also by source."""
    async with state.database.reading() as session:
        base = (
            (await find_knowledge_base(session, caller.workspace_id, knowledge_base)).id
            if knowledge_base
            else None
        )
    found = await _usage(caller, state).documents(period, base, use)
    names = list(DocumentUseRow.model_fields)
    if format == "csv":
        return as_csv("documents", period, names, (asdict(r).values() for r in found.documents))
    return DocumentsUsedView(
        first=period.first,
        last=period.last,
        items=[DocumentUseRow(**asdict(row)) for row in found.documents[:limit]],
        total=len(found.documents),
        sources=[SourceUseRow(**asdict(row)) for row in found.sources],
    )


@router.get(
    "/insights/sources",
    summary="Use of sources",
    response_model=SourcesUsedView,
    responses=TABLE,
)
async def sources(
    caller: Viewer, state: State, period: Days, format: Format = "json"
) -> SourcesUsedView | Response:
    """How many documents of each source were cited, only shown, and never used."""
    found = await _usage(caller, state).documents(period)
    async with state.database.reading() as session:
        names = {
            row.id: row.name
            for row in await session.scalars(
                sources_of(caller.workspace_id).where(
                    Source.id.in_([one.source_id for one in found.sources])
                )
            )
        }
    rows = [
        NamedSourceUse(name=names.get(one.source_id, ""), **asdict(one)) for one in found.sources
    ]
    if format == "csv":
        header = list(NamedSourceUse.model_fields)
        values = ([getattr(row, name) for name in header] for row in rows)
        return as_csv("sources", period, header, values)
    return SourcesUsedView(first=period.first, last=period.last, items=rows)


@router.get(
    "/insights/questions", summary="Top questions", response_model=QuestionsView, responses=TABLE
)
async def questions(
    caller: Viewer,
    state: State,
    period: Days,
    assistant: OfAssistant,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    format: Format = "json",
) -> QuestionsView | Response:
    """The questions asked most often; those that ask the same in other words count together."""
    found = await state.gaps.questions(caller.workspace_id, period, assistant, limit)
    items = [QuestionView.of(one) for one in found]
    if format == "csv":
        names = ["question", "asked", "badly", "last_asked", "conversation_id"]
        return as_csv("questions", period, names, _cells(items, names))
    return QuestionsView(first=period.first, last=period.last, items=items)


@router.get("/insights/gaps", summary="Content gaps", response_model=GapsView, responses=TABLE)
async def gaps(
    caller: Viewer,
    state: State,
    period: Days,
    assistant: OfAssistant,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    format: Format = "json",
) -> GapsView | Response:
    """Questions without a good answer, those met most often first, and whether there is content
    for them that search missed. A gap that nobody has looked into yet has no ``finding``: asking
    again goes on where the time was over.
    """
    found = await state.gaps.gaps(caller.workspace_id, period, assistant, limit)
    items = [GapView.of(one) for one in found]
    if format == "csv":
        names = ["question", "asked", "badly", "abstained", "unhelpful", "reformulated", "unsure"]
        header = [*names, "last_asked", "kind", "address", "why_not"]
        rows = (
            [*cells, *_finding(gap)]
            for cells, gap in zip(_cells(items, [*names, "last_asked"]), items, strict=True)
        )
        return as_csv("gaps", period, header, rows)
    return GapsView(first=period.first, last=period.last, items=items)


@router.get("/knowledge-bases/{knowledge_base_id}/freshness", summary="Check freshness")
async def freshness(
    knowledge_base_id: UUID,
    caller: Viewer,
    state: State,
    within_minutes: Annotated[float, Query(gt=0, le=1_000_000)] = 60,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
) -> FreshnessView:
    """Whether the pages that changed last are found: how long they took into the index, and at
    which place a search for their title and for their newest text finds them, tried now.
    """
    async with state.database.reading() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
    found = await check_freshness(state.searcher, base.id, within_minutes, days, limit)
    return FreshnessView(
        within_minutes=found.within_minutes,
        pages=[FreshPageView.of(page) for page in found.pages],
        found=found.found,
        on_time=found.on_time,
        p50=found.p50,
        p95=found.p95,
    )


def _usage(caller: Caller, state: AppState) -> Usage:
    return Usage(state.database, caller.workspace_id)


def _cells(items: Sequence[object], names: Sequence[str]) -> list[list[object]]:
    return [[getattr(item, name) for name in names] for item in items]


def _finding(gap: GapView) -> list[object]:
    if gap.finding is None:
        return ["", "", ""]
    told = gap.finding.why_not or {}
    return [gap.finding.kind, gap.finding.address, told.get("detail", "")]


def as_csv(
    name: str, period: Period, header: Sequence[str], rows: Iterable[Iterable[object]]
) -> Response:
    """Figures as a table to be saved."""
    file = f"{name}-{period.first}-{period.last}.csv"
    return Response(
        write_csv(header, [list(row) for row in rows]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
