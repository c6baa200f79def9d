"""The forms of an assistant: its look, how it behaves, contact details, people, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from markupsafe import Markup
from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.api.schemas.behaviour import Behaviour
from backend.console.change_form import whole_number
from backend.console.forms import area, button, choice, confirm, field
from backend.console.frame import done, section
from backend.console.parts import badge, show
from backend.console.shown_once import show_once
from backend.console.visit import Visit
from knowledge.errors import InvalidInput
from knowledge.store.queries.visits import Use
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
_MOMENTS = {
    "before_chat": "Before the first question",
    "messages": "After some answers",
    "abstained": "When there was no answer",
}
_FIELDS = {"name": "Name", "email": "E-mail", "phone": "Phone", "note": "Note"}

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


def behaviour_form(visit: Visit, row: Assistant, used: Use) -> None:
    """Tone, contact details, people, and limits of a day. ``used``: today's use."""
    kept = Behaviour.of(row.behaviour)
    with section("How it behaves"), ui.element("div").classes("card pad form"):
        tone = area(
            "Tone",
            kept.tone,
            "For the language model, such as: short and friendly, in British English.",
            rows=2,
        )
        if visit.state.chat.language_model is None:
            show(_small("No language model is set up: answers are quoted, whatever the tone."))
        known = ui.checkbox("Only visitors whom your website knows", value=not kept.anonymous)
        show(_small("They come with a token that your server signs; see the widget's guide."))
        _identity(visit, row)
        save = _Saving(visit, row)
        save.button(lambda: {"tone": tone.value.strip(), "anonymous": not known.value})
    with section("Contact details", "When the chat asks visitors how to reach them."):
        _leads_form(save, kept)
    with section("People", "Whether visitors may ask for a person."):
        _people_form(save, kept)
    with section("Limits", f"Today: {used.questions:,} questions, {used.tokens:,} tokens."):
        _limits_form(save, kept)


def _leads_form(save: _Saving, kept: Behaviour) -> None:
    rules = kept.leads
    with ui.element("div").classes("card pad form"):
        when = choice("When to ask", _MOMENTS, list(rules.when), "Never, if empty.", multiple=True)
        asked = choice("What to ask for", _FIELDS, list(rules.fields), multiple=True)
        after = field("After how many answers", str(rules.after))
        required = ui.checkbox("The chat waits for them before it", value=rules.required)
        consent = area("Consent", rules.consent, "What the visitor agrees to by sending.", rows=2)

        def parts() -> Mapping[str, Any]:
            if not asked.value:
                raise InvalidInput("Nothing is asked for.", "Choose at least one field.")
            return {
                "leads": {
                    "when": when.value,
                    "fields": asked.value,
                    "after": whole_number("After how many answers", after.value),
                    "required": required.value,
                    "consent": consent.value.strip(),
                }
            }

        save.button(parts, "Save contact details")


def _people_form(save: _Saving, kept: Behaviour) -> None:
    with ui.element("div").classes("card pad form"):
        enabled = ui.checkbox("Visitors may ask for a person", value=kept.handoff.enabled)
        email = field(
            "E-mail address", kept.handoff.email, "Shown to visitors when nobody is there."
        )
        save.button(
            lambda: {"handoff": {"enabled": enabled.value, "email": email.value.strip()}},
            "Save people",
        )


def _limits_form(save: _Saving, kept: Behaviour) -> None:
    limits = kept.limits
    with ui.element("div").classes("card pad form"):
        show(_small("In a day (UTC). 0 leaves a limit to the server's own settings."))
        with ui.element("div").classes("two"):
            each = field("Questions of one visitor", str(limits.visitor_questions))
            every = field("Questions of all visitors", str(limits.questions))
            tokens = field("Language-model tokens", str(limits.tokens))
        save.button(
            lambda: {
                "limits": {
                    "visitor_questions": whole_number("Questions of one visitor", each.value),
                    "questions": whole_number("Questions of all visitors", every.value),
                    "tokens": whole_number("Language-model tokens", tokens.value),
                }
            },
            "Save limits",
        )


class _Saving:
    """Saves parts of an assistant's behaviour, one after the other: each keeps the rest."""

    def __init__(self, visit: Visit, row: Assistant) -> None:
        self._visit = visit
        self._path = f"/assistants/{row.id}"
        self._one_at_a_time = asyncio.Lock()

    def button(self, parts: Callable[[], Mapping[str, Any]], words: str = "Save behaviour") -> None:
        """A button that changes a part of the behaviour and leaves the rest as it is now."""

        async def save() -> None:
            changed = parts()
            async with self._one_at_a_time:
                now = await self._visit.send("GET", self._path)
                body = {"behaviour": {**now["behaviour"], **changed}}
                await self._visit.send("PATCH", self._path, body)
            done("Saved.")

        with ui.element("div").classes("actions"):
            button(words, save, "primary")


def _identity(visit: Visit, row: Assistant) -> None:
    """The secret that a website signs its visitors' tokens with; it is shown once."""
    has = bool(row.identity_secret)
    shown = show(_identity_state(has))

    async def make() -> None:
        made = await visit.send("POST", f"/assistants/{row.id}/identity-secret")
        shown.set_content(_identity_state(True))
        forgetting.set_visibility(True)
        show_once(
            "The secret",
            "It is shown this once. Keep it on your server, never in a page.",
            ("Secret", made["secret"]),
        )

    async def forget() -> None:
        await visit.send("DELETE", f"/assistants/{row.id}/identity-secret")
        shown.set_content(_identity_state(False))
        forgetting.set_visibility(False)

    with ui.element("div").classes("actions"):
        button("Make a new secret", make, "tiny")
        gone = confirm(
            "Forget the secret?",
            "No token that your website signs is accepted any more.",
            "Forget it",
            forget,
        )
        forgetting = ui.button("Forget it", on_click=gone.open, color=None)
        forgetting.props("no-caps unelevated").classes("tiny ghost danger")
        forgetting.set_visibility(has)


def _identity_state(has: bool) -> Markup:
    return badge("There is a secret for tokens", "good") if has else badge("No secret yet", "quiet")


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


def _small(words: str) -> Markup:
    return Markup('<p class="soft small">{}</p>').format(words)
