"""Xberg, the reader of PDF, office and e-book files, with this project's settings and limits."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Literal

import xberg

from ingestion.parse.formats import Format
from knowledge.errors import DamagedDocument, DocumentTooLarge, EmptyDocument, EncryptedDocument

_CONFIGS = {
    written: xberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        disable_ocr=True,
        output_format=written,
        escape_markdown=False,
        pages=xberg.PageConfig(extract_pages=True),
        max_concurrent_extractions=1,
    )
    for written in ("markdown", "html")
}
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3})(?=\S)([^*\n]+?)\1(?![\w*])")
_STARS = re.compile(r"\*{2,}|^([ \t]*(?:[-*+] |\d+\. |#+ )?)\*(?=\w)|(?<=\w)\*$", re.MULTILINE)
_LONELY = re.compile(r"^[ \t]*(?:\*+|\\?[-–])[ \t]*$", re.MULTILINE)
_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")
_IMAGE = re.compile(r"\\?!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK = re.compile(r"(?<!\\)\[([^\]\n]+)\]\((?:https?://|mailto:|#)[^)\s]*\)")
_LEADER = re.compile(r"(?<![ \t.])(?:[ \t]*\.){4,}[ \t]*")
_ESCAPED = re.compile(r"\\([#&<>~*_\[\]()!`+.{}-])")


def extract(
    data: bytes, kind: Format | None, name: str = "", written: Literal["markdown", "html"] = "html"
) -> Any:
    """What Xberg reads from the file: its one document, with content, pages and metadata.

    ``written``: HTML tells what a file says from how it is emphasised; Markdown does not.
    ``kind`` is passed on as the type, or left to Xberg where it is ``None``.
    Raises :class:`DamagedDocument`, or what its words name more closely.
    """
    source = xberg.ExtractInput(
        kind="bytes", bytes=data, mime_type=kind and kind.value, filename=name or None
    )
    try:
        result = asyncio.run(xberg.extract(source, _CONFIGS[written]))
    except (RuntimeError, ValueError, OSError) as error:
        raise _named(str(error)) from error
    if not result.results:
        words = "; ".join(item.message for item in result.errors)
        raise _named(words) if words else EmptyDocument("There is no text in the file.")
    return result.results[0]


def _named(words: str) -> DamagedDocument | DocumentTooLarge | EncryptedDocument:
    low = words.lower()
    short = " ".join(words.split())[:300]
    if "encrypted" in low or "password" in low:
        return EncryptedDocument(
            "The file is protected with a password.",
            "Save it without a password and add it again.",
        )
    if "security" in low or "bomb" in low or "exceeds" in low or "limit" in low:
        return DocumentTooLarge(
            f"The file unpacks to more than may be read: {short}.", "Split it into parts."
        )
    return DamagedDocument(
        f"The file is broken, or not what it claims to be: {short}.",
        "Save it again and add the new copy.",
    )


def tidy(markdown: str) -> str:
    """Extracted Markdown without emphasis, links, embedded pictures, escapes, and leaders."""
    text = _IMAGE.sub(lambda found: found.group(1), markdown)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _SPACES.sub(" ", _LONELY.sub("", _STARS.sub(r"\1", text)))
    return _ESCAPED.sub(r"\1", _LEADER.sub(" ", text))


def parse_time(told: str | None) -> datetime | None:
    """A time from a file's metadata, in UTC, or ``None`` where it is missing or nonsense."""
    try:
        time = datetime.fromisoformat((told or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
