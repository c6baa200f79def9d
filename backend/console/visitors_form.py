"""The visitors of an assistant: who they are, how to reach them, and when they get a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.behaviour import Behaviour
from backend.console.behaviour_saving import BehaviourSaving, small
from backend.console.forms import area, button, choice, confirm, field
from backend.console.frame import section
from backend.console.numbers import whole_number
from backend.console.parts import badge, show
from backend.console.shown_once import show_once
from backend.console.visit import Visit
from knowledge.errors import InvalidInput
from knowledge.store.tables import Assistant

_MOMENTS = {
    "before_chat": "Before the first question",
    "messages": "After some answers",
    "abstained": "When there was no answer",
}
_FIELDS = {"name": "Name", "email": "E-mail", "phone": "Phone", "note": "Note"}


def visitors_form(visit: Visit, row: Assistant, save: BehaviourSaving) -> None:
    """Who may ask, and when the chat asks how to reach them."""
    kept = Behaviour.of(row.behaviour)
    with section("Who may ask"), ui.element("div").classes("card pad form"):
        known = ui.checkbox("Only visitors whom your website knows", value=not kept.anonymous)
        show(small("They come with a token that your server signs; see the widget's guide."))
        _identity(visit, row)
        save.button(lambda: {"anonymous": not known.value}, "Save who may ask")
    with section("Contact details", "When the chat asks visitors how to reach them."):
        _leads_form(save, kept)


def _leads_form(save: BehaviourSaving, kept: Behaviour) -> None:
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
