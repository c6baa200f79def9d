"""System: whether everything answers, what the index holds, what the workers do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from markupsafe import Markup

from backend.console.adding import Again, opener
from backend.console.forms import Act, button, confirm
from backend.console.frame import done, head, live, page, section, tabs
from backend.console.parts import badge, empty, meter, note, show, table, tiles, when
from backend.console.visit import Visit
from backend.console.words import run_name, run_state, size, took
from knowledge.store.queries import runs
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.queries.runs import Progress
from knowledge.store.queries.sources import sources
from knowledge.store.queries.workers import recent_workers
from knowledge.store.tables import KnowledgeBase, Role, Run, RunState, Source, WorkerRecord

TABS = (
    ("Health", "/console/system"),
    ("API tokens", "/console/system/tokens"),
    ("Users", "/console/system/users"),
    ("Audit log", "/console/system/audit"),
)
_OTHER_ENCODER = (
    "Another encoder is a setting of the server: “candor reindex” then fills a new index beside "
    "this one, which takes its place when it is complete."
)
_RUNS = 20
_ALIVE = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class _Work:
    """Runs, how far each is, and who works."""

    runs: Sequence[Run]
    progress: Mapping[UUID, Progress]
    names: Mapping[UUID, str]
    workers: Sequence[WorkerRecord]

    @property
    def is_running(self) -> bool:
        return any(run.state in (RunState.QUEUED, RunState.RUNNING) for run in self.runs)


@page("/system", "system")
async def system(visit: Visit) -> None:
    """Health, index, storage, workers and runs."""
    checks = await visit.checks()
    points = await visit.state.index.count()
    used = await asyncio.to_thread(_storage, visit.state.options.data)
    work = await _read(visit)
    with head("System"):
        if visit.may(Role.ADMIN):
            button("Re-index everything", _reindex(visit, again=lambda: watcher.again()))
    if visit.may(Role.ADMIN):
        tabs("Health", *TABS)
    with section("Health"):
        show(_health(checks))
    with section("Index", _OTHER_ENCODER if visit.may(Role.ADMIN) else ""):
        show(_index(visit, points))
    with section("Storage"):
        show(_stored(used))
    if visit.may(Role.OWNER):
        with section("Backup"):
            show(_backup(visit.state.options.embedded), classes="card pad")
    with section("Runs"):
        shown = show(_runs(work), classes="stack")

    async def draw() -> bool:
        now = await _read(visit)
        shown.set_content(_runs(now))
        return now.is_running

    watcher = live(visit, draw, work.is_running)


async def _read(visit: Visit) -> _Work:
    async with visit.database.reading() as session:
        newest = list(
            await session.scalars(
                runs.runs(visit.workspace_id).order_by(Run.created_at.desc()).limit(_RUNS)
            )
        )
        progress = await runs.progress(session, [run.id for run in newest])
        wanted = [run.source_id for run in newest if run.source_id]
        of_sources = await session.scalars(sources(visit.workspace_id).where(Source.id.in_(wanted)))
        of_bases = await session.scalars(
            knowledge_bases(visit.workspace_id).where(
                KnowledgeBase.id.in_([run.knowledge_base_id for run in newest])
            )
        )
        names = {row.id: row.name for row in of_sources} | {row.id: row.name for row in of_bases}
        return _Work(newest, progress, names, await recent_workers(session, _ALIVE))


def _health(checks: Mapping[str, Mapping[str, object]]) -> Markup:
    cells: list[tuple[str, str | Markup, bool]] = [
        (
            name.capitalize(),
            badge("Works", "good") if check["ok"] else badge("Fails", "bad"),
            True,
        )
        for name, check in checks.items()
    ]
    failed = [
        note("bad", f"{name.capitalize()}: {check['detail']}", "The server's log says more.")
        for name, check in checks.items()
        if not check["ok"]
    ]
    return Markup('<div class="stack">{}{}</div>').format(tiles(cells), Markup("").join(failed))


def _stored(used: Mapping[str, int]) -> Markup:
    """What lies in the data folder."""
    parts = [(name, size(bytes_), False) for name, bytes_ in used.items()]
    return tiles([*parts, ("Data folder", size(sum(used.values())), False)])


def _index(visit: Visit, points: int) -> Markup:
    spec, options = visit.state.encoder.spec, visit.state.options
    arms = ["words"] if spec.sparse else []
    arms += [f"meaning ({spec.dense_size} dimensions)"] if spec.dense_size else []
    return tiles(
        [
            ("Passages in the index", f"{points:,}", False),
            ("Encoder", _encoder(spec.id), True),
            ("Finds by", " and ".join(arms), True),
            ("Engine", "embedded" if options.embedded else "server", True),
            ("Version", options.version, True),
        ]
    )


def _encoder(id: str) -> Markup:
    """An encoder's name, and below it what tells it from others of that name."""
    name, _, rest = id.partition("+")
    return Markup('{}<span class="sub">{}</span>').format(name, rest)


