"""When visitors get a person: on request, offered, and at which hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.behaviour import Behaviour
from backend.api.schemas.handoff_rules import DAYS, HandoffHours
from backend.console.behaviour_saving import BehaviourSaving, small
from backend.console.forms import area, choice, field
from backend.console.frame import section
from backend.console.look_form import lines_of
from backend.console.numbers import whole_number
from backend.console.parts import show
from knowledge.errors import InvalidInput
from knowledge.store.tables import Assistant

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OPENS, _CLOSES = "09:00", "17:00"


def people_form(row: Assistant, save: BehaviourSaving) -> None:
    """Whether visitors may ask for a person, and when one is offered to them."""
    rules = Behaviour.of(row.behaviour).handoff
    with (
        section("People", "When visitors may speak to somebody of yours."),
        ui.element("div").classes("card pad form"),
    ):
        enabled = ui.checkbox("Visitors may ask for a person", value=rules.enabled)
        show(
            Markup(
                '<p class="soft small">They then see a button for it. Whoever has switched '
                '<a href="/console/handoffs">I am here for visitors</a> on is asked.</p>'
            )
        )
        with ui.element("div").classes("stack") as more:
            show(Markup("<h3>Offer a person</h3>"))
            after = field(
                "After how many questions without an answer",
                str(rules.after_unanswered),
                "In a row. 0: never.",
            )
            words = area(
                "When a question has one of these words",
                "\n".join(rules.words),
                "One word or phrase a line, such as complaint or speak to somebody.",
                rows=3,
            )
            hours = _Hours(rules.hours)
            show(Markup("<h3>When nobody is there</h3>"))
            message = area(
                "What visitors read then",
                rules.message,
                "Empty: that nobody is here right now, in their language.",
                rows=2,
            )
            email = field("E-mail address", rules.email, "Shown below it, if there is one.")
        more.bind_visibility_from(enabled, "value")

        def parts() -> Mapping[str, Any]:
            return {
                "handoff": {
                    "enabled": enabled.value,
                    "after_unanswered": whole_number(
                        "After how many questions without an answer", after.value
                    ),
                    "words": lines_of(words.value),
                    "hours": hours.value(),
                    "message": message.value.strip(),
                    "email": email.value.strip(),
                }
            }

        save.button(parts, "Save people")


class _Hours:
    """The days of the week, each with the time from which and until which people answer."""

    def __init__(self, hours: HandoffHours) -> None:
        show(Markup("<h3>Hours</h3>"))
        show(small("Outside them, visitors are told that nobody is there. No day chosen: always."))
        zones = {zone: zone.replace("_", " ") for zone in sorted(available_timezones())}
        zones.setdefault(hours.time_zone, hours.time_zone)
        self._zone = choice("Time zone", zones, hours.time_zone).props(
            "use-input hide-selected fill-input input-debounce=0"
        )
        self._kept = hours
        self._days = []
        with ui.element("div").classes("hours"):
            for day, name in zip(DAYS, _NAMES, strict=True):
                kept = next((one for one in hours.times if day in one.days), None)
                with ui.element("div"):
                    is_open = ui.checkbox(name, value=kept is not None)
                    opens = _clock(f"{name}, from", kept.opens if kept else _OPENS)
                    show(Markup('<span class="soft small" aria-hidden="true">to</span>'))
                    closes = _clock(f"{name}, until", kept.closes if kept else _CLOSES)
                for control in (opens, closes):
                    control.bind_enabled_from(is_open, "value")
                self._days.append((day, name, is_open, opens, closes))

    def value(self) -> dict[str, Any]:
        """What is chosen, days of the same hours together. Raises :class:`InvalidInput`."""
        times: dict[tuple[str, str], list[str]] = {}
        for day, name, is_open, opens, closes in self._days:
            if not is_open.value:
                continue
            if not opens.value or not closes.value or opens.value >= closes.value:
                raise InvalidInput(
                    f"On {name}, people cannot answer from {opens.value or 'nothing'} until "
                    f"{closes.value or 'nothing'}.",
                    "Choose an end that comes after the beginning.",
                )
            times.setdefault((opens.value[:5], closes.value[:5]), []).append(day)
        return {
            "time_zone": self._zone.value or "UTC",
            "times": [
                {"days": days, "opens": opens, "closes": closes}
                for (opens, closes), days in times.items()
            ],
        }


def _clock(label: str, value: str) -> ui.input:
    made = ui.input(value=value).props("type=time outlined dense hide-bottom-space")
    made.props["aria-label"] = label
    return made
