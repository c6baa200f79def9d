"""Where uploaded files lie: by the SHA-256 of their bytes, spread over folders."""

from __future__ import annotations

from pathlib import Path


def place_of(folder: Path, digest: str) -> Path:
    """The place of a file with a SHA-256 (in hex) in the files folder."""
    return folder / digest[:2] / digest
