"""Where uploaded files lie: by the SHA-256 of their bytes, spread over folders."""

from __future__ import annotations

from pathlib import Path

from knowledge.errors import FetchError


def place_of(folder: Path, digest: str) -> Path:
    """The place of a file with a SHA-256 (in hex) in the files folder."""
    return folder / digest[:2] / digest


def read_file(folder: Path, digest: str) -> bytes:
    """The bytes of a stored file. Raises :class:`FetchError` where it is gone."""
    try:
        return place_of(folder, digest).read_bytes()
    except OSError as error:
        raise FetchError(
            f"The stored file cannot be read: {error.strerror}.", "Add the file again."
        ) from error


def write_file(folder: Path, digest: str, data: bytes) -> None:
    """Store bytes whole or not at all; what is there already stays."""
    place = place_of(folder, digest)
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    part.write_bytes(data)
    part.replace(place)
