"""The dialogs that add to a knowledge base: files, a feed, a text. A website has its own form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from nicegui import ui

from backend.console.assets import address
from backend.console.forms import Act, area, button, choice, dialog, field, foot, on_enter
from backend.console.frame import done
from backend.console.visit import Visit
from backend.console.words import size

Again = Callable[[], Awaitable[None]]
SCHEDULES = {
    "": "Only when asked",
    "0 * * * *": "Every hour",
    "0 3 * * *": "Every night at three (UTC)",
    "0 3 * * 1": "Every Monday at three (UTC)",
}
"""How often a source is read by itself, for those who do not write cron."""


def opener(made: ui.dialog) -> Act:
    """An act that opens a dialog."""

    async def act() -> None:
        made.open()

    return act


def add_feed(visit: Visit, knowledge_base_id: UUID, again: Again) -> Act:
    """A dialog that adds an RSS or Atom feed, or an OPML list of feeds."""
    with dialog("Add a feed") as made:
        start = field(
            "Address",
            help="RSS, Atom or OPML. The page of every entry is read.",
            placeholder="https://www.example.com/news.xml",
        )
        schedule = choice("Read again by itself", SCHEDULES, "0 * * * *")

        async def add() -> None:
            body = {
                "kind": "feed",
                "start": with_scheme(start.value),
                "schedule": schedule.value,
            }
            await visit.send("POST", f"/knowledge-bases/{knowledge_base_id}/sources", body)
            made.close()
            done("The feed is being read.")
            await again()

        with foot(made):
            button("Add feed", add, "primary")
        on_enter(start, add)
    return opener(made)


def add_text(visit: Visit, knowledge_base_id: UUID, again: Again) -> Act:
    """A dialog that adds a text."""
    with dialog("Paste a text") as made:
        title = field("Title", help="Visitors see it above the sentences that are cited.")
        text = area("Text", help="Markdown is understood.", rows=10)

        async def add() -> None:
            body = {"kind": "text", "title": title.value, "text": text.value}
            await visit.send("POST", f"/knowledge-bases/{knowledge_base_id}/sources", body)
            made.close()
            title.value = text.value = ""
            done("The text is being indexed.")
            await again()

        with foot(made):
            button("Add text", add, "primary")
    return opener(made)


def edit_text(visit: Visit, source_id: UUID, again: Again) -> Act:
    """An act that opens a pasted text, to be written anew."""

    async def act() -> None:
        found = await visit.send("GET", f"/sources/{source_id}/text")
        with dialog("Edit the text") as made:
            text = area("Text", found["text"], help="Markdown is understood.", rows=12)

            async def save() -> None:
                await visit.send("PUT", f"/sources/{source_id}/text", {"text": text.value})
                made.close()
                done("Saved. It is found by its new words in a moment.")
                await again()

            with foot(made):
                button("Save", save, "primary")
        made.on("hide", made.delete)
        made.open()

    return act


def upload_files(visit: Visit, knowledge_base_id: UUID) -> Act:
    """A dialog that takes files. :func:`uploads` shows on the page how far they are."""
    with dialog("Upload files") as made:
        drop = ui.element("candor-drop").on("added", made.close)
        drop.props["to"] = _uploads_of(knowledge_base_id)
        drop.props["hint"] = (
            "PDF, Word, PowerPoint, Excel, HTML, Markdown, subtitles, archives. "
            f"At most {size(visit.state.options.upload_max_bytes)} each."
        )
        with foot(made):
            pass
    return opener(made)


def uploads(visit: Visit, knowledge_base_id: UUID, again: Again) -> None:
    """Where the page says how far files are that go from the browser straight to the API."""
    ui.add_head_html(f'<script type="module" src="{address("upload.js")}"></script>')
    shown = ui.element("candor-uploads").on("arrived", again)
    shown.props["to"] = _uploads_of(knowledge_base_id)
    shown.props["limit"] = str(visit.state.options.upload_max_bytes)
    shown.props["who"] = str(visit.caller.user_id)


def _uploads_of(knowledge_base_id: UUID) -> str:
    return f"/api/v1/knowledge-bases/{knowledge_base_id}/uploads"


def lines(text: str) -> list[str]:
    """The lines of a text area that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def with_scheme(start: str) -> str:
    """People write addresses without ``https://``."""
    text = start.strip()
    return text if "://" in text or not text else f"https://{text}"
