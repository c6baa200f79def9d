"""Markdown inside a line or paragraph: what a reader sees of it, and where that stands.

Links keep their words, pictures go, emphasis and HTML tags lose their marks, code keeps its
backticks, because they show where a command or a name begins and ends.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from knowledge.types import Span

_TOKEN = re.compile(
    r"""
      (?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<image>!\[[^\]\n]*\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+"[^"]*")?\)|\[[^\]]*\]))
    | (?P<footnote>\[\^[^\]\s]+\])
    | \[(?P<link>(?:[^\[\]]|\[[^\[\]]*\])*)\]
      (?:\(<?[^()\s]*(?:\([^()\s]*\)[^()\s]*)*>?(?:\s+(?:"[^"]*"|'[^']*'))?\)|\[[^\]\n]*\])
    | <(?P<autolink>https?://[^\s<>]+)>
    | (?P<tag></?[A-Za-z][^<>\n]*>|<!--.*?-->)
    | (?P<emphasis>(?<=\S)\*{1,3}|\*{1,3}(?=\S)|~~|(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w))
    | \\(?P<escaped>[!-/:-@\[-`{-~])
    | (?P<entity>&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.DOTALL,
)
_RUN = re.compile(r"\S+")
_CLOSING = re.compile(r"\*{1,3}|~~|_{1,3}(?!\w)|\]\([^()\n]*\)|\]\[[^\]\n]*\]|</[A-Za-z]+>")
_OPENING = re.compile(r"(?:\*{1,3}|~~|(?<!\w)_{1,3}|(?<!\])\[|<[A-Za-z]+>)\Z")


@dataclass(frozen=True, slots=True)
class Readable:
    """Markdown as a reader sees it. ``origin[i]`` is where character ``i`` of ``text`` stands.

    ``source`` is the Markdown; offsets in ``origin`` ascend.
    """

    text: str
    origin: tuple[int, ...]
    source: str

    def source_span(self, start: int, end: int) -> Span:
        """The span of the Markdown behind ``text[start:end]``, with the marks that belong to it."""
        first, last = self.origin[start], self.origin[end - 1] + 1
        while found := _OPENING.search(self.source, max(0, first - 12), first):
            first = found.start()
        while closing := _CLOSING.match(self.source, last):
            last = closing.end()
        return first, last


def readable(source: str) -> Readable:
    """What a reader sees of inline Markdown; runs of white space become one space."""
    characters: list[str] = []
    origin: list[int] = []
    _read(source, 0, characters, origin)
    start = 0
    end = len(characters)
    while start < end and characters[start] == " ":
        start += 1
    while end > start and characters[end - 1] == " ":
        end -= 1
    return Readable("".join(characters[start:end]), tuple(origin[start:end]), source)


def _read(source: str, base: int, characters: list[str], origin: list[int]) -> None:
    """Append what is seen of ``source``, which begins at ``base``."""
    at = 0
    for token in _TOKEN.finditer(source):
        _keep(source[at : token.start()], base + at, characters, origin)
        kind = token.lastgroup
        if token.group("link") is not None:
            _read(token.group("link"), base + token.start("link"), characters, origin)
        elif kind in ("code", "ticks"):
            _keep_code(token, base, characters, origin)
        elif kind in ("autolink", "escaped"):
            _keep(token.group(kind), base + token.start(kind), characters, origin)
        elif kind == "entity":
            for character in html.unescape(token.group()):
                characters.append(" " if character.isspace() else character)
                origin.append(base + token.start())
        elif kind == "space" and (not characters or characters[-1] != " "):
            characters.append(" ")
            origin.append(base + token.start())
        at = token.end()
    _keep(source[at:], base + at, characters, origin)


def _keep_code(token: re.Match[str], base: int, characters: list[str], origin: list[int]) -> None:
    """Code with its backticks; runs of white space in it become one space, at its ends none."""
    ticks = token.group("ticks")
    code = token.group()[len(ticks) : -len(ticks)]
    start = token.start() + len(ticks)
    _keep(ticks, base + token.start(), characters, origin)
    for number, word in enumerate(_RUN.finditer(code)):
        if number:
            _keep(" ", base + start + word.start() - 1, characters, origin)
        _keep(word.group(), base + start + word.start(), characters, origin)
    _keep(ticks, base + token.end() - len(ticks), characters, origin)


def _keep(text: str, base: int, characters: list[str], origin: list[int]) -> None:
    characters.extend(text)
    origin.extend(range(base, base + len(text)))
