"""A passage cut into the pieces that an answer can quote.

A piece is a sentence, a list item, a code block, a row of a table. What cannot stand alone says
so: a sentence that ends in a colon needs the block after it, a row needs its table's header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from sentencex import get_sentence_boundaries

from backend.chat.inline import readable
from knowledge.types import Span


class Kind(StrEnum):
    """What a piece is. A heading and a question are context for others, and are not quoted."""

    SENTENCE = "sentence"
    QUESTION = "question"
    ITEM = "item"
    CODE = "code"
    HEADER = "header"
    ROW = "row"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a passage that is quoted whole or not at all.

    ``text``: as an answer shows it. ``span``: where it stands in the passage. ``block`` numbers the
    paragraph, list, code or table that it belongs to. ``mark``: a list item's number or bullet,
    behind two spaces for each level that it is nested.
    """

    kind: Kind
    text: str
    span: Span
    block: int
    mark: str = ""

    @property
    def introduces(self) -> bool:
        """Whether it points at what follows and says little without it."""
        return self.text.rstrip("*_ ").endswith((":", "：")) and self.kind in (
            Kind.SENTENCE,
            Kind.ITEM,
        )

    @property
    def labels(self) -> bool:
        """Whether it names what follows, as the term of a definition does, and says nothing."""
        return (
            self.kind is Kind.SENTENCE
            and len(self.text) < _LABEL
            and not self.text.rstrip("*_`\"')]”’» ").endswith(_ENDS)
        )


_LABEL = 60
_ENDS = (".", "!", ":", "…", "。", "！", "：", "।", "۔", "॥")
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_MARKDOWN.core.ruler.disable("inline")
_INTERROGATIVE = re.compile(r"[?？؟;]\W*\Z")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{2,}")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w")


@lru_cache(maxsize=1024)
def pieces(text: str, language: str = "") -> tuple[Piece, ...]:
    """Cut a passage of Markdown into pieces, in the order of the text. Their spans are disjoint.

    ``language``: ISO 639-1, for the abbreviations that end in a full stop; English where unknown.
    """
    found: list[Piece] = []
    for leaf in _leaves(_MARKDOWN.parse(text), text):
        found.extend(_cut(leaf, text, language or "en"))
    return tuple(piece for piece in found if _says_something(piece))


