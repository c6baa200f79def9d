"""What visitors see of an assistant: its look, with a preview, and the websites it is on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.console.forms import area, button, choice, field
from backend.console.frame import done, section
from backend.console.visit import Visit
from knowledge.errors import InvalidInput
from knowledge.store.tables import Assistant

ACCENT = "#0b6e5f"
_THEMES = {"auto": "As the visitor's system", "light": "Light", "dark": "Dark"}
_SIDES = {"end": "Right", "start": "Left"}
_LANGUAGES = {
    "": "As the page, or the visitor's browser",
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "nl": "Nederlands",
    "pt": "Português",
    "zh": "中文",
}
Try = Callable[[str, str], None]
"""Shows a look in the preview: an attribute of the chat and its value."""


def look_form(
    visit: Visit, row: Assistant, bases: Mapping[str, str], preview: Try, reload: Callable[[], None]
) -> None:
    """What visitors see. Colours show in the preview while they are chosen."""
    look = row.appearance
    with section("What visitors see"), ui.element("div").classes("card pad form"):
        name = field("Name", row.name)
        welcome = area("Welcome", row.welcome, "The first thing that a visitor reads.", rows=3)
        suggestions = area(
            "Suggested questions", "\n".join(row.suggestions), "One a line, at most eight.", rows=4
        )
        reads = choice(
            "Knowledge bases",
            dict(bases),
            [id for id in row.knowledge_base_ids if id in bases],
            "It answers from these and from nothing else.",
            multiple=True,
        )
        accent = _colour(str(look.get("accent", ACCENT)), lambda value: preview("accent", value))
        with ui.element("div").classes("two"):
            theme = choice("Colours", _THEMES, look.get("theme", "auto"))
            theme.on_value_change(lambda e: preview("theme", str(e.value)))
            side = choice("Corner of the page", _SIDES, look.get("side", "end"))
            language = choice("Language of its buttons", _LANGUAGES, look.get("lang", ""))
            language.on_value_change(lambda e: preview("lang", str(e.value)))
            logo = field("Logo", str(look.get("logo", "")), "An https address of a small picture.")

        async def save() -> None:
            address = logo.value.strip()
            if address and not address.startswith("https://"):
                raise InvalidInput("Logo is not an https address.", "Write https://… or nothing.")
            chosen = {"theme": theme.value, "side": side.value, "lang": language.value}
            chosen |= {"accent": accent.value.strip() or ACCENT, "logo": address}
            body = {
                "name": name.value,
                "welcome": welcome.value,
                "suggestions": lines_of(suggestions.value),
                "knowledge_base_ids": reads.value,
                "appearance": {
                    key: value for key, value in {**look, **chosen}.items() if value != ""
                },
            }
            await visit.send("PATCH", f"/assistants/{row.id}", body)
            done("Saved. The preview shows it.")
            reload()

        with ui.element("div").classes("actions"):
            button("Save", save, "primary")


def where_form(visit: Visit, row: Assistant, again: Callable[[], Awaitable[None]]) -> None:
    """The websites that the assistant answers on."""
    with section("Where it appears"), ui.element("div").classes("card pad form"):
        origins = area(
            "Websites",
            "\n".join(row.allowed_origins),
            "Where the chat may appear, one a line: https://www.example.com",
            rows=3,
        )

        async def save() -> None:
            body = {"allowed_origins": lines_of(origins.value)}
            await visit.send("PATCH", f"/assistants/{row.id}", body)
            done("Saved.")
            await again()

        with ui.element("div").classes("actions"):
            button("Save websites", save, "primary")


def _colour(value: str, tried: Callable[[str], None]) -> ui.input:
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
    made.on_value_change(lambda e: tried(str(e.value or ACCENT)))
    return made


def preview_script(frame_id: int, name: str, value: str) -> str:
    """Sets an attribute of the chat inside the preview, which draws itself anew."""
    attribute, given = json.dumps(name), json.dumps(value)
    return (
        f"const chat = getHtmlElement({frame_id}).contentDocument?.querySelector('candor-chat');"
        f"if (chat) {given} ? chat.setAttribute({attribute}, {given})"
        f" : chat.removeAttribute({attribute});"
    )


def lines_of(text: str) -> list[str]:
    """The lines that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]
