"""Saving parts of an assistant's behaviour, each of which leaves the rest as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup
from nicegui import ui

from backend.console.forms import button
from backend.console.frame import done
from backend.console.visit import Visit
from knowledge.store.tables import Assistant


class BehaviourSaving:
    """Saves parts of one assistant's behaviour, one after the other."""

    def __init__(self, visit: Visit, row: Assistant) -> None:
        self._visit = visit
        self._path = f"/assistants/{row.id}"
        self._one_at_a_time = asyncio.Lock()

    async def save(self, changed: Mapping[str, Any]) -> None:
        """Change these parts. Raises :class:`Refused` in the API's words."""
        async with self._one_at_a_time:
            now = await self._visit.send("GET", self._path)
            body = {"behaviour": {**now["behaviour"], **changed}}
            await self._visit.send("PATCH", self._path, body)
        done("Saved.")

    def button(self, parts: Callable[[], Mapping[str, Any]], words: str) -> None:
        """A button that changes what ``parts`` gives."""

        async def save() -> None:
            await self.save(parts())

        with ui.element("div").classes("actions"):
            button(words, save, "primary")


def small(words: str) -> Markup:
    """A line of small print."""
    return Markup('<p class="soft small">{}</p>').format(words)
