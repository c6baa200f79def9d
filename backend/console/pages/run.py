"""One run: what it added, changed and removed, what went missing, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.frame import head, page
from backend.console.listing import Steering
from backend.console.parts import badge, empty, row_link, run_notes, show, table, tiles, when
from backend.console.visit import Visit
from backend.console.words import CHANGES, run_name, run_state, shown_address, took
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries import runs
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.runs import Progress
from knowledge.store.queries.sources import find_source
from knowledge.store.tables import Change, ItemState, Run, RunItem

_LIMIT = 50
_NOT_INDEXED = {
    ItemState.SKIPPED: "Met and not indexed",
    ItemState.LEFT_OUT: "Left out",
}
"""Addresses that a run did nothing to, each with its reason."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page lists; the whole of it stands in the address."""

    run_id: UUID
    change: Change | None = None
    state: ItemState | None = None
    after: str = ""

    def address(self) -> str:
        given = {"change": self.change, "state": self.state, "after": self.after}
        query = urlencode({name: str(value) for name, value in given.items() if value})
        return f"/console/runs/{self.run_id}" + (f"?{query}" if query else "")


@page("/runs/{run_id}", "content")
async def run(
    visit: Visit,
    run_id: UUID,
    change: Change | None = None,
    state: ItemState | None = None,
    after: str = "",
) -> None:
    """What a run changed, or what it met in one state."""
    async with visit.database.reading() as session:
        row = await runs.find_run(session, visit.workspace_id, run_id)
        base = await find_knowledge_base(session, visit.workspace_id, row.knowledge_base_id)
        crumbs = [("Content", "/console/"), (base.name, f"/console/knowledge-bases/{base.id}")]
        if row.source_id:
            source = await find_source(session, visit.workspace_id, row.source_id)
            crumbs.append((source.name, f"/console/sources/{source.id}"))
        progress = (await runs.progress(session, [row.id]))[row.id]
    head(f"{run_name(row)}: what changed", crumbs, when(row.created_at))
    show(_facts(row, progress), classes="section")
    if row.notes:
        show(run_notes(row.notes), classes="section stack")

    async def draw(now: _Wanted) -> None:
        await visit.check()
        query = runs.items(row.id, now.state) if now.state else runs.changes(row.id, now.change)
        async with visit.database.reading() as session:
            found = await read_page(session, query, RunItem, PageRequest(_LIMIT, now.after))
        shown.set_content(_table(found.items, now))
        more = bool(now.after or found.next_cursor)
        pager.show(f"{len(found.items)} shown", found.next_cursor, more)

    steering = Steering(_Wanted(row.id, change, state, after), draw)
    pager = steering.pager

    async def change_filter(name: str) -> None:
        if name in _NOT_INDEXED:
            await steering.change(change=None, state=ItemState(name))
        else:
            await steering.change(change=Change(name) if name else None, state=None)

    with ui.element("search").classes("filters"):
        names = {"": "Every change"} | {kind: words for kind, (words, _) in CHANGES.items()}
        names |= {kind.value: words for kind, words in _NOT_INDEXED.items()}
        asked = str(change or state or "")
        ui.select(
            names, value=asked if asked in names else "", on_change=lambda e: change_filter(e.value)
        ).props('outlined dense options-dense aria-label="Change"').style("width:220px")
    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(steering.move)
    await steering.begin()


def _facts(row: Run, progress: Progress) -> Markup:
    words, kind = run_state(row, progress)
    cells: list[tuple[str, str | Markup, bool]] = [("State", badge(words, kind), True)]
    cells += [
        (words, f"{progress.changes.get(change, 0):,}", False)
        for change, (words, _) in CHANGES.items()
    ]
    if progress.left_out:
        cells.append(("Left out", f"{progress.left_out:,}", False))
    return tiles([*cells, ("Took", took(row) or "not begun", True)])


def _table(rows: list[RunItem], wanted: _Wanted) -> Markup:
    if not rows and wanted.state:
        return empty("documents", "No such address", "The run has none that ended so.")
    if not rows:
        return empty("documents", "Nothing changed", "All that was read says what it said before.")
    heads = (("Document", "fill"), ("Change", ""), ("Why", ""))
    return table(heads, (_row(row) for row in rows), "Changes")


def _row(row: RunItem) -> list[Markup | str]:
    otherwise = (_NOT_INDEXED.get(ItemState(row.state), row.state), "quiet")
    words, kind = CHANGES.get(row.change, otherwise)
    name = shown_address(row.address)
    is_there = row.document_id is not None and row.change != Change.REMOVED
    return [
        row_link(f"/console/documents/{row.document_id}", name) if is_there else name,
        badge(words, kind),
        Markup('{}<span class="sub">{}</span>').format(row.error_detail, row.error_action),
    ]
