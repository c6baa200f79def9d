"""RTF, made ready for its reader: running heads left out, headings told by their style."""

from __future__ import annotations

import re

_TOKEN = re.compile(rb"[{}]|\\(?:([a-z]+)(-?\d+)? ?|'[0-9a-f]{2}|[^a-z])", re.IGNORECASE)
_GROUP = re.compile(rb"\{\s*(?:\\\*\s*)?\\([a-z]+)")
_LEFT_OUT = frozenset(
    b"header headerl headerr headerf footer footerl footerr footerf pict object annotation "
    b"atnid atnauthor ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn".split()
)
_STYLES = re.compile(rb"\{\\stylesheet")
_STYLE = re.compile(rb"\{[^{}]*?\\s(\d+)\b([^{}]*)")
_HEADING = re.compile(rb"\\outlinelevel([0-5])\b|\bheading ([1-6])\b", re.IGNORECASE)
_SIGN = 0xE010
_SIGNED = re.compile(r"<p>((?:<[a-z]+>|\s)*)([\ue010-\ue015])(.*?)</p>", re.DOTALL)
_SIGNS = re.compile("[\ue010-\ue015]")


def prepared(data: bytes) -> bytes:
    """The file without running heads, pictures and comments; headings begin with a sign.

    :func:`with_headings` makes headings of the signs in what the reader makes of the file.
    """
    levels = _heading_levels(data)
    kept: list[bytes] = []
    depth = start = place = 0
    left_out_at = styles_at = 0
    while found := _TOKEN.search(data, place):
        token, word, value = found.group(), found.group(1), found.group(2)
        place = found.end()
        if token == b"{":
            depth += 1
            group = _GROUP.match(data, found.start())
            name = group.group(1) if group else b""
            if name == b"stylesheet":
                styles_at = depth
            elif not left_out_at and name in _LEFT_OUT:
                kept.append(data[start : found.start()])
                left_out_at = depth
        elif token == b"}":
            if depth == left_out_at:
                left_out_at, start = 0, place
            if depth == styles_at:
                styles_at = 0
            depth -= 1
        elif word == b"bin" and value:
            place += max(int(value), 0)
        elif left_out_at or styles_at:
            continue
        elif token == b"\\~":
            kept += [data[start : found.start()], b"\\'a0"]
            start = place
        elif (level := _level(word, value, levels)) is not None:
            kept += [data[start:place], b"{\\uc1\\u%d?}" % (_SIGN + level - 0x10000)]
            start = place
    if not left_out_at:
        kept.append(data[start:])
    return b"".join(kept)


def _level(word: bytes | None, value: bytes | None, levels: dict[bytes, int]) -> int | None:
    """The level from 0 of the heading that a control word begins."""
    if word == b"s" and value is not None:
        return levels.get(value)
    if word == b"outlinelevel" and value is not None and b"0" <= value <= b"5":
        return int(value)
    return None


def _heading_levels(data: bytes) -> dict[bytes, int]:
    """The levels of headings by the number of their style."""
    sheet = _STYLES.search(data)
    if sheet is None:
        return {}
    end = data.find(b"}}", sheet.end())
    levels = {}
    for style in _STYLE.finditer(data, sheet.end(), end if end >= 0 else len(data)):
        heading = _HEADING.search(style.group(2))
        if heading:
            outline, named = heading.groups()
            levels[style.group(1)] = int(outline) if outline else int(named) - 1
    return levels


def with_headings(html: str) -> str:
    """The reader's HTML, with the paragraphs that begin with a sign as headings."""

    def heading(found: re.Match[str]) -> str:
        level = ord(found.group(2)) - _SIGN + 1
        return f"<h{level}>{found.group(1)}{found.group(3)}</h{level}>"

    return _SIGNS.sub("", _SIGNED.sub(heading, html))
