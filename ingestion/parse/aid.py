"""Second readings, of files that say nothing to the first: pictures of text, and recordings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What a file needs to be read."""

    OCR = "ocr"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class Aid:
    """An aid that an administrator has turned on.

    ``model``: Tesseract's languages (``deu+eng``), or the name or folder of a Whisper model.
    ``timeout_s`` and ``memory_mb`` are for one file.
    """

    need: Need
    model: str
    timeout_s: float
    memory_mb: int
