"""``candor train``: the bundled encoder fine-tuned on a user's own content (extra ``train``)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyio import to_thread

from backend.cli.connection import Api
from knowledge.encode.bundled import DEFAULT_MODEL
from knowledge.errors import InvalidInput, MissingExtra, NotFound
from knowledge.settings import Settings


def work_folder(model: Path) -> Path:
    """Where checkpoints and downloaded pairs lie until the model is written: beside it."""
    return model.with_name(f"{model.name}-checkpoint")


async def download_pairs(api: Api, knowledge_base: str, file: Path) -> dict[str, int]:
    """Write the pairs of a knowledge base into ``file``; their number by source.

    Raises :class:`NotFound`.
    """
    found = await api.get("/knowledge-bases", name=knowledge_base)
    if not found["items"]:
        raise NotFound(
            f"There is no knowledge base {knowledge_base}.",
            "`candor status` lists those there are.",
        )
    path = f"/knowledge-bases/{found['items'][0]['id']}/training-pairs"
    await to_thread.run_sync(lambda: file.parent.mkdir(parents=True, exist_ok=True))
    draft = file.with_suffix(".part")
    with draft.open("wb") as out:
        async for piece in api.stream("GET", path):
            await to_thread.run_sync(out.write, piece)
    await to_thread.run_sync(draft.replace, file)
    return await to_thread.run_sync(_count, file)


def check_choice(pairs: Path | None, knowledge_base: str) -> None:
    """Raises :class:`InvalidInput` unless exactly one of the two is given."""
    if (pairs is None) == (not knowledge_base):
        raise InvalidInput(
            "candor train learns from one thing: a file of pairs, or a knowledge base.",
            "Say `candor train PAIRS --model FOLDER` or `candor train --kb NAME --model FOLDER`.",
        )


def fine_tune(
    settings: Settings, pairs: Path, model: Path, steps: int, device: str
) -> dict[str, Any]:
    """Train, and say the figures on held-out pairs before and after, and whether it was kept.

    The same command goes on after an interruption. Raises :class:`MissingExtra`, and
    :class:`InvalidInput` for pairs that cannot be used.
    """
    try:
        from training.fine_tune import GENTLE
        from training.fine_tune import fine_tune as run
    except ImportError as error:
        raise MissingExtra(
            f"Training needs a package that is not installed: {error.name}.",
            "Install Candor with the extra train.",
        ) from error
    base = settings.encoder_folder or DEFAULT_MODEL
    config = replace(GENTLE, steps=steps)
    done = run(pairs, base, model, work_folder(model), config, device)
    return {
        "before": done.before,
        "after": done.after,
        "installed": done.installed,
        "model": str(model) if done.installed else "",
    }


def _count(file: Path) -> dict[str, int]:
    with file.open(encoding="utf-8") as lines:
        return dict(Counter(str(json.loads(line)["source"]) for line in lines))
