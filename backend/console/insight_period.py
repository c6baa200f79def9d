"""What all pages of Insights share: of which days and which assistant their figures are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from nicegui import ui

from backend.console.frame import go, head, tabs
from backend.console.visit import Visit
from backend.insights.period import Period
from knowledge.store.queries.assistants import assistants
from knowledge.store.tables import Assistant, utc_now

_PERIODS = {7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days", 365: "Last year"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the pages show; the whole of it stands in the address."""

    page: str
    days: int = 30
    assistant: UUID | None = None

    @property
    def period(self) -> Period:
        """The days, until today."""
        today = utc_now().date()
        return Period(today - timedelta(days=self.days - 1), today)

    def address(self, page: str | None = None) -> str:
        """The address of this page, or of another with the same choice."""
        given = {"days": self.days if self.days != 30 else "", "assistant": self.assistant or ""}
        query = urlencode({name: str(value) for name, value in given.items() if value})
        return f"/console/insights{self.page if page is None else page}" + (
            f"?{query}" if query else ""
        )

    def numbers(self, of: str, **more: str) -> str:
        """The address of the same figures as CSV."""
        period = self.period
        given = {"format": "csv", "first": str(period.first), "last": str(period.last), **more}
        if self.assistant:
            given["assistant"] = str(self.assistant)
        return f"/api/v1/insights/{of}?{urlencode(given)}"


async def begin(
    visit: Visit, part: str, current: str, days: int, assistant: UUID | None, by_assistant: bool
) -> Wanted:
    """The head, the tabs and the choice of time that all pages here share."""
    async with visit.database.reading() as session:
        rows = await session.scalars(assistants(visit.workspace_id).order_by(Assistant.created_at))
        names = {row.id: row.name for row in rows}
    wanted = Wanted(
        part, days if days in _PERIODS else 30, assistant if assistant in names else None
    )
    head("Insights", below="What people ask, and how well your content answers it.")
    tabs(
        current,
        ("Overview", wanted.address("")),
        ("Questions", wanted.address("/questions")),
        ("Gaps", wanted.address("/gaps")),
        ("Sources", wanted.address("/sources")),
    )
    with ui.element("div").classes("filters"):
        ui.select(
            _PERIODS,
            value=wanted.days,
            on_change=lambda e: go(replace(wanted, days=int(e.value)).address()),
        ).props('outlined dense options-dense aria-label="Time"').style("width:170px")
        if by_assistant:
            ui.select(
                {"": "All assistants"} | {str(id): name for id, name in names.items()},
                value=str(wanted.assistant or ""),
                on_change=lambda e: go(
                    replace(wanted, assistant=UUID(e.value) if e.value else None).address()
                ),
            ).props('outlined dense options-dense aria-label="Assistant"').style("width:200px")
    await visit.state.gaps.collector.collect()
    return wanted
