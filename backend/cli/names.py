"""What people call things by: a name, or the id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from backend.cli.connection import Api
from knowledge.errors import NotFound


def is_id(text: str) -> bool:
    """Whether this is an id, and not a name."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def find_named(api: Api, path: str, noun: str, name: str, **query: str) -> dict[str, Any]:
    """The one thing of a list that has a name, or the id. Raises :class:`NotFound`."""
    if is_id(name):
        found: dict[str, Any] = await api.get(f"{path}/{name}")
        return found
    items = (await api.get(path, name=name, limit=1, **query))["items"]
    if not items:
        raise NotFound(f"There is no {noun} {name!r}.", f"GET /api/v1{path} lists those there are.")
    only: dict[str, Any] = items[0]
    return only
