"""Assistants: what visitors meet, where it may appear, and the line that puts it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import opener
from backend.console.answers_form import limits_form, model_form, tone_form
from backend.console.behaviour_saving import BehaviourSaving
from backend.console.forms import Act, button, confirm, dialog, field, foot, link_button, on_enter
from backend.console.frame import go, head, origin, page, section, tabs
from backend.console.lead_webhook_form import lead_webhook_form
from backend.console.look_form import look_form, preview_script, where_form
from backend.console.parts import badge, empty, join, show
from backend.console.people_form import people_form
from backend.console.search_settings import search_settings
from backend.console.threshold_form import threshold_form
from backend.console.visit import Visit
from backend.console.visitors_form import visitors_form
from backend.console.words import count
from knowledge.store.queries.assistants import assistants, find_assistant
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.queries.visits import use_of
from knowledge.store.tables import Assistant, KnowledgeBase, Role, utc_now

_PARTS = {
    "": ("Look and place", Role.VIEWER),
    "answers": ("Answers", Role.EDITOR),
    "people": ("People", Role.ADMIN),
}
"""The pages of one assistant by the end of their address, each with the role that it needs."""


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
        on_enter(name, create)
    return opener(made)


@page("/assistants/{assistant_id}", "assistants")
async def assistant(visit: Visit, assistant_id: UUID) -> None:
    """What visitors see, and where."""
    found = await _find(visit, assistant_id)
    row = found.row
    with _studio(visit, found, "") as frame:
        if visit.may(Role.ADMIN):

            def tried(attribute: str, value: str) -> None:
                ui.run_javascript(preview_script(frame.id, attribute, value))

            look_form(visit, row, found.names, tried, lambda: _reload(frame.id))

            async def embed_again() -> None:
                fresh = await _find(visit, assistant_id)
                embed.clear()
                with embed:
                    _embed(visit, fresh.row)

            where_form(visit, row, embed_again)
        else:
            show(_facts(row, found.names), classes="card pad section")
        embed = ui.element("div")
        with embed:
            _embed(visit, row)


@page("/assistants/{assistant_id}/answers", "assistants", Role.EDITOR)
async def answers(visit: Visit, assistant_id: UUID) -> None:
    """What writes its answers, how it speaks, how it searches, and its limits."""
    found = await _find(visit, assistant_id)
    row = found.row
    with _studio(visit, found, "answers"):
        if visit.may(Role.ADMIN):
            save = BehaviourSaving(visit, row)
            await model_form(visit, row, save)
            tone_form(row, save)
            await threshold_form(visit, row, found.reads, save)
            async with visit.database.reading() as session:
                used = await use_of(session, row.id, utc_now().date())
            limits_form(row, save, used)
        search_settings(visit, found.reads)


@page("/assistants/{assistant_id}/people", "assistants", Role.ADMIN)
async def people(visit: Visit, assistant_id: UUID) -> None:
    """Who may ask, how to reach visitors, and when they get a person."""
    found = await _find(visit, assistant_id)
    with _studio(visit, found, "people"):
        save = BehaviourSaving(visit, found.row)
        people_form(found.row, save)
        visitors_form(visit, found.row, save)
        await lead_webhook_form(visit, found.row)


@dataclass(frozen=True, slots=True)
class _Found:
    """An assistant, and the names of the workspace's knowledge bases by id."""

    row: Assistant
    names: dict[str, str]

    @property
    def reads(self) -> dict[str, str]:
        """The knowledge bases that it answers from."""
        return {id: self.names[id] for id in self.row.knowledge_base_ids if id in self.names}


async def _find(visit: Visit, assistant_id: UUID) -> _Found:
    async with visit.database.reading() as session:
        row = await find_assistant(session, visit.workspace_id, assistant_id)
    return _Found(row, await _bases(visit))


@contextmanager
def _studio(visit: Visit, found: _Found, part: str) -> Iterator[ui.element]:
    """One part of the settings, with the assistant itself beside it. Yields its frame."""
    row = found.row
    crumbs = [("Assistants", "/console/assistants")]
    with head(row.name, crumbs, "The sample, made at the first start." if row.sample else ""):
        if visit.may(Role.ADMIN):
            button("Delete", _remove(visit, row), "ghost danger")
        link_button("Open its page", f"/a/{row.public_key}")
    parts = {path: words for path, (words, role) in _PARTS.items() if visit.may(role)}
    if len(parts) > 1:
        here = f"/console/assistants/{row.id}"
        tabs(parts[part], *((words, f"{here}/{path}".rstrip("/")) for path, words in parts.items()))
        ui.page_title(f"{parts[part]} · {row.name} · Candor")
    with ui.element("div").classes("studio"):
        room = ui.element("div")
        with ui.element("div").classes("preview"):
            show(Markup("<h2>Preview</h2>"))
            frame = ui.element("iframe").props('title="The assistant, as saved"')
            frame.props["src"] = f"/a/{row.public_key}"
            show(
                Markup(
                    '<p class="soft small">This is the assistant itself, as saved; colours and '
                    "language show while you choose them. What you ask here is kept under "
                    "Conversations.</p>"
                )
            )
        with room:
            yield frame


def _reload(element_id: int) -> None:
    ui.run_javascript(f"const f = getHtmlElement({element_id}); f.src = f.src")


def _facts(row: Assistant, names: dict[str, str]) -> Markup:
    reads = ", ".join(names[id] for id in row.knowledge_base_ids if id in names) or "nothing yet"
    return Markup(
        '<p>{}</p><p class="soft small">Answers from: {}</p><p class="soft small">Websites: {}</p>'
        '<p class="soft small">An admin can change it.</p>'
    ).format(row.welcome, reads, ", ".join(row.allowed_origins) or "its own page only")


def _embed(visit: Visit, row: Assistant) -> None:
    loader = f"{origin(visit)}/widget/v1/loader.js"
    line = f'<script async src="{loader}" data-assistant="{row.public_key}"></script>'
    with section("Put it on your website", "Paste this line before </body> on every page."):
        show(
            Markup(
                '<div class="card pad stack"><pre class="code" id="embed">{}</pre>'
                '<div class="actions"><button class="q-btn tiny" data-act="copy" '
                'data-copy="#embed">Copy</button></div>{}{}</div>'
            ).format(line, _where(row.allowed_origins), _domain(visit, row))
        )


def _where(origins: Sequence[str]) -> Markup:
    if origins:
        words = f"It appears on {', '.join(origins)}."
    else:
        words = "Add your website under Websites first: elsewhere it does not answer."
    return Markup('<p class="soft small">{}</p>').format(words)


def _domain(visit: Visit, row: Assistant) -> Markup:
    """How the chat and its page come from a name of one's own."""
    address = visit.state.options.public_url
    now = f"It is {address} now." if address else "It is not set now."
    return Markup(
        '<details class="numbers"><summary>Your own domain</summary><p class="small">Point a name, '
        "such as chat.example.com, at this server, let your proxy answer for it with TLS, and set "
        "CANDOR_PUBLIC_URL to it: the line above and the page https://chat.example.com/a/{} then "
        "use it. {}</p></details>"
    ).format(row.public_key, now)


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
