"""Freshness: whether the pages that changed last are in the index, and are found."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from markupsafe import Markup
from nicegui import ui

from backend.console.frame import go, head, page, show_error, tabs
from backend.console.judging import explain_address
from backend.console.parts import badge, empty, note, show, table, tiles, when
from backend.console.visit import Visit
from backend.console.words import shown_address
from backend.insights.freshness import Freshness, FreshPage, check_freshness
from knowledge.errors import CandorError
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.tables import KnowledgeBase

TABS = (("Query sets", "/console/evaluation"), ("Freshness", "/console/freshness"))
_WITHIN = {15: "Within 15 minutes", 60: "Within an hour", 1440: "Within a day"}
_DAYS = {1: "Of the last day", 7: "Of the last 7 days", 30: "Of the last 30 days"}


@page("/freshness", "evaluation")
async def freshness_page(
    visit: Visit,
    base: Annotated[UUID | None, Query(alias="in")] = None,
    within: int = 60,
    days: int = 7,
) -> None:
    """The pages of a knowledge base that were indexed last, each searched for now."""
    async with visit.database.reading() as session:
        rows = await session.scalars(
            knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
        )
        bases = {row.id: row.name for row in rows}
    head("Evaluation", below="Whether what changed on your website is found, and how soon.")
    tabs("Freshness", *TABS)
    if not bases:
        show(
            empty("evaluation", "No knowledge base yet", "Make one under Content."), classes="card"
        )
        return
    chosen = base if base in bases else next(iter(bases))
    within = within if within in _WITHIN else 60
    days = days if days in _DAYS else 7

    def open_with(**changed: object) -> None:
        given = {"in": chosen, "within": within, "days": days} | changed
        go("/console/freshness?" + urlencode({name: str(value) for name, value in given.items()}))

    with ui.element("div").classes("filters"):
        ui.select(
            {str(id): name for id, name in bases.items()},
            value=str(chosen),
            on_change=lambda e: open_with(**{"in": e.value}),
        ).props('outlined dense options-dense aria-label="Knowledge base"').style("width:220px")
        ui.select(_DAYS, value=days, on_change=lambda e: open_with(days=e.value)).props(
            'outlined dense options-dense aria-label="Changed"'
        ).style("width:200px")
        ui.select(_WITHIN, value=within, on_change=lambda e: open_with(within=e.value)).props(
            'outlined dense options-dense aria-label="How soon"'
        ).style("width:190px")
    room = ui.element("div").props("aria-live=polite")
    with room:
        show(note("", "", "Searching for the pages that changed last …"))

    async def check() -> None:
        try:
            await visit.check()
            told = await check_freshness(visit.state.searcher, chosen, within, days)
        except CandorError as error:
            room.clear()
            with room:
                show_error(error)
            return
        room.clear()
        with room:
            show(_told(told, chosen))

    ui.timer(0.01, check, once=True)


def _told(told: Freshness, base: UUID) -> Markup:
    if not told.pages:
        return Markup('<div class="card">{}</div>').format(
            empty("evaluation", "Nothing changed in this time", "Choose a longer one.")
        )
    figures: list[tuple[str, str | Markup, bool]] = [
        ("Pages", f"{len(told.pages):,}", False),
        ("Found", f"{told.found:,}", False),
        ("Found in time", f"{told.on_time:,}", False),
        ("Half of them took", _minutes(told.p50), False),
        ("95 of 100 took", _minutes(told.p95), False),
    ]
    heads = (
        ("Page", "fill"),
        ("In the index", "when"),
        ("Took", "num"),
        ("Place by title", "num"),
        ("Place by its words", "num"),
        ("", ""),
    )
    rows = (_row(page, base) for page in told.pages)
    return Markup('<div class="stack">{}<div class="card">{}</div></div>').format(
        tiles(figures), table(heads, rows, "Pages that changed last")
    )


def _row(page: FreshPage, base: UUID) -> list[Markup | str]:
    return [
        Markup('<a href="{}">{}</a> <span class="sub">{}, version {}</span>').format(
            explain_address(page.title or page.text, base),
            page.title or shown_address(page.address),
            shown_address(page.address),
            page.version,
        ),
        when(page.indexed_at),
        _minutes(page.minutes),
        str(page.title_place or "not found"),
        str(page.text_place or "not found"),
        badge("found", "good") if page.found else badge("not found", "bad"),
    ]


def _minutes(value: float | None) -> str:
    if value is None:
        return "unknown"
    if value < 1:
        return "< 1 min"
    return f"{value:,.0f} min" if value < 600 else f"{value / 60:,.0f} h"
