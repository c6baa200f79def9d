"""One document: its text, and beside it its passages with their strongest terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from markupsafe import Markup
from nicegui import run, ui

from backend.console.adding import opener
from backend.console.forms import Act, button, confirm, link_button
from backend.console.frame import go, head, live, page
from backend.console.parts import badge, join, note, show, tiles, when
from backend.console.passage_editing import PassageActs
from backend.console.passage_list import KEY, PRESSED, lost, pairs
from backend.console.prose import prose
from backend.console.retrying import Retries
from backend.console.strongest import StrongTerm, strongest_terms
from backend.console.visit import Visit
from backend.console.words import DOCUMENT_STATES, count, document_name, shown_address, size
from knowledge.passage_text import passage_prefix
from knowledge.store.queries.documents import (
    DocumentFilter,
    documents,
    find_document,
    read_chunks,
)
from knowledge.store.queries.passage_edits import edits_by_id, has_open_edits, lost_edits
from knowledge.store.queries.sources import find_source
from knowledge.store.tables import Chunk, Document, PassageEdit, Role

_MOST_COPIES = 10
_AT_ONCE = 40
_MOST_TEXT = 200_000


@dataclass(slots=True)
class _Shown:
    """What the page shows of a document: its passages as far as they have been asked for."""

    row: Document
    chunks: list[Chunk]
    edits: dict[UUID, PassageEdit]
    lost: list[PassageEdit]
    copies: list[Document]
    waits: bool
    terms: dict[UUID, list[StrongTerm]] = field(default_factory=dict)


@page("/documents/{document_id}", "documents")
async def document(visit: Visit, document_id: UUID) -> None:
    """One document with its passages."""
    now = await _read(visit, document_id, _AT_ONCE)
    row = now.row
    async with visit.database.reading() as session:
        source = await find_source(session, visit.workspace_id, row.source_id)
    crumbs = [("Documents", "/console/documents"), (source.name, f"/console/sources/{source.id}")]
    may_edit = visit.may(Role.EDITOR)
    with head(document_name(row), crumbs, _address(row)):
        if may_edit and (row.error_code or row.address.startswith("http")):
            retries = Retries(visit, _reload)
            words = "Try again" if row.error_code else "Read again"
            button(words, lambda: retries.retry(row.id), "ghost")
        if may_edit:
            button("Delete", _remove(visit, row), "ghost danger")
        if row.chunk_count:
            link_button("Search in it", f"/console/explain?document={row.id}")
    facts = show(_facts(now), classes="section stack")
    if not row.chunk_count:
        if row.text:
            show(prose(row.text[:_MOST_TEXT]), classes="reader card pad")
        return
    gone = show(lost(now.lost, may_edit), classes="section stack")
    show(KEY, classes="key section")
    listed = show(Markup(""), classes="card pairs")

    async def draw(wanted: int) -> bool:
        nonlocal now
        now = await _read(visit, document_id, wanted)
        facts.set_content(_facts(now))
        gone.set_content(lost(now.lost, may_edit))
        listed.set_content(pairs(now.row, now.chunks, now.terms, now.edits, may_edit))
        more.set_visibility(len(now.chunks) < now.row.chunk_count)
        return now.waits

    async def again() -> bool:
        return await draw(len(now.chunks))

    async def more_passages() -> None:
        await visit.check()
        await draw(len(now.chunks) + _AT_ONCE)

    more = button("Show more passages", more_passages)
    watcher = live(visit, again, now.waits)
    if may_edit:
        acts = PassageActs(visit, lambda: now.chunks, lambda: now.edits, watcher.again)
        for part in (listed, gone):
            part.on("click", acts.pressed, js_handler=PRESSED)
    await draw(_AT_ONCE)


async def _reload() -> None:
    ui.navigate.reload()


async def _read(visit: Visit, document_id: UUID, wanted: int) -> _Shown:
    async with visit.database.reading() as session:
        row = await find_document(session, visit.workspace_id, document_id, with_text=True)
        copies = await session.scalars(
            documents(visit.workspace_id, DocumentFilter())
            .where(Document.duplicate_of == row.id)
            .order_by(Document.created_at)
            .limit(_MOST_COPIES)
        )
        shown = _Shown(
            row=row,
            chunks=await read_chunks(session, row.id, -1, wanted),
            edits=await edits_by_id(session, row.id),
            lost=await lost_edits(session, row.id),
            copies=list(copies),
            waits=await has_open_edits(session, row),
        )
    shown.terms = await _terms(visit, row, shown.chunks)
    return shown


def _address(row: Document) -> Markup | str:
    if row.address.startswith(("http://", "https://")):
        return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(row.address)
    return shown_address(row.address)


def _facts(now: _Shown) -> Markup:
    row = now.row
    words, kind = DOCUMENT_STATES[row.state]
    shown = tiles(
        [
            ("State", badge(words, kind), True),
            ("Passages", f"{row.chunk_count:,}", False),
            ("Size", size(row.size_bytes), False),
            ("Language", row.language or "unknown", False),
            ("Version", str(row.version), False),
            ("Read", when(row.indexed_at or row.fetched_at), False),
        ]
    )
    if row.error_detail:
        shown += note("bad", row.error_detail, row.error_action)
    if row.duplicate_of:
        shown += Markup(
            '<div class="note"><p>The same or nearly the same words as <a '
            'href="/console/documents/{}">another document</a>, which is the one that is found.'
            "</p></div>"
        ).format(row.duplicate_of)
    if now.waits:
        shown += note("", "", "An edit is on its way into the index. This page follows by itself.")
    if now.copies:
        shown += _copies(now.copies)
    return shown + join(note("warn", "", warning) for warning in row.warnings)


def _copies(rows: Sequence[Document]) -> Markup:
    """Documents that say the same or nearly the same, and are not searched beside this one."""
    links = join(
        (
            Markup('<a href="/console/documents/{}">{}</a>').format(
                row.id, shown_address(row.address)
            )
            for row in rows
        ),
        "<br>",
    )
    more = " The first are shown." if len(rows) == _MOST_COPIES else ""
    return Markup('<div class="note"><div><p><b>{}</b>{}</p><p>{}</p></div></div>').format(
        f"{count(len(rows), 'copy', 'copies')} of it: the same or nearly the same words.",
        more,
        links,
    )


async def _terms(
    visit: Visit, row: Document, chunks: Sequence[Chunk]
) -> dict[UUID, list[StrongTerm]]:
    points = await visit.state.index.retrieve([chunk.id for chunk in chunks])
    vectors = {id: point.encoding.sparse for id, point in points.items()}
    context = visit.state.encoder.spec.context
    texts = {
        chunk.id: passage_prefix(row.title, chunk.heading, chunk.repeated, context) + chunk.text
        for chunk in chunks
    }
    found = await run.io_bound(strongest_terms, visit.state.encoder, texts, vectors)
    return found or {}


def _remove(visit: Visit, row: Document) -> Act:
    async def remove() -> None:
        await visit.send("DELETE", f"/documents/{row.id}")
        go(f"/console/sources/{row.source_id}")

    made = confirm(
        f"Delete {document_name(row)}?",
        f"This removes the document with {count(row.chunk_count, 'passage')}. If it is a page of a "
        "website, the next run finds it again unless the source leaves its path out.",
        "Delete",
        remove,
    )
    return opener(made)
