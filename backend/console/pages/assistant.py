"""Assistants: what visitors meet, where it may appear, and the line that puts it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.console.adding import opener
from backend.console.forms import (
    Act,
    area,
    button,
    choice,
    confirm,
    dialog,
    field,
    foot,
    link_button,
)
from backend.console.frame import done, go, head, page, section
from backend.console.parts import badge, empty, join, show
from backend.console.visit import Visit
from backend.console.words import count
from knowledge.store.queries.assistants import assistants, find_assistant
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.tables import Assistant, KnowledgeBase, Role

_ACCENT = "#0b6e5f"
_THEMES = {"auto": "As the visitor's system", "light": "Light", "dark": "Dark"}
_SIDES = {"end": "Right", "start": "Left"}


@page("/assistants", "assistants")
async def assistants_page(visit: Visit) -> None:
    """All assistants of the workspace."""
    async with visit.database.reading() as session:
        rows = list(
            await session.scalars(
                assistants(visit.workspace_id).order_by(Assistant.created_at).limit(200)
            )
        )
    names = await _bases(visit)
    with head("Assistants", below="What visitors of your websites talk to."):
        if visit.may(Role.ADMIN):
            button("New assistant", _new(visit), "primary")
    if not rows:
        show(
            empty(
                "assistants",
                "No assistant yet",
                "An assistant answers on your website from the knowledge bases that you choose.",
            ),
            classes="card",
        )
        return
    show(join(_card(row, names) for row in rows), classes="grid")


def _card(row: Assistant, names: dict[str, str]) -> Markup:
    reads = ", ".join(names[id] for id in row.knowledge_base_ids if id in names)
    where = ", ".join(row.allowed_origins)
    return Markup(
        '<a class="card pad" href="/console/assistants/{}"><h2>{}</h2><p class="soft small">{}</p>'
        '<p class="soft small">{}</p>{}</a>'
    ).format(
        row.id,
        row.name,
        f"Answers from {reads}" if reads else "Reads no knowledge base yet",
        f"On {where}" if where else "On its own page only",
        badge("Sample", "quiet") if row.sample else "",
    )


async def _bases(visit: Visit) -> dict[str, str]:
    async with visit.database.reading() as session:
        rows = await session.scalars(
            knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
        )
        return {str(row.id): row.name for row in rows}


def _new(visit: Visit) -> Act:
    with dialog("New assistant") as made:
        name = field("Name", help="Visitors see it at the top of the chat.")

        async def create() -> None:
            names = await _bases(visit)
            body = {"name": name.value, "knowledge_base_ids": list(names)[:1]}
            row = await visit.send("POST", "/assistants", body)
            go(f"/console/assistants/{row['id']}")

        with foot(made):
            button("Create", create, "primary")
        name.on("keydown.enter", create)
    return opener(made)


@page("/assistants/{assistant_id}", "assistants")
async def assistant(visit: Visit, assistant_id: UUID) -> None:
    """One assistant: its settings beside the assistant itself."""
    async with visit.database.reading() as session:
        row = await find_assistant(session, visit.workspace_id, assistant_id)
    names = await _bases(visit)
    crumbs = [("Assistants", "/console/assistants")]
    with head(row.name, crumbs, "The sample, made at the first start." if row.sample else ""):
        if visit.may(Role.ADMIN):
            button("Delete", _remove(visit, row), "ghost danger")
        link_button("Open its page", f"/a/{row.public_key}")
    with ui.element("div").classes("studio"):
        with ui.element("div"):
            if visit.may(Role.ADMIN):
                _settings(visit, row, names, lambda: _reload(frame.id))
            else:
                show(_facts(row, names), classes="card pad section")
            _embed(visit, row)
        with ui.element("div").classes("preview"):
            show(Markup("<h2>Preview</h2>"))
            frame = ui.element("iframe").props('title="The assistant, as saved"')
            frame.props["src"] = f"/a/{row.public_key}"
            show(
                Markup(
                    '<p class="soft small">This is the assistant itself, as saved. What you ask '
                    "here is kept under Conversations.</p>"
                )
            )


def _reload(element_id: int) -> None:
    ui.run_javascript(f"const f = getHtmlElement({element_id}); f.src = f.src")


def _settings(
    visit: Visit, row: Assistant, names: dict[str, str], reload: Callable[[], None]
) -> None:
    look = row.appearance
    with section("Settings"), ui.element("div").classes("card pad form"):
        name = field("Name", row.name)
        welcome = area("Welcome", row.welcome, "The first thing that a visitor reads.", rows=3)
        suggestions = area(
            "Suggested questions", "\n".join(row.suggestions), "One a line, at most eight.", rows=4
        )
        bases = choice(
            "Knowledge bases",
            names,
            [id for id in row.knowledge_base_ids if id in names],
            "It answers from these and from nothing else.",
            multiple=True,
        )
        origins = area(
            "Websites",
            "\n".join(row.allowed_origins),
            "Where the chat may appear, one a line: https://www.example.com",
            rows=3,
        )
        accent = _colour(str(look.get("accent", _ACCENT)))
        with ui.element("div").classes("two"):
            theme = choice("Colours", _THEMES, look.get("theme", "auto"))
            side = choice("Corner of the page", _SIDES, look.get("side", "end"))

        async def save() -> None:
            body = {
                "name": name.value,
                "welcome": welcome.value,
                "suggestions": _lines(suggestions.value),
                "knowledge_base_ids": bases.value,
                "allowed_origins": _lines(origins.value),
                "appearance": {
                    **look,
                    "accent": accent.value.strip() or _ACCENT,
                    "theme": theme.value,
                    "side": side.value,
                },
            }
            await visit.send("PATCH", f"/assistants/{row.id}", body)
            done("Saved. The preview shows it.")
            reload()

        with ui.element("div").classes("actions"):
            button("Save", save, "primary")


def _colour(value: str) -> ui.input:
    """A colour by its code, beside the browser's own picker."""
    made = field(
        "Accent colour", value, "Text on it and in it stays readable, whatever you choose."
    )
    with made.add_slot("prepend"):
        picker = ui.element("input").props('type="color" aria-label="Pick the accent colour"')
        picker.classes("swatch").props["value"] = value

    def picked(event: GenericEventArguments) -> None:
        made.value = event.args

    picker.on("input", picked, js_handler="(event) => emit(event.target.value)")
    return made


