"""Content: the knowledge bases of the workspace."""

from __future__ import annotations

from markupsafe import Markup

from backend.console.adding import opener
from backend.console.forms import Act, area, button, dialog, field, foot, on_enter
from backend.console.frame import go, head, page
from backend.console.parts import badge, empty, join, show
from backend.console.visit import Visit
from backend.console.words import count
from knowledge.store.queries.knowledge_bases import (
    Counts,
    count_by_knowledge_base,
    knowledge_bases,
)
from knowledge.store.tables import KnowledgeBase, Role

_MOST = 200


@page("/", "content")
async def content(visit: Visit) -> None:
    """All knowledge bases, each with what it holds."""
    async with visit.database.reading() as session:
        rows = list(
            await session.scalars(
                knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(_MOST)
            )
        )
        counts = await count_by_knowledge_base(session, [row.id for row in rows])
    with head("Content", below="What your assistants may answer from."):
        if visit.may(Role.EDITOR):
            button("New knowledge base", _new(visit), "primary")
    if not rows:
        show(
            empty(
                "content",
                "No knowledge base yet",
                "A knowledge base holds websites, files and texts that are searched together. "
                "Make one, then add your website to it.",
            ),
            classes="card",
        )
        return
    show(join(_card(row, counts[row.id]) for row in rows), classes="grid")


def _card(row: KnowledgeBase, counts: Counts) -> Markup:
    failed = counts.documents.get("failed", 0)
    state = badge(f"{failed:,} could not be read", "bad") if failed else Markup("")
    return Markup(
        '<a class="card pad" href="/console/knowledge-bases/{}"><h2>{}</h2>{}'
        '<p class="figures"><span><b>{}</b> {}</span><span><b>{}</b> {}</span>'
        "<span><b>{}</b> {}</span></p>{}</a>"
    ).format(
        row.id,
        row.name,
        Markup('<p class="soft small">{}</p>').format(row.description) if row.description else "",
        f"{counts.sources:,}",
        "source" if counts.sources == 1 else "sources",
        f"{counts.documents.get('indexed', 0):,}",
        count(counts.documents.get("indexed", 0), "document").split(" ", 1)[1],
        f"{counts.chunks:,}",
        "passage" if counts.chunks == 1 else "passages",
        state,
    )


def _new(visit: Visit) -> Act:
    with dialog("New knowledge base") as made:
        name = field("Name", help="Short and unique, such as website or handbook.")
        about = area("Description", help="For your colleagues. It can be left out.", rows=2)

        async def create() -> None:
            body = {"name": name.value, "description": about.value}
            row = await visit.send("POST", "/knowledge-bases", body)
            go(f"/console/knowledge-bases/{row['id']}")

        with foot(made):
            button("Create", create, "primary")
        on_enter(name, create)

    return opener(made)
