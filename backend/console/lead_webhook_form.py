"""Where new leads of an assistant are sent: the address, its secret, a test, the last messages."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.assistants import DeliveryView
from backend.console.adding import opener
from backend.console.forms import button, confirm, field
from backend.console.frame import done, live, section
from backend.console.parts import badge, show, table, when
from backend.console.shown_once import show_once
from backend.console.visit import Visit
from knowledge.errors import InvalidInput
from knowledge.store.tables import Assistant, DeliveryState

_SHOWN = 10
_STATES = {
    DeliveryState.SENDING: ("On its way", "busy"),
    DeliveryState.TAKEN: ("Taken", "good"),
    DeliveryState.FAILED: ("Not taken", "bad"),
}
_KINDS = {"lead.created": "New lead", "lead.test": "Test"}


async def lead_webhook_form(visit: Visit, row: Assistant) -> None:
    """Set the address that new leads go to, try it, and see what became of the last messages."""
    path = f"/assistants/{row.id}/lead-webhook"
    words = "Each new lead is sent there as it comes in, or to any other address of yours."
    with section("Leads to your CRM", words), ui.element("div").classes("card pad form"):
        address = field(
            "Address for new leads",
            row.lead_webhook,
            "It receives lead.created, signed after Standard Webhooks. Private addresses are "
            "refused.",
            placeholder="https://crm.example.com/hooks/candor",
        )
        with ui.element("div").classes("actions"):

            async def save() -> None:
                if not address.value.strip():
                    raise InvalidInput("There is no address.", "Write one that begins with https.")
                body = {"address": address.value.strip()}
                made = await visit.send("PUT", path, body)
                kept["address"] = body["address"]
                offer()
                show_once(
                    "The secret for leads",
                    "It is shown this once. The address that you gave checks the signature of each "
                    "message with it. An earlier secret is worth nothing any more.",
                    ("Secret", made["secret"]),
                )

            async def try_it() -> None:
                sent = DeliveryView.model_validate(await visit.send("POST", f"{path}/test"))
                await watcher.again()
                if sent.state is DeliveryState.TAKEN:
                    done("The test was taken.")
                else:
                    raise InvalidInput("The test was not taken.", sent.detail)

            async def stop() -> None:
                await visit.send("DELETE", path)
                kept["address"] = address.value = ""
                offer()
                done("New leads are sent nowhere.")

            button("Save address", save, "primary")
            test = button("Send a test", try_it)
            gone = confirm(
                "Stop sending leads?",
                "New leads stay in the list here. The address and its secret are forgotten.",
                "Stop sending",
                stop,
            )
            ending = button("Stop sending", opener(gone), "ghost danger")
        shown = show(Markup(""))

    kept = {"address": row.lead_webhook}

    def offer() -> None:
        for one in (test, ending):
            one.set_visibility(bool(kept["address"]))

    async def draw() -> bool:
        found = await visit.send("GET", f"{path}/deliveries?limit={_SHOWN}")
        rows = [DeliveryView.model_validate(one) for one in found["items"]]
        shown.set_content(_deliveries(rows))
        return any(one.state is DeliveryState.SENDING for one in rows)

    offer()
    watcher = live(visit, draw, await draw())


def _deliveries(rows: Sequence[DeliveryView]) -> Markup:
    if not rows:
        return Markup(
            '<p class="soft small">Nothing was sent yet. The last messages will be listed here.</p>'
        )
    heads = (("Message", ""), ("What became of it", "fill"), ("Sent", "num"), ("When", "when"))
    lines = (
        [
            _what(one),
            Markup('{}<span class="sub">{}</span>').format(badge(*_STATES[one.state]), one.detail),
            "once" if one.attempts == 1 else f"{one.attempts} times",
            when(one.created_at),
        ]
        for one in rows
    )
    return Markup("<h3>Last messages</h3>{}").format(table(heads, lines, "Last messages"))


def _what(one: DeliveryView) -> Markup | str:
    words = _KINDS.get(one.kind, one.kind)
    if one.lead_id is None:
        return words
    return Markup('<a href="/console/leads/{}">{}</a>').format(one.lead_id, words)