def _facts(row: Assistant, names: dict[str, str]) -> Markup:
    reads = ", ".join(names[id] for id in row.knowledge_base_ids if id in names) or "nothing yet"
    return Markup(
        '<p>{}</p><p class="soft small">Answers from: {}</p><p class="soft small">Websites: {}</p>'
        '<p class="soft small">An admin can change it.</p>'
    ).format(row.welcome, reads, ", ".join(row.allowed_origins) or "its own page only")


def _embed(visit: Visit, row: Assistant) -> None:
    origin = visit.state.options.public_url or _origin()
    loader = f"{origin}/widget/v1/loader.js"
    line = f'<script async src="{loader}" data-assistant="{row.public_key}"></script>'
    with section("Put it on your website", "Paste this line before </body> on every page."):
        show(
            Markup(
                '<div class="card pad stack"><pre class="code" id="embed">{}</pre>'
                '<div class="actions"><button class="q-btn tiny" data-act="copy" '
                'data-copy="#embed">Copy</button></div>{}</div>'
            ).format(line, _where(row.allowed_origins))
        )


def _where(origins: Sequence[str]) -> Markup:
    if origins:
        words = f"It appears on {', '.join(origins)}."
    else:
        words = "Add your website under Websites first: elsewhere it does not answer."
    return Markup('<p class="soft small">{}</p>').format(words)


def _origin() -> str:
    request = ui.context.client.request
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _remove(visit: Visit, row: Assistant) -> Act:
    async def remove() -> None:
        await visit.send("DELETE", f"/assistants/{row.id}")
        go("/console/assistants")

    made = confirm(
        f"Delete {row.name}?",
        f"It stops answering on {count(len(row.allowed_origins), 'website')} at once. Its "
        "conversations and the knowledge bases stay.",
        "Delete",
        remove,
    )
    return opener(made)
