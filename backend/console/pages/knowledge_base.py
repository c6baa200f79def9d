"""One knowledge base: its sources, how each stands, and adding another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.api.written import is_pairs
from backend.console.adding import (
    SCHEDULES,
    Again,
    add_feed,
    add_text,
    opener,
    upload_files,
    uploads,
)
from backend.console.forms import Act, area, button, confirm, dialog, field, foot
from backend.console.frame import done, go, head, live, page
from backend.console.pairs_form import add_pairs
from backend.console.parts import badge, empty, meter, row_link, show, table, when
from backend.console.visit import Visit
from backend.console.webhook_form import add_webhook
from backend.console.website_form import website
from backend.console.words import KINDS, ahead, count, shown_address, source_state
from knowledge.schedule import next_time
from knowledge.store.database import ReadSession
from knowledge.store.queries import runs
from knowledge.store.queries.knowledge_bases import (
    Counts,
    count_by_knowledge_base,
    find_knowledge_base,
)
from knowledge.store.queries.runs import Progress
from knowledge.store.queries.source_standing import Fault, last_changes, worst_faults
from knowledge.store.queries.sources import count_by_source, last_runs, sources
from knowledge.store.tables import KnowledgeBase, Role, Run, RunState, Source, SourceKind, utc_now

_MOST = 500


@dataclass(frozen=True, slots=True)
class _Listed:
    """A source with what it holds and its newest run."""

    source: Source
    counts: Counts
    run: Run | None
    progress: Progress
    changed: datetime | None
    fault: Fault | None

    @property
    def is_running(self) -> bool:
        return self.run is not None and self.run.state in (
            RunState.QUEUED,
            RunState.RUNNING,
        )


@page("/knowledge-bases/{knowledge_base_id}", "content")
async def knowledge_base(visit: Visit, knowledge_base_id: UUID) -> None:
    """The sources of one knowledge base."""
    async with visit.database.reading() as session:
        row = await find_knowledge_base(session, visit.workspace_id, knowledge_base_id)
        listed = await _list(session, visit, row.id)
        counts = (await count_by_knowledge_base(session, [row.id]))[row.id]
    with head(row.name, [("Content", "/console/")], row.description):
        if visit.may(Role.EDITOR):
            _buttons(visit, row, counts)
    if visit.may(Role.EDITOR):
        _ways_in(visit, row.id, again=lambda: watcher.again())
        uploads(visit, row.id, again=lambda: watcher.again())
    shown = show(_draw(listed), classes="card")
    summary = show(_summary(row.id, listed))

    async def draw() -> bool:
        async with visit.database.reading() as session:
            now = await _list(session, visit, knowledge_base_id)
        shown.set_content(_draw(now))
        summary.set_content(_summary(row.id, now))
        return any(one.is_running for one in now)

    watcher = live(visit, draw, any(one.is_running for one in listed))


async def _list(session: ReadSession, visit: Visit, knowledge_base_id: UUID) -> list[_Listed]:
    rows = list(
        await session.scalars(
            sources(visit.workspace_id)
            .where(Source.knowledge_base_id == knowledge_base_id)
            .order_by(Source.created_at)
            .limit(_MOST)
        )
    )
    ids = [row.id for row in rows]
    counts = await count_by_source(session, ids)
    newest = await last_runs(session, ids)
    progress = await runs.progress(session, [run.id for run in newest.values()])
    changed = await last_changes(session, ids)
    faults = await worst_faults(session, ids)
    return [
        _Listed(
            row,
            counts[row.id],
            newest.get(row.id),
            progress[newest[row.id].id] if row.id in newest else Progress(),
            changed.get(row.id),
            faults.get(row.id),
        )
        for row in rows
    ]


def _draw(listed: Sequence[_Listed]) -> Markup:
    if not listed:
        return empty(
            "globe",
            "Nothing to answer from yet",
            "Add your website: give its address, and every page that it links to is read. Files "
            "and texts go beside it.",
        )
    heads = (
        ("Source", "fill"),
        ("State", "why"),
        ("Documents", "num"),
        ("Last read", "when named"),
        ("Last change", "when named"),
        ("Read again", "when named"),
    )
    return table(heads, (_row(one) for one in listed), "Sources")


def _row(one: _Listed) -> list[Markup | str]:
    words, kind = source_state(one.source, one.counts.documents, one.run, one.progress)
    state = badge(words, kind)
    run = one.run
    if run is not None and run.state == RunState.RUNNING:
        state += meter(one.progress.done, one.progress.found, words)
    if run is not None and run.state == RunState.FAILED:
        state += Markup('<span class="sub">{}</span>').format(run.error_detail)
    elif one.fault is not None and not one.is_running:
        state += Markup('<span class="sub">{}</span>').format(_why(one.fault))
    address = shown_address(str(one.source.config.get("start", "")))
    kind = "Questions and answers" if is_pairs(one.source) else KINDS[one.source.kind]
    below = kind if kind != one.source.name else ""
    if address and address != one.source.name:
        below = f"{below}: {address}"
    return [
        row_link(f"/console/sources/{one.source.id}", one.source.name, below),
        state,
        f"{one.counts.documents.get('indexed', 0):,}",
        when(run.finished_at if run else None),
        when(one.changed),
        _schedule(one.source),
    ]


def _why(fault: Fault) -> str:
    """The most frequent failure, with what to do about it."""
    more = fault.documents - 1
    like = f" {more:,} more failed in the same way." if more else ""
    return " ".join(part for part in (fault.detail, fault.action) if part) + like


def _schedule(row: Source) -> Markup | str:
    """When the source is read again, and how often."""
    if row.kind not in (SourceKind.WEBSITE, SourceKind.FEED):
        return ""
    if row.paused:
        return "not while paused"
    if not row.schedule:
        return "when asked"
    often = SCHEDULES.get(row.schedule, row.schedule)
    following = next_time(row.schedule, utc_now())
    return Markup('<time datetime="{}">{}</time><span class="sub">{}</span>').format(
        following.isoformat(), ahead(following), often.replace(" (UTC)", " UTC")
    )


def _summary(knowledge_base_id: UUID, listed: Sequence[_Listed]) -> Markup:
    if not listed:
        return Markup("")
    documents = sum(sum(one.counts.documents.values()) for one in listed)
    chunks = sum(one.counts.chunks for one in listed)
    return Markup(
        '<p class="soft small" style="margin-top:14px">{} and {} in all. '
        '<a href="/console/documents?knowledge_base={}">See the documents</a> or '
        '<a href="/console/explain?in={}">try a search</a>.</p>'
    ).format(count(documents, "document"), count(chunks, "passage"), *[knowledge_base_id] * 2)


def _buttons(visit: Visit, row: KnowledgeBase, counts: Counts) -> None:
    change = _change(visit, row)
    button("Edit", change, "ghost")
    if visit.may(Role.ADMIN):
        button("Delete", _remove(visit, row, counts), "ghost danger")


def _ways_in(visit: Visit, id: UUID, again: Again) -> None:
    """Everything that content can be added by, the most used first."""
    with ui.element("div").classes("actions ways"):
        button("Add website", website(visit, id, again), "primary")
        button("Upload files", upload_files(visit, id))
        button("Paste text", add_text(visit, id, again))
        button("Add answers", add_pairs(visit, id, again))
        button("Add feed", add_feed(visit, id, again))
        button("Add webhook", add_webhook(visit, id, again))


def _change(visit: Visit, row: KnowledgeBase) -> Act:
    with dialog("Edit the knowledge base") as made:
        name = field("Name", row.name)
        about = area("Description", row.description, rows=2)

        async def save() -> None:
            body = {"name": name.value, "description": about.value}
            await visit.send("PATCH", f"/knowledge-bases/{row.id}", body)
            ui.navigate.reload()

        with foot(made):
            button("Save", save, "primary")

    return opener(made)


def _remove(visit: Visit, row: KnowledgeBase, counts: Counts) -> Act:
    async def remove() -> None:
        await visit.send("DELETE", f"/knowledge-bases/{row.id}")
        done(f"{row.name} is deleted.")
        go("/console/")

    made = confirm(
        f"Delete {row.name}?",
        f"This removes {count(counts.sources, 'source')}, "
        f"{count(sum(counts.documents.values()), 'document')} and "
        f"{count(counts.chunks, 'passage')}. Assistants stop answering from them at once. "
        "It cannot be undone.",
        "Delete",
        remove,
    )

    return opener(made)
