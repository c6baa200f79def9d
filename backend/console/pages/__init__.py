"""The pages of the console, one module for each kind."""

from __future__ import annotations

from pathlib import Path

import widget

ICON = Path(widget.__file__).parent / "pages" / "icon.svg"


def register() -> None:
    """Make every page known. Importing a module registers its pages."""
    from backend.console.pages import (  # noqa: F401
        access,
        assistant,
        content,
        conversations,
        document,
        documents,
        explain,
        knowledge_base,
        source,
        system,
    )
