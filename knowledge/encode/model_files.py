"""The folder of a model that ships with Candor: its settings, and a check that it is whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from knowledge.encode.encoder import USUAL_SPREAD
from knowledge.errors import ModelFileError

MANIFEST = "manifest.json"
CONFIG = "config.json"
_ACTION = "Install Candor again, or restore the folder from its repository."


@dataclass(frozen=True, slots=True)
class BundledConfig:
    """Settings that belong to the weights.

    ``window``: tokens per window. ``added``: most terms added to a passage. ``added_query``: most
    terms added to a query in encoded mode. ``scales``, ``offsets``: per role (passage, window,
    query), what its weights are multiplied by and what is added to its logits. ``counted_weight``:
    the weight from which a term counts in document frequencies; 0, as in models of version 1.0.0,
    counts every term. ``score_spread``: see ``EncoderSpec``.
    """

    name: str
    version: str
    dense_size: int
    max_tokens: int
    window: int
    added: int
    added_query: int
    k1: float
    b: float
    typical_length: float
    languages: tuple[str, ...] = ("en",)
    scales: dict[str, float] = field(default_factory=dict)
    offsets: dict[str, float] = field(default_factory=dict)
    counted_weight: float = 0.0
    score_spread: tuple[float, float] = USUAL_SPREAD

    def save(self, folder: Path) -> None:
        """Write the settings into a model's folder."""
        (folder / CONFIG).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def load_config(folder: Path) -> BundledConfig:
    """The settings in a model's folder. Raises :class:`ModelFileError`."""
    row = _read_json(folder / CONFIG)
    try:
        for name in row.keys() & {"languages", "score_spread"}:
            row[name] = tuple(row[name])
        return BundledConfig(**row)
    except TypeError as error:
        detail = f"The model settings {folder / CONFIG} are not of this version ({error})."
        raise ModelFileError(detail, _ACTION) from error


def write_manifest(folder: Path) -> None:
    """Record the SHA-256 of every file of the model but its card."""
    skipped = {MANIFEST, "README.md"}
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name not in skipped)
    sums = {path.name: sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")


def check_manifest(folder: Path) -> str:
    """Check every file against its SHA-256; the result is a short digest of them all.

    Raises :class:`ModelFileError` for a missing or changed file, and for a graph that is not
    listed.
    """
    sums: dict[str, str] = _read_json(folder / MANIFEST)
    for path in folder.glob("*.onnx"):
        if path.name not in sums:
            action = "Remove it, or restore the folder from its repository."
            raise ModelFileError(f"The file {path} is no part of the model.", action)
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise ModelFileError(f"The model file {path} is missing.", _ACTION)
        if sha256(path) != expected:
            raise ModelFileError(f"The model file {path} is damaged.", _ACTION)
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()[:12]


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFileError(f"The model file {path} is missing.", _ACTION) from error
    except (OSError, ValueError) as error:
        raise ModelFileError(f"The model file {path} cannot be read.", _ACTION) from error
    return row
