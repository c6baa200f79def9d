"""One document: its text, and beside it its passages with their strongest terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui import run, ui

from backend.console.adding import opener
from backend.console.forms import Act, button, confirm, link_button
from backend.console.frame import go, head, page
from backend.console.parts import badge, join, note, show, tiles, when
from backend.console.prose import prose
from backend.console.strongest import StrongTerm, strongest_terms
from backend.console.visit import Visit
from backend.console.words import DOCUMENT_STATES, count, document_name, shown_address, size
from knowledge.passage_text import passage_prefix
from knowledge.store.queries.documents import find_document, read_chunks
from knowledge.store.queries.sources import find_source
from knowledge.store.tables import Chunk, Document, Role

_AT_ONCE = 40
_MOST_TEXT = 200_000


@page("/documents/{document_id}", "documents")
async def document(visit: Visit, document_id: UUID) -> None:
    """One document with its passages."""
    async with visit.database.reading() as session:
        row = await find_document(session, visit.workspace_id, document_id, with_text=True)
        source = await find_source(session, visit.workspace_id, row.source_id)
        chunks = await read_chunks(session, row.id, -1, _AT_ONCE)
    crumbs = [("Documents", "/console/documents"), (source.name, f"/console/sources/{source.id}")]
    with head(document_name(row), crumbs, _address(row)):
        if visit.may(Role.EDITOR):
            button("Delete", _remove(visit, row), "ghost danger")
        if row.chunk_count:
            link_button("Search in it", f"/console/explain?document={row.id}")
    show(_facts(row), classes="section stack")
    if not row.chunk_count:
        if row.text:
            show(prose(row.text[:_MOST_TEXT]), classes="reader card pad")
        return
    terms = await _terms(visit, row, chunks)
    show(_KEY, classes="key section")
    listed = show(_pairs(row, chunks, terms), classes="card pairs")
    _more(visit, row, chunks, terms, listed)


_KEY = Markup(
    '<span class="term">word <small>weight</small></span> written in the passage '
    '<span class="term added">word</span> added by the model'
)


def _address(row: Document) -> Markup | str:
    if row.address.startswith(("http://", "https://")):
        return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(row.address)
    return shown_address(row.address)


def _facts(row: Document) -> Markup:
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
            '<div class="note"><p>The same text as <a href="/console/documents/{}">another '
            "document</a>, which is the one that is found.</p></div>"
        ).format(row.duplicate_of)
    return shown + join(note("warn", "", warning) for warning in row.warnings)


def _pairs(
    row: Document, chunks: Sequence[Chunk], terms: Mapping[UUID, Sequence[StrongTerm]]
) -> Markup:
    """Each passage as it is read, and beside it what it is found by."""
    parts, at = [], 0
    for chunk in chunks:
        between = row.text[at : chunk.span_start].strip()
        if between:
            parts.append(
                Markup('<div class="pair"><div class="reader soft">{}</div></div>').format(
                    prose(between)
                )
            )
        text = (chunk.repeated + "\n" if chunk.repeated else "") + chunk.text
        parts.append(
            Markup('<article class="pair"><div class="reader">{}</div>{}</article>').format(
                prose(text), _passage(chunk, terms.get(chunk.id, ()))
            )
        )
        at = max(at, chunk.span_end)
    return join(parts)


def _passage(chunk: Chunk, terms: Sequence[StrongTerm]) -> Markup:
    place = " › ".join(chunk.heading)
    if chunk.page is not None:
        place = f"Page {chunk.page}" + (f" · {place}" if place else "")
    shown = join(
        Markup('<span class="term {}">{} <small>{:.2f}</small></span>').format(
            "" if term.written else "added", term.word, term.weight
        )
        for term in terms
    )
    return Markup(
        '<div class="passage"><h2>Passage {}</h2><p class="small soft">{}{}</p>'
        '<div class="terms">{}</div></div>'
    ).format(
        chunk.ordinal + 1,
        f"{place} · " if place else "",
        count(len(chunk.text), "character"),
        shown or Markup('<span class="soft small">Not in the index yet.</span>'),
    )


async def _terms(
    visit: Visit, row: Document, chunks: Sequence[Chunk]
) -> dict[UUID, list[StrongTerm]]:
    points = await visit.state.index.retrieve([chunk.id for chunk in chunks])
    vectors = {id: point.encoding.sparse for id, point in points.items()}
    texts = {
        chunk.id: passage_prefix(row.title, chunk.heading, chunk.repeated) + chunk.text
        for chunk in chunks
    }
    found = await run.io_bound(strongest_terms, visit.state.encoder, texts, vectors)
    return found or {}


def _more(
    visit: Visit,
    row: Document,
    chunks: list[Chunk],
    terms: dict[UUID, list[StrongTerm]],
    listed: ui.html,
) -> None:
    """A button that adds the next passages, where there are more."""
    if len(chunks) >= row.chunk_count:
        return

    async def more() -> None:
        await visit.check()
        async with visit.database.reading() as session:
            added = await read_chunks(session, row.id, chunks[-1].ordinal, _AT_ONCE)
        chunks.extend(added)
        terms.update(await _terms(visit, row, added))
        listed.set_content(_pairs(row, chunks, terms))
        if len(chunks) >= row.chunk_count or not added:
            shown.delete()

    shown = button("Show more passages", more)


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
