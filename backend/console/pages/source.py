"""One source: how it stands, what could not be read and why, its runs, and steering them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import Again, uploads
from backend.console.forms import button, link_button
from backend.console.frame import done, head, live, page
from backend.console.parts import (
    badge,
    empty,
    join,
    meter,
    note,
    row_link,
    run_notes,
    show,
    table,
    tiles,
    when,
)
from backend.console.source_dialogs import SourceDialogs
from backend.console.visit import Visit
from backend.console.words import (
    CHANGES,
    ITEM_STATES,
    KINDS,
    count,
    document_name,
    exact,
    run_name,
    run_state,
    shown_address,
    source_state,
    took,
)
from knowledge.schedule import next_time
from knowledge.store.queries import runs
from knowledge.store.queries.documents import DocumentFilter, documents
from knowledge.store.queries.knowledge_bases import Counts, find_knowledge_base
from knowledge.store.queries.passage_edits import documents_with_lost_edits
from knowledge.store.queries.runs import Progress
from knowledge.store.queries.sources import count_by_source, find_source
from knowledge.store.tables import (
    Document,
    DocumentState,
    KnowledgeBase,
    Role,
    Run,
    RunState,
    Source,
    SourceKind,
    utc_now,
)

_RUNS = 12
_FAILURES = 50


@dataclass(frozen=True, slots=True)
class _Standing:
    """All that the page shows of a source."""

    source: Source
    base: KnowledgeBase
    counts: Counts
    runs: list[Run]
    progress: dict[UUID, Progress]
    failed: list[Document]
    lost: list[Document]

    @property
    def run(self) -> Run | None:
        return self.runs[0] if self.runs else None

    @property
    def current(self) -> Progress:
        return self.progress[self.run.id] if self.run else Progress()

    @property
    def is_open(self) -> bool:
        return self.run is not None and self.run.state not in runs.ENDED


@page("/sources/{source_id}", "content")
async def source(visit: Visit, source_id: UUID) -> None:
    """One source with its state, failures and runs."""
    standing = await _read(visit, source_id)
    row = standing.source
    crumbs = [
        ("Content", "/console/"),
        (standing.base.name, f"/console/knowledge-bases/{standing.base.id}"),
    ]
    start = str(row.config.get("start", ""))
    below = Markup('{} <a href="{}" rel="noreferrer">{}</a>').format(KINDS[row.kind], start, start)
    kind = KINDS[row.kind] if KINDS[row.kind] != row.name else ""
    with head(row.name, crumbs, below if start else kind):
        room = ui.element("div").classes("actions")
    if row.kind == SourceKind.UPLOAD and visit.may(Role.EDITOR):
        uploads(visit, standing.base.id, again=lambda: again())
    parts = {name: show(Markup("")) for name in ("state", "failed", "runs")}

    def render(now: _Standing) -> None:
        parts["state"].set_content(_state(now))
        parts["failed"].set_content(_failed(now))
        parts["runs"].set_content(_runs(now))

    async def draw() -> bool:
        now = await _read(visit, source_id)
        render(now)
        if _buttons_of(now) != drawn["buttons"]:
            drawn["buttons"] = _buttons_of(now)
            room.clear()
            with room:
                _buttons(visit, now, again, dialogs)
        return now.is_open and now.run is not None and now.run.state != RunState.PAUSED

    drawn: dict[str, object] = {"buttons": None}

    async def again() -> None:
        await watcher.again()

    # Dialogs outlive the buttons, which change with the state while one is open.
    dialogs = SourceDialogs.of(visit, row, standing.counts, again)
    await draw()
    watcher = live(visit, draw, standing.is_open)


async def _read(visit: Visit, source_id: UUID) -> _Standing:
    async with visit.database.reading() as session:
        row = await find_source(session, visit.workspace_id, source_id)
        base = await find_knowledge_base(session, visit.workspace_id, row.knowledge_base_id)
        counts = (await count_by_source(session, [row.id]))[row.id]
        of_source = runs.runs(visit.workspace_id).where(Run.source_id == row.id)
        newest = list(await session.scalars(of_source.order_by(Run.created_at.desc()).limit(_RUNS)))
        progress = await runs.progress(session, [run.id for run in newest])
        wanted = DocumentFilter(source_id=row.id, state=DocumentState.FAILED)
        failed = await session.scalars(
            documents(visit.workspace_id, wanted).order_by(Document.created_at).limit(_FAILURES)
        )
        lost = await documents_with_lost_edits(session, row.id, _FAILURES)
        return _Standing(row, base, counts, newest, progress, list(failed), lost)


def _buttons_of(now: _Standing) -> object:
    """What decides which buttons there are."""
    state = now.run.state if now.run else None
    asked = (now.run.pause_requested, now.run.cancel_requested) if now.run else None
    return now.source.paused, state, asked, bool(now.failed), now.source.name


def _buttons(visit: Visit, now: _Standing, again: Again, dialogs: SourceDialogs) -> None:
    row, run = now.source, now.run

    async def send(method: str, path: str, words: str, body: object | None = None) -> None:
        await visit.send(method, path, body)
        done(words)
        await again()

    link_button("See documents", f"/console/documents?source={row.id}")
    if not visit.may(Role.EDITOR):
        return
    button("Rename", dialogs.rename, "ghost")
    if row.kind in (SourceKind.WEBSITE, SourceKind.FEED):
        button("Schedule", dialogs.schedule, "ghost")
    if row.kind == SourceKind.WEBSITE:
        button("Rules", dialogs.write, "ghost")
    button("Delete", dialogs.remove, "ghost danger")
    if run is not None and now.is_open:
        if run.state == RunState.PAUSED or run.pause_requested:
            button("Go on", lambda: send("POST", f"/runs/{run.id}/resume", "The run goes on."))
        else:
            button("Pause", lambda: send("POST", f"/runs/{run.id}/pause", "The run will pause."))
        button("Stop", lambda: send("POST", f"/runs/{run.id}/cancel", "The run is stopping."))
        return
    if row.paused:
        button(
            "Take up again",
            lambda: send("PATCH", f"/sources/{row.id}", "It is read again.", {"paused": False}),
            "primary",
        )
        return
    button(
        "Pause source",
        lambda: send("PATCH", f"/sources/{row.id}", "It is paused.", {"paused": True}),
        "ghost",
    )
    if run is not None and now.failed:
        button(
            "Retry failed",
            lambda: send("POST", f"/runs/{run.id}/retry", "The failed documents are tried again."),
        )
    if row.kind == SourceKind.UPLOAD:
        button("Upload files", dialogs.upload, "primary")
        return
    if row.kind == SourceKind.TEXT:
        button("Edit", dialogs.write, "primary")
        return
    if row.kind == SourceKind.PUSH:
        button("Webhook", dialogs.write, "primary")
        return
    button(
        "Read now", lambda: send("POST", f"/sources/{row.id}/runs", "It is being read."), "primary"
    )


def _state(now: _Standing) -> Markup:
    words, kind = source_state(now.source, now.counts.documents, now.run, now.current)
    run = now.run
    said = badge(words, kind)
    if run is not None and run.state == RunState.RUNNING:
        said += Markup('<div style="margin-top:10px">{}</div>').format(
            meter(now.current.done, now.current.found, words)
        )
    shown = tiles(
        [
            ("State", said, True),
            ("Searchable documents", f"{now.counts.documents.get('indexed', 0):,}", False),
            ("Passages", f"{now.counts.chunks:,}", False),
            ("Last read", when(run.finished_at if run else None), False),
            ("Next read", _next_read(now.source), False),
        ]
    )
    if run is not None and run.state == RunState.FAILED:
        shown += note("bad", run.error_detail, run.error_action)
    crawl = next((one for one in now.runs if one.kind == runs.INGEST_RUN), None)
    if crawl is not None:
        shown += run_notes(crawl.notes)
    if now.lost:
        shown += _lost(now.lost)
    return Markup('<div class="stack section">{}</div>').format(shown)


def _lost(rows: list[Document]) -> Markup:
    """Documents that have changed in words that an editor had changed."""
    links = join(
        (
            Markup('<a href="/console/documents/{}">{}</a>').format(row.id, document_name(row))
            for row in rows
        ),
        ", ",
    )
    return Markup('<div class="note warn"><div><p><b>{}</b></p><p>{}</p></div></div>').format(
        "Edits that are no longer applied, because the documents have changed in these words", links
    )


def _next_read(row: Source) -> str:
    """When the source is read again by itself, if it is."""
    if not row.schedule or row.paused:
        return "when asked"
    return exact(next_time(row.schedule, utc_now()))


def _failed(now: _Standing) -> Markup:
    if not now.failed:
        return Markup("")
    total = now.counts.documents.get("failed", 0)
    rows = (
        [
            row_link(
                f"/console/documents/{one.id}", document_name(one), shown_address(one.address)
            ),
            Markup('{}<span class="sub">{}</span>').format(one.error_detail, one.error_action),
        ]
        for one in now.failed
    )
    shown = table((("Document", "fill"), ("Why, and what to do", "")), rows, "Failed documents")
    more = (
        Markup(
            '<p class="pager"><a href="/console/documents?source={}&amp;state=failed">{}</a></p>'
        ).format(now.source.id, f"See all {total:,}")
        if total > len(now.failed)
        else ""
    )
    return Markup(
        '<section class="section"><h2>{}</h2><div class="card">{}{}</div></section>'
    ).format(f"{count(total, 'document')} could not be read", shown, more)


def _runs(now: _Standing) -> Markup:
    if not now.runs:
        shown = empty("globe", "Not read yet", "Its first run will be listed here.")
    else:
        heads = (("Run", ""), ("State", ""), ("What came of it", "fill"), ("Took", "num"))
        shown = table(heads, (_run(run, now.progress[run.id]) for run in now.runs), "Runs")
    return Markup(
        '<section class="section"><h2>Runs</h2><div class="card">{}</div></section>'
    ).format(shown)


def _run(run: Run, progress: Progress) -> list[Markup | str]:
    words, kind = run_state(run, progress)
    came = ", ".join(
        f"{number:,} {ITEM_STATES.get(state, state)}" for state, number in progress.items.items()
    )
    changed = ", ".join(
        f"{progress.changes[change]:,} {words.lower()}"
        for change, (words, _) in CHANGES.items()
        if change != "unchanged" and progress.changes.get(change)
    )
    if run.error_detail:
        came = f"{run.error_detail} {run.error_action}"
    name = row_link(f"/console/runs/{run.id}", run_name(run), when(run.created_at))
    said = Markup('{}<span class="sub">{}</span>').format(came, changed)
    return [name, badge(words, kind), said, took(run)]
