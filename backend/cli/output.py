"""How commands show things: words for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print the one document of a command with ``--json``."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def plain(text: str) -> str:
    """Text from documents, without control characters that a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
