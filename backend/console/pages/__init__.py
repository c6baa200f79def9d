"""The pages of the console, one module for each kind."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import widget

_PAGES = (
    "access",
    "account",
    "assistant",
    "content",
    "conversations",
    "document",
    "documents",
    "evaluation",
    "explain",
    "freshness",
    "handoffs",
    "insights",
    "knowledge_base",
    "leads",
    "rules",
    "run",
    "source",
    "system",
    "unknown",  # last: it takes every path that no other page has
)
ICON = (Path(widget.__file__).parent / "pages" / "icon.svg").read_text("utf-8")
"""An SVG in the page itself: an address below the pages would be taken for an unknown page."""


def register() -> None:
    """Make every page known. Importing a module registers its pages."""
    for name in _PAGES:
        import_module(f"{__name__}.{name}")