def _backup(embedded: bool) -> Markup:
    """A form, so that the browser saves what comes; nothing else can take a file of this size."""
    if not embedded:
        return Markup('<p class="soft">{}</p>').format(
            "The records are in PostgreSQL: back them up with pg_dump. The index is filled again "
            "from them with “Re-index everything”."
        )
    return Markup(
        '<form method="post" action="/api/v1/backups" class="stack tight"><p class="soft">{}</p>'
        '<div class="actions"><button class="q-btn plain">Download a backup</button></div></form>'
    ).format(
        "One file with all records, the index and the uploaded files. Nothing stops while it is "
        "made. “candor restore” on the server puts it back."
    )


def _runs(work: _Work) -> Markup:
    busy = {run.worker for run in work.runs if run.state == RunState.RUNNING}
    if not work.workers:
        who = note(
            "warn",
            "No worker has shown itself in the last minute and a half",
            "Runs wait until one does: `candor worker`, or `candor serve` with CANDOR_WORKER=true.",
        )
    else:
        states = [
            f"{row.id} {'works' if row.id in busy else 'waits for work'}" for row in work.workers
        ]
        who = Markup('<p class="soft small">Workers: {}</p>').format("; ".join(states))
    if not work.runs:
        body = empty("system", "No run yet", "Adding a source queues the first one.")
    else:
        heads = (("Run", "fill"), ("State", ""), ("Documents", "num"), ("Took", "num"))
        body = table(heads, (_run(run, work) for run in work.runs), "Runs")
    return who + Markup('<div class="card">{}</div>').format(body)


def _run(run: Run, work: _Work) -> list[Markup | str]:
    progress = work.progress[run.id]
    words, kind = run_state(run, progress)
    name = work.names.get(run.source_id or run.knowledge_base_id, "a removed source")
    about = Markup("{}, {}").format(run_name(run), when(run.created_at))
    title = (
        Markup('<a class="row" href="/console/sources/{}">{}</a>').format(run.source_id, name)
        if run.source_id
        else Markup("{}").format(name)
    )
    state = badge(words, kind)
    if run.state == RunState.RUNNING:
        state += meter(progress.done, progress.found, words)
    if run.error_detail:
        state += Markup('<span class="sub">{} {}</span>').format(run.error_detail, run.error_action)
    return [
        Markup('{}<span class="sub">{}</span>').format(title, about),
        state,
        f"{progress.done:,} of {progress.found:,}",
        took(run),
    ]


def _reindex(visit: Visit, again: Again) -> Act:
    async def reindex() -> None:
        await visit.send("POST", "/reindex")
        done("Everything is being encoded again.")
        await again()

    made = confirm(
        "Re-index everything?",
        "Every passage is encoded again from the text that is kept; nothing is fetched. Searches "
        "go on meanwhile. It takes some minutes for each 10,000 passages.",
        "Re-index",
        reindex,
    )
    return opener(made)


def _storage(data: Path) -> dict[str, int]:
    """Bytes of each part of the data folder, by what it is."""
    parts = {"Index": data / "index", "Uploaded files": data / "files"}
    found = {name: _used(folder) for name, folder in parts.items()}
    return found | {"Records and the rest": _used(data) - sum(found.values())}


def _used(folder: Path) -> int:
    """Bytes of all files of the data folder; one that goes away meanwhile counts nothing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total
