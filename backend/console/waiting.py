"""Visitors who wait for a person, as every page about conversations shows them."""

from __future__ import annotations

from markupsafe import Markup

from backend.console.frame import tabs
from backend.console.parts import badge
from backend.console.visit import Visit
from knowledge.store.queries.handoffs import count_handoffs
from knowledge.store.tables import HandoffState

_STATES = {
    HandoffState.WAITING: ("Waits for a person", "busy"),
    HandoffState.ACTIVE: ("With a person", "good"),
    HandoffState.CLOSED: ("Hand-off closed", "quiet"),
}


def handoff_badge(state: HandoffState) -> Markup:
    """The state of a hand-off."""
    return badge(*_STATES[state])


async def section_tabs(visit: Visit, current: str) -> None:
    """The pages of this section: all conversations, and those handed to people."""
    async with visit.database.reading() as session:
        counts = await count_handoffs(session, visit.workspace_id)
    waiting = counts[HandoffState.WAITING]
    people = f"For a person ({waiting:,} waiting)" if waiting else "For a person"
    tabs(
        people if current == "people" else current,
        ("All", "/console/conversations"),
        (people, "/console/handoffs"),
    )
