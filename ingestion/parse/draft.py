"""A document while it is being read: text that grows clean, and marks that stay in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from knowledge.types import Mark, MarkKind, ParsedDocument

# Control characters, the byte order mark, invisible separators, lone surrogates, and the private
# use area but for its first two characters, which carry anchors through the HTML converter.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ue002-\uf8ff\ufff9-\uffff]"
)
_SIGN = re.compile("\ue000([^\ue000\ue001\n]*)\ue001")
_SIGN_CHARACTERS = re.compile("[\ue000\ue001]")
_SPACES = re.compile("[\xa0\u2000-\u200a\u202f\u205f\u3000]")
_LINE_ENDS = re.compile("\r\n?|\x85")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n)")
_BLANK_LINES = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """The text with plain line ends and spaces, and without characters that nobody can see."""
    return _clean(without_signs(text))


def _clean(text: str) -> str:
    text = _LINE_ENDS.sub("\n", text)
    text = _SPACES.sub(" ", _UNWANTED.sub("", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text))


def anchor_sign(anchor: str) -> str:
    """A sign to stand in front of a heading's words until :meth:`Draft.add` makes it a mark."""
    return f"\ue000{without_signs(anchor)}\ue001"


def without_signs(text: str) -> str:
    """The text without the two characters that signs are made of."""
    return _SIGN_CHARACTERS.sub("", text)


@dataclass(slots=True)
class Draft:
    """Collects a document. Parts are separated by a blank line, so each starts a new block.

    ``has_scripts``: a page that may show more where JavaScript runs. ``has_pictures``: pages that
    hold pictures and no text.
    """

    media_type: str
    title: str = ""
    language: str = ""
    modified_at: datetime | None = None
    has_scripts: bool = False
    has_pictures: bool = False
    warnings: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _length: int = 0
    _marks: list[Mark] = field(default_factory=list)

    def add(self, part: str, *, signed: bool = False) -> None:
        """Append a part; an empty one leaves no trace.

        ``signed``: the part carries signs of :func:`anchor_sign`, which become marks at the start
        of their lines. In any other part such characters are dropped.
        """
        part = (_clean(part) if signed else clean(part)).strip("\n")
        if not part.strip():
            return
        start = self._length + 2 if self._length else 0
        plain, removed = _SIGN.sub("", part), 0
        for sign in _SIGN.finditer(part):
            line = plain.rfind("\n", 0, sign.start() - removed) + 1
            self._marks.append(Mark(MarkKind.ANCHOR, start + line, sign.group(1)))
            removed += len(sign.group())
        plain = without_signs(plain)
        self._text.append("\n\n" + plain if self._length else plain)
        self._length = start + len(plain)

    def mark(self, kind: MarkKind, value: str) -> None:
        """Mark the place where the next part will begin."""
        self._marks.append(Mark(kind, self._length + 2 if self._length else 0, value))

    def finish(self) -> ParsedDocument:
        """The document. Marks past its end are dropped: nothing follows them."""
        text = "".join(self._text)
        return ParsedDocument(
            title=" ".join(clean(self.title).split())[:1000],
            text=text,
            media_type=self.media_type,
            marks=tuple(mark for mark in self._marks if mark.offset < len(text)),
            language=self.language,
            modified_at=self.modified_at,
            warnings=tuple(self.warnings),
        )
