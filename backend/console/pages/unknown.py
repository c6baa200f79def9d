"""What stands at addresses that no page has."""

from __future__ import annotations

from backend.console.frame import page
from backend.console.visit import Visit
from knowledge.errors import NotFound


@page("/{path:path}", "")
async def unknown(visit: Visit, path: str) -> None:
    """There is no such page."""
    raise NotFound("There is no page at this address.", "The menu leads to all there are.")
