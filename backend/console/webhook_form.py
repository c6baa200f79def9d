"""Documents that another system sends: making a webhook, its secret, and closing it."""

from __future__ import annotations

from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import Again, opener
from backend.console.forms import Act, button, dialog, field, foot, on_enter
from backend.console.frame import done, origin
from backend.console.parts import badge, show
from backend.console.shown_once import show_once
from backend.console.visit import Visit
from knowledge.store.queries.pushed import find_webhook
from knowledge.store.queries.sources import find_source

_MESSAGES = (
    "Messages are signed with the secret after Standard Webhooks: document.put adds a document or "
    "replaces it, document.delete removes it."
)
_SECRET = "The secret is shown this once. Keep it in the system that sends, never in a page."


def add_webhook(visit: Visit, knowledge_base_id: UUID, again: Again) -> Act:
    """A dialog that makes a webhook, and shows its address and its secret."""
    with dialog("Receive by webhook") as made:
        show(
            Markup('<p class="soft">{}</p>').format(
                "Your content management or shop system sends every document here as it changes. "
                + _MESSAGES
            )
        )
        name = field("Name", help="What it is sent from, such as: Online shop.")

        async def make() -> None:
            path = f"/knowledge-bases/{knowledge_base_id}/webhooks"
            answer = await visit.send("POST", path, {"name": name.value})
            made.close()
            name.value = ""
            await again()
            _show(visit, answer)

        with foot(made):
            button("Make webhook", make, "primary")
        on_enter(name, make)
    return opener(made)


def webhook(visit: Visit, source_id: UUID) -> Act:
    """An act that shows the address of a source's webhook, and whether it takes messages."""

    async def act() -> None:
        async with visit.database.reading() as session:
            row = await find_source(session, visit.workspace_id, source_id)
            known = await find_webhook(session, row.id)
        with ui.context.client.content, dialog("Webhook") as made:
            made.on("hide", made.delete)
            is_open = bool(known and known.secret)
            show(
                Markup(
                    '<div class="stack tight">{}<p class="soft">{}</p><div class="once">'
                    '<div class="label">Address</div><div class="secret">{}</div></div></div>'
                ).format(
                    badge("Takes messages", "good") if is_open else badge("Closed", "quiet"),
                    _MESSAGES,
                    _address(visit, f"/api/v1/webhooks/{row.id}"),
                )
            )

            async def renew() -> None:
                answer = await visit.send("POST", f"/sources/{source_id}/webhook-secret")
                made.close()
                _show(visit, answer)

            async def close() -> None:
                await visit.send("DELETE", f"/sources/{source_id}/webhook-secret")
                made.close()
                done("The webhook takes no message any more. Its documents stay.")

            with foot(made):
                if is_open:
                    button("Close webhook", close, "ghost danger")
                button("Make a new secret" if is_open else "Open it again", renew, "primary")
            if is_open:
                show(
                    Markup('<p class="soft small">{}</p>').format(
                        "With a new secret, the old one is worth nothing at once."
                    )
                )
        made.open()

    return act


def _show(visit: Visit, answer: dict[str, str]) -> None:
    show_once(
        "The webhook",
        _SECRET,
        ("Address", _address(visit, answer["url"])),
        ("Secret", answer["secret"]),
    )


def _address(visit: Visit, path: str) -> str:
    return f"{origin(visit)}{path}"
