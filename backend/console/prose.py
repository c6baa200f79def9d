"""Markdown as people read it, with marks and numbers set into it at offsets of its source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

Insert = tuple[int, Markup]
"""Where in the source, and what goes there."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_IN_ADDRESS = re.compile("%EE%80%80(\\d+)%EE%80%81", re.IGNORECASE)
_TAG_OR_PLACE = re.compile(f"<[^>]*>|{_OPEN}\\d+{_CLOSE}")
_ROW_END = re.compile(r"\|[ \t]*$")


@cache
def _renderer() -> MarkdownIt:
    # HTML in the source is text. Pictures are left out: our pages load nothing from others.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def prose(source: str, inserts: Iterable[Insert] = ()) -> Markup:
    """``source`` as HTML. What is inserted must open and close within a word or between two."""
    given = sorted(inserts, key=lambda one: one[0])
    text = source.translate({ord(_OPEN): None, ord(_CLOSE): None}) if _OPEN in source else source
    parts, at = [], 0
    for number, (offset, _) in enumerate(given):
        place = _before_row_end(text, max(at, min(offset, len(text))))
        place = max(at, place)
        parts += [text[at:place], f"{_OPEN}{number}{_CLOSE}"]
        at = place
    html = _renderer().render("".join([*parts, text[at:]]))

    def put(found: re.Match[str]) -> str:
        if found[0].startswith("<"):
            return _PLACE.sub("", _IN_ADDRESS.sub("", found[0]))
        number = _PLACE.fullmatch(found[0])
        return str(given[int(number[1])][1]) if number and int(number[1]) < len(given) else ""

    return Markup(_TAG_OR_PLACE.sub(put, html))  # escaped by the renderer, and by the inserts


def _before_row_end(text: str, offset: int) -> int:
    """A place at the end of a table's row moves into its last cell."""
    start = text.rfind("\n", 0, offset) + 1
    if (offset == len(text) or text[offset] == "\n") and text.startswith("|", start):
        end = _ROW_END.search(text[start:offset])
        if end is not None:
            return start + end.start()
    return offset


def plain(source: str) -> str:
    """``source`` in one line, without Markdown's signs."""
    return prose(source).striptags()
