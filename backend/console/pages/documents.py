"""All documents: found by title or address, filtered, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.frame import head, page
from backend.console.listing import Steering, follow_typing
from backend.console.parts import badge, empty, row_link, show, table, when
from backend.console.passage_list import PRESSED
from backend.console.retrying import Retries, retry_button
from backend.console.visit import Visit
from backend.console.words import (
    DOCUMENT_STATES,
    count,
    document_name,
    shown_address,
    size,
)
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.document_counts import count_documents
from knowledge.store.queries.documents import DocumentFilter, documents
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.queries.sources import find_source
from knowledge.store.tables import Document, DocumentState, KnowledgeBase, Role

_LIMIT = 50
_HEADS = (
    ("Document", "fill"),
    ("State", ""),
    ("Passages", "num"),
    ("Size", "num"),
    ("Read", "when"),
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page shows; the whole of it stands in the address."""

    q: str = ""
    knowledge_base: UUID | None = None
    source: UUID | None = None
    state: DocumentState | None = None
    after: str = ""

    def filter(self) -> DocumentFilter:
        return DocumentFilter(self.knowledge_base, self.source, self.state, self.q)

    def address(self) -> str:
        given = {name: getattr(self, name) for name in self.__slots__}
        query = urlencode({name: str(value) for name, value in given.items() if value})
        return "/console/documents" + (f"?{query}" if query else "")


@page("/documents", "documents")
async def documents_page(
    visit: Visit,
    q: str = "",
    knowledge_base: UUID | None = None,
    source: UUID | None = None,
    state: DocumentState | None = None,
    after: str = "",
) -> None:
    """The documents of the workspace that the address asks for."""
    wanted = _Wanted(q[:200], knowledge_base, source, state, after)
    async with visit.database.reading() as session:
        bases = list(
            await session.scalars(
                knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
            )
        )
        of_source = (await find_source(session, visit.workspace_id, source)).name if source else ""
    below = Markup('From the source {}. <a href="/console/documents">See all</a>').format(of_source)
    head("Documents", below=below if of_source else "")

    async def draw(now: _Wanted) -> None:
        await visit.check()
        async with visit.database.reading() as session:
            found = await read_page(
                session,
                documents(visit.workspace_id, now.filter()),
                Document,
                PageRequest(_LIMIT, now.after),
            )
            total = await count_documents(session, visit.workspace_id, now.filter())
        shown.set_content(_table(found.items, now, may_edit))
        pager.show(count(total, "document"), found.next_cursor, len(found.items) < total)

    may_edit = visit.may(Role.EDITOR)
    steering = Steering(wanted, draw)
    pager, change = steering.pager, steering.change
    with ui.element("search").classes("filters"):
        box = ui.input(value=wanted.q, placeholder="Search titles and addresses")
        box.props('outlined dense clearable data-search aria-label="Search documents"')
        follow_typing(box.classes("grow"), lambda text: change(q=text))
        if not source:
            names = {"": "All knowledge bases"} | {str(row.id): row.name for row in bases}
            ui.select(
                names,
                value=str(knowledge_base) if str(knowledge_base) in names else "",
                on_change=lambda e: change(knowledge_base=UUID(e.value) if e.value else None),
            ).props('outlined dense options-dense aria-label="Knowledge base"').style("width:220px")
        ui.select(
            {"": "Every state"} | {name: words for name, (words, _) in DOCUMENT_STATES.items()},
            value=str(state or ""),
            on_change=lambda e: change(state=DocumentState(e.value) if e.value else None),
        ).props('outlined dense options-dense aria-label="State"').style("width:190px")
    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(steering.move)
    if may_edit:
        retries = Retries(visit, lambda: draw(steering.wanted))
        shown.on("click", retries.pressed, js_handler=PRESSED)
    await steering.begin()


def _table(rows: list[Document], wanted: _Wanted, may_edit: bool) -> Markup:
    if rows:
        return table(_HEADS, (_row(row, may_edit) for row in rows), "Documents")
    if wanted == _Wanted():
        return empty(
            "documents",
            "No documents yet",
            Markup('Add a website, files or a text under <a href="/console/">Content</a>.'),
        )
    return empty("documents", "Nothing like that", "Try fewer words, or another state.")


def _row(row: Document, may_edit: bool) -> list[Markup | str]:
    words, kind = DOCUMENT_STATES[row.state]
    state = badge(words, kind)
    if may_edit and row.state == DocumentState.FAILED:
        state += Markup('<span class="sub">{}</span>').format(retry_button(row))
    return [
        row_link(f"/console/documents/{row.id}", document_name(row), shown_address(row.address)),
        state,
        f"{row.chunk_count:,}",
        size(row.size_bytes),
        when(row.indexed_at or row.fetched_at),
    ]
