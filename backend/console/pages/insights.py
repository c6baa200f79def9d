"""Insights: how much is asked, how well it is answered, where content is missing, what is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.charts import Series, bar, columns, share
from backend.console.cost_view import cost_table, prices
from backend.console.forms import button, link_button
from backend.console.frame import go, page, section, tell
from backend.console.gap_view import gap_lists, top_questions
from backend.console.insight_period import Wanted, begin
from backend.console.lead_quality_view import lead_figures
from backend.console.parts import badge, empty, note, show, table, tiles
from backend.console.visit import Visit
from backend.console.words import KINDS, count, shown_address
from backend.insights.costs import read_costs
from backend.insights.lead_quality import lead_quality
from backend.insights.usage import Day, Latency, Usage, Volume, use_of
from knowledge.errors import CandorError
from knowledge.store.queries.rule_targets import read_rule_targets
from knowledge.store.tables import Role

_USES = {
    "": "All documents",
    "cited": "Cited",
    "shown": "Shown, not cited",
    "never": "Never used",
}
_ROWS = 200


@page("/insights", "insights")
async def overview(visit: Visit, days: int = 30, assistant: UUID | None = None) -> None:
    """Volume, quality, latency and tokens."""
    wanted = await begin(visit, "", "Overview", days, assistant, by_assistant=True)
    usage = Usage(visit.database, visit.workspace_id)
    volume = await usage.volume(wanted.period, wanted.assistant)
    if not volume.total.questions and not volume.total.handed_off:
        show(
            empty(
                "insights",
                "Nothing was asked in this time",
                Markup(
                    'Put an assistant on your website under <a href="/console/assistants">'
                    "Assistants</a>, or choose a longer time."
                ),
            ),
            classes="card",
        )
        return
    show(tiles(_quality(volume.total)), classes="section")
    with section("Questions by day") as room:
        with room:
            link_button("CSV", wanted.numbers("volume"), "tiny")
        show(_by_day(volume), classes="card pad")
    latency = await usage.latency(wanted.period, wanted.assistant)
    if latency:
        with section("Time of answers", "Half of all answers take less than the median.") as room:
            with room:
                link_button("CSV", wanted.numbers("latency"), "tiny")
            show(_latency(latency), classes="card")
    await _reading(usage, wanted)
    await _costs(visit, wanted)
    if visit.may(Role.EDITOR):
        await _leads(visit, wanted)


async def _reading(usage: Usage, wanted: Wanted) -> None:
    """What visitors did with the sources of their answers; nothing where none was opened."""
    days = await usage.reading(wanted.period, wanted.assistant)
    if not any(day.opened or day.visited for day in days):
        return
    with section("Sources opened", "What visitors looked up behind their answers.") as room:
        with room:
            link_button("CSV", wanted.numbers("reading"), "tiny")
        opened = sum(day.opened for day in days)
        dwell = await usage.dwell_ms(wanted.period, wanted.assistant)
        show(
            tiles(
                [
                    ("Passages opened", f"{opened:,}", False),
                    ("Pages visited from them", f"{sum(day.visited for day in days):,}", False),
                    ("Read for, half of them at least", _dwell(dwell), False),
                ]
            )
        )
        series = [
            Series("Passages opened", "good", [day.opened for day in days]),
            Series("Pages visited from them", "added", [day.visited for day in days]),
        ]
        show(columns("Sources opened", wanted.period.days, series), classes="card pad")


async def _costs(visit: Visit, wanted: Wanted) -> None:
    """Tokens by day, and what they cost; nothing where no language model wrote an answer."""
    usage = Usage(visit.database, visit.workspace_id)
    tokens = await usage.tokens(wanted.period, wanted.assistant)
    if not any(row.tokens for row in tokens):
        return
    words = "Tokens are estimated; the cost is theirs at the prices that an admin has set."
    with section("Language model", words) as room:
        with room:
            if visit.may(Role.ADMIN):
                button("Set prices", prices(visit, lambda: draw()), "tiny")
            link_button("CSV", wanted.numbers("costs"), "tiny")
        by_day = dict.fromkeys(wanted.period.days, 0)
        for row in tokens:
            by_day[row.day] += row.tokens
        series = [Series("Tokens", "added", list(by_day.values()))]
        show(columns("Tokens", wanted.period.days, series), classes="card pad")
        shown = show(Markup(""))

    async def draw() -> None:
        found = await read_costs(
            visit.database, visit.workspace_id, wanted.period, wanted.assistant
        )
        shown.set_content(cost_table(found) if found.period else Markup(""))

    await draw()


async def _leads(visit: Visit, wanted: Wanted) -> None:
    found = await lead_quality(visit.database, visit.workspace_id, wanted.period, wanted.assistant)
    if not found.total.leads:
        return
    with section("Leads", "How good they are, as staff judged them under Leads.") as room:
        with room:
            link_button("CSV", wanted.numbers("leads"), "tiny")
        show(lead_figures(found))


def _quality(total: Day) -> list[tuple[str, str | Markup, bool]]:
    asked = total.questions
    judged = total.helpful + total.unhelpful
    return [
        ("Questions", f"{asked:,}", False),
        ("Conversations", f"{total.conversations:,}", False),
        ("Answered", share(total.answered, asked), False),
        ("Without an answer", share(total.abstained, asked), False),
        ("Failed", share(total.failed, asked), False),
        ("Helpful, of those judged", share(total.helpful, judged), False),
        ("Asked again in other words", share(total.reformulated, asked), False),
        ("Asked for a person", f"{total.handed_off:,}", False),
    ]


def _by_day(volume: Volume) -> Markup:
    return columns(
        "Questions",
        [day.day for day in volume.days],
        [
            Series("Answered", "good", [day.answered for day in volume.days]),
            Series("Without an answer", "quiet", [day.abstained for day in volume.days]),
            Series("Failed", "bad", [day.failed for day in volume.days]),
        ],
    )


def _latency(rows: list[Latency]) -> Markup:
    most = max(row.p99 for row in rows)
    heads = (
        ("Written by", ""),
        ("Answers", "num"),
        ("Median", "num"),
        ("95 of 100", "num"),
        ("99 of 100", "num"),
    )
    lines = (
        [
            row.model or "All together",
            f"{row.answers:,}",
            *(bar(value, most, _ms(value)) for value in (row.p50, row.p95, row.p99)),
        ]
        for row in rows
    )
    return table(heads, lines, "Time of answers")


def _dwell(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value / 1000:.1f} s" if value < 100_000 else f"{value / 60_000:.0f} min"


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


@page("/insights/questions", "insights")
async def questions(visit: Visit, days: int = 30, assistant: UUID | None = None) -> None:
    """What is asked most often, in clusters."""
    wanted = await begin(visit, "/questions", "Questions", days, assistant, by_assistant=True)
    with section("Top questions", "Those that ask the same in other words count together.") as room:
        with room:
            link_button("CSV", wanted.numbers("questions", limit="500"), "tiny")
        shown = show(note("", "", "Putting questions together that ask the same …"))

    async def draw() -> bool:
        found = await visit.state.gaps.questions(
            visit.workspace_id, wanted.period, wanted.assistant, 100
        )
        shown.set_content(Markup('<div class="card">{}</div>').format(top_questions(found)))
        return True

    _later(visit, draw)


@page("/insights/gaps", "insights")
async def gaps(visit: Visit, days: int = 30, assistant: UUID | None = None) -> None:
    """Questions without a good answer, and whether there is content for them."""
    wanted = await begin(visit, "/gaps", "Gaps", days, assistant, by_assistant=True)
    with section("Gaps", "Questions that were not answered well, the most frequent first.") as room:
        with room:
            link_button("CSV", wanted.numbers("gaps", limit="100"), "tiny")
        shown = show(note("", "", "Looking for content that would answer …")).props(
            "aria-live=polite"
        )

    async def draw() -> bool:
        found = await visit.state.gaps.gaps(visit.workspace_id, wanted.period, wanted.assistant, 50)
        shown.set_content(gap_lists(found))
        return all(gap.finding is not None for gap in found)

    _later(visit, draw)


def _later(visit: Visit, draw: Callable[[], Awaitable[bool]]) -> None:
    """Draw once the page is there, and again until ``draw`` says that it is complete."""

    async def step() -> None:
        try:
            await visit.check()
            if await draw():
                timer.deactivate()
        except CandorError as error:
            timer.deactivate()
            tell(error)

    timer = ui.timer(0.5, step)


@page("/insights/sources", "insights")
async def sources(visit: Visit, days: int = 30, use: str = "") -> None:
    """What answers were written from, and what never served."""
    wanted = await begin(visit, "/sources", "Sources", days, None, by_assistant=False)
    use = use if use in _USES else ""
    found = await Usage(visit.database, visit.workspace_id).documents(wanted.period)
    if not found.documents:
        show(
            empty("insights", "No document yet", "Add content first, under Content."),
            classes="card",
        )
        return
    async with visit.database.reading() as session:
        names = await read_rule_targets(
            session, visit.workspace_id, [row.source_id for row in found.sources]
        )
    labels = {
        id: KINDS.get(one.name, shown_address(one.name) or "Source") for id, one in names.items()
    }
    with section("By source") as beside:
        with beside:
            link_button("CSV", wanted.numbers("sources"), "tiny")
        heads = (
            ("Source", "fill"),
            ("Documents", "num"),
            ("Cited", "num"),
            ("Shown, not cited", "num"),
            ("Never used", "num"),
            ("Citations", "num"),
        )
        lines = (
            [
                Markup('<a href="/console/sources/{}">{}</a>').format(
                    row.source_id, labels.get(row.source_id, "Source")
                ),
                *(
                    f"{value:,}"
                    for value in (row.documents, row.cited, row.shown, row.never, row.citations)
                ),
            ]
            for row in found.sources
        )
        show(table(heads, lines, "By source"), classes="card")
    with section("By document") as room:
        with room:
            ui.select(
                _USES,
                value=use,
                on_change=lambda e: go(_with_use(wanted, e.value)),
            ).props('outlined dense options-dense aria-label="Use"').style("width:180px")
            more: Mapping[str, str] = {"use": use} if use else {}
            link_button("CSV", wanted.numbers("documents", **more), "tiny")
        rows = [row for row in found.documents if not use or use_of(row) == use]
        documents = (
            [
                Markup('<a href="/console/documents/{}">{}</a> <span class="sub">{}</span>').format(
                    row.document_id,
                    row.title or shown_address(row.address),
                    shown_address(row.address),
                ),
                f"{row.cited:,}",
                f"{row.shown:,}",
                badge(
                    _USES[use_of(row)],
                    {"cited": "good", "shown": "", "never": "quiet"}[use_of(row)],
                ),
            ]
            for row in rows[:_ROWS]
        )
        columns_of = (("Document", "fill"), ("Cited", "num"), ("Shown", "num"), ("", ""))
        show(table(columns_of, documents, "By document"), classes="card")
        if len(rows) > _ROWS:
            show(note("", "", f"{count(len(rows), 'document')}: the CSV has all of them."))


def _with_use(wanted: Wanted, use: str) -> str:
    address = wanted.address()
    return address + (f"{'&' if '?' in address else '?'}use={use}" if use else "")