def _says_something(piece: Piece) -> bool:
    if piece.kind in (Kind.SENTENCE, Kind.QUESTION, Kind.HEADING):
        return bool(_LETTER.search(piece.text))
    return bool(_WORD.search(piece.text))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A block without blocks in it. ``block`` numbers the outermost block that it stands in."""

    kind: Kind
    span: Span
    block: int
    mark: str = ""


_LEAVES = {
    "paragraph_open": Kind.SENTENCE,
    "html_block": Kind.SENTENCE,
    "heading_open": Kind.HEADING,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "table_open": Kind.ROW,
}


def _leaves(tokens: Sequence[Token], text: str) -> Iterator[_Leaf]:
    lines = _line_starts(text)
    lists: list[_Marks] = []
    block = -1
    mark = ""
    for token in tokens:
        block += token.level == 0 and token.nesting >= 0
        if token.type in ("ordered_list_open", "bullet_list_open"):
            lists.append(_Marks(token))
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            mark = "  " * (len(lists) - 1) + lists[-1].next()
        kind = _LEAVES.get(token.type)
        if kind is None or token.map is None:
            continue
        span = _lines_span(text, lines, token.map)
        if lists and kind is Kind.SENTENCE:
            yield _Leaf(Kind.ITEM, span, block, mark)
            mark = "  " * len(lists)
        else:
            yield _Leaf(kind, span, block)


class _Marks:
    """The marks of one list: numbers counted up from its first, as a reader sees them, or dashes.

    Sources often write ``1.`` before every item.
    """

    def __init__(self, token: Token) -> None:
        start = token.attrGet("start")
        self._ordered = token.type == "ordered_list_open"
        self._count = int(1 if start is None else start) - 1

    def next(self) -> str:
        """The mark of the next item."""
        self._count += 1
        return f"{self._count}." if self._ordered else "-"


def _cut(leaf: _Leaf, text: str, language: str) -> Iterator[Piece]:
    span = leaf.span
    if leaf.kind is Kind.ITEM:
        yield from _item(text, leaf)
    elif leaf.kind is Kind.CODE:
        yield Piece(leaf.kind, text[slice(*span)].strip("\n"), span, leaf.block)
    elif leaf.kind is Kind.ROW:
        yield from _rows(text, span, leaf.block)
    elif text.startswith("|", span[0]):
        yield from _headless_rows(text, span, leaf.block)
    elif leaf.kind is Kind.HEADING:
        title = readable(text[slice(*span)].strip("#=- \n")).text
        yield Piece(leaf.kind, title, span, leaf.block)
    else:
        yield from _sentences(text, span, leaf.block, language)


def _item(text: str, leaf: _Leaf) -> Iterator[Piece]:
    """One paragraph of a list item, without the bullet that the source writes before it."""
    start, end = leaf.span
    written = _BULLET.match(text, start, end)
    start = written.end() if written else start
    seen = readable(text[start:end])
    if seen.text:
        first, last = seen.source_span(0, len(seen.text))
        yield Piece(Kind.ITEM, seen.text, (start + first, start + last), leaf.block, leaf.mark)


_BULLET = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+(?:\[[ xX]\][ \t]+)?")


def _rows(text: str, span: Span, number: int) -> Iterator[Piece]:
    """A table line by line. The rule under the header belongs to the header."""
    at = span[0]
    lines = text[slice(*span)].splitlines(keepends=True)
    for index, line in enumerate(lines):
        end = at + len(line.rstrip("\n"))
        if index == 0 and len(lines) > 1:
            end += 1 + len(lines[1].rstrip("\n"))
            yield Piece(Kind.HEADER, text[at:end], (at, end), number)
        elif not (index == 1 and _TABLE_RULE.match(line)) and line.strip():
            yield Piece(Kind.ROW, line.strip(), (at, end), number)
        at += len(line)


def _headless_rows(text: str, span: Span, number: int) -> Iterator[Piece]:
    """Rows of a table whose header stands in an earlier passage: their cells as list items."""
    at = span[0]
    for line in text[slice(*span)].splitlines(keepends=True):
        end = at + len(line.rstrip("\n"))
        cells = (readable(cell).text for cell in line.strip().strip("|").split("|"))
        if not _TABLE_RULE.match(line):
            yield Piece(Kind.ITEM, " · ".join(filter(None, cells)), (at, end), number, "-")
        at += len(line)


def _sentences(text: str, span: Span, number: int, language: str) -> Iterator[Piece]:
    base = span[0]
    seen = readable(_unquoted(text[slice(*span)]))
    before = 0
    for start, end in sentence_spans(seen.text, language):
        first, last = seen.source_span(start, end)
        first, before = max(first, before), last
        sentence = seen.text[start:end]
        kind = Kind.QUESTION if _INTERROGATIVE.search(sentence) else Kind.SENTENCE
        yield Piece(kind, sentence, (base + first, base + last), number)


def sentence_spans(text: str, language: str = "en") -> list[Span]:
    """Spans of the sentences of readable text, without the white space between them."""
    cuts = [
        (int(found["start_index"]), int(found["end_index"]))
        for found in get_sentence_boundaries(language or "en", text)
    ]
    joined: list[Span] = []
    for start, end in cuts:
        if joined and _belongs_together(text, joined[-1], (start, end)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    trimmed = (_trim(text, *span) for span in joined)
    return [(start, end) for start, end in trimmed if start < end]


_UNFINISHED = re.compile(
    r"(?:\b(?:approx|sec|fig|no|ca|min|max|est|dept|incl|excl)\.|\s\d{1,2}\.|^\W*\w{1,3}\.)\s*\Z",
    re.IGNORECASE,
)


def _belongs_together(text: str, before: Span, after: Span) -> bool:
    """Whether a boundary falls inside a code span, or after an abbreviation."""
    head, tail = text[slice(*before)], text[slice(*after)]
    if head.count("`") % 2 == 1 and "`" in tail:
        return True
    return bool(_UNFINISHED.search(head)) and tail.lstrip()[:1].isdigit()


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


_QUOTE_MARK = re.compile(r"^[ \t]{0,3}>[ \t]?", re.MULTILINE)


def _unquoted(source: str) -> str:
    """The text of a block quote with its marks blanked, so that offsets stay."""
    return _QUOTE_MARK.sub(lambda mark: " " * len(mark.group()), source)


def _line_starts(text: str) -> list[int]:
    """Offsets of all lines, and of the end, as markdown-it counts lines."""
    starts = [0]
    starts.extend(found.end() for found in re.finditer(r"\r\n|\n|\r", text))
    if starts[-1] != len(text):
        starts.append(len(text))
    return starts


def _lines_span(text: str, lines: Sequence[int], lines_map: Sequence[int]) -> Span:
    first, last = lines_map
    start, end = lines[min(first, len(lines) - 1)], lines[min(last, len(lines) - 1)]
    while end > start and text[end - 1] in "\r\n \t":
        end -= 1
    return start, end
