"""``candor eval``: retrieval measured on judged questions, in a temporary index.

It needs the encoder alone: no data folder is opened, so it runs beside a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anyio import to_thread
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from backend.cli.output import notes
from backend.models import open_reranker
from backend.search.evaluate import evaluate_folder
from backend.search.search import SearchSettings
from backend.services import Parts


async def evaluate(parts: Parts, folder: Path, arms: Sequence[str]) -> dict[str, Any]:
    """The document that ``--json`` prints."""
    encoder = await to_thread.run_sync(parts.make_encoder, parts.settings)
    with _Stages() as stages:
        sets = [
            figures.to_json()
            async for figures in evaluate_folder(
                folder,
                encoder,
                SearchSettings.of(parts.settings, encoder.spec),
                arms,
                open_reranker(parts.settings),
                stages.show,
            )
        ]
    return {"encoder": encoder.spec.id, "sets": sets}


class _Stages:
    """A bar for each stage of each set; plain lines where no one watches a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=notes,
            disable=not notes.is_terminal,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> _Stages:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, name: str, stage: str, done: int, of: int) -> None:
        """Bring the bar of a stage up to date."""
        key = (name, stage)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(f"{name}: {stage}", total=of)
            if not notes.is_terminal:
                notes.print(f"{name}: {stage} {of}", markup=False)
        self._bars.update(self._tasks[key], completed=done, total=of)
