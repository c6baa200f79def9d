"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
KnowledgeBaseOption = Annotated[
    str, typer.Option("--kb", help="Name of a knowledge base; all but the sample's if left out.")
]
