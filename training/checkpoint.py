"""Checkpoints of a run, and what is told of it on the way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from training.train import Report, Trainer


def save_state(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint; a crash while writing leaves the earlier one."""
    scratch = path.with_suffix(".part")
    torch.save(trainer.state(), scratch)
    scratch.replace(path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint, written on whatever device."""
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def progress(every: int, checkpoint: Path, trainer: Trainer) -> Report:
    """A report that prints the mean of each figure and saves a checkpoint every so many steps."""
    started, sums = time.perf_counter(), dict[str, float]()

    def report(step: int, figures: dict[str, float]) -> None:
        for name, figure in figures.items():
            sums[name] = sums.get(name, 0.0) + figure
        if step % every == 0:
            means = ", ".join(f"{name} {total / every:.2f}" for name, total in sums.items())
            print(f"step {step}, {time.perf_counter() - started:.0f} s: {means}", flush=True)
            sums.clear()
            save_state(trainer, checkpoint)

    return report
