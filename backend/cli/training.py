"""``candor train``: the bundled encoder fine-tuned on a user's own pairs (extra ``train``)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from knowledge.encode.bundled import DEFAULT_MODEL
from knowledge.errors import MissingExtra
from knowledge.settings import Settings


def fine_tune(settings: Settings, pairs: Path, model: Path, steps: int) -> dict[str, Any]:
    """Train, and say the figures on held-out pairs before and after, and whether it was kept.

    The checkpoint lies beside ``model``: the same command goes on after an interruption. Raises
    :class:`MissingExtra`, and :class:`InvalidInput` for pairs that cannot be used.
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
    work = model.with_name(f"{model.name}-checkpoint")
    done = run(pairs, base, model, work, replace(GENTLE, steps=steps))
    return {
        "before": done.before,
        "after": done.after,
        "installed": done.installed,
        "model": str(model) if done.installed else "",
    }
