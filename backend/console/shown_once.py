"""The dialog that shows a secret this once, and whatever has to be copied along with it."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui

from backend.console.forms import dialog
from backend.console.parts import join, show


def show_once(title: str, words: str, *facts: tuple[str, str]) -> None:
    """Open it over the page; ``facts`` are names with what is copied, each with a button."""
    with ui.context.client.content, dialog(title) as told:
        told.on("hide", told.delete)
        show(
            Markup('<div class="stack tight"><p>{}</p>{}</div>').format(
                words, join(_fact(told.id, at, *fact) for at, fact in enumerate(facts))
            )
        )
        with ui.element("div").classes("foot"):
            ui.button("Done", on_click=told.close, color=None).props("no-caps unelevated").classes(
                "primary"
            )
    told.open()


def _fact(dialog_id: int, at: int, name: str, value: str) -> Markup:
    place = f"once-{dialog_id}-{at}"
    return Markup(
        '<div class="once"><div class="label">{}</div><div class="secret" id="{}">{}</div>'
        '<button class="q-btn tiny" data-act="copy" data-copy="#{}">Copy</button></div>'
    ).format(name, place, value, place)
