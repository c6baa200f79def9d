"""A document's text to passages: whole blocks, packed up to a number of tokens.

A chunk never crosses a heading, but for sections that are too small to stand alone. Its text is
always a slice of the document's, so that a citation can point at characters.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ingestion.blocks import Block, BlockKind, blocks, cut
from knowledge.passage_text import PassageContext, passage_prefix
from knowledge.types import Chunk, Mark, MarkKind, ParsedDocument, Span

SPECIAL_TOKENS = 2
_LONGEST_REPEATED = 300
_TINY = 24
_CHARACTERS_PER_TOKEN = 20
_READ_AT_ONCE = 1 << 16
"""Characters that are cut into tokens in one go: each token takes a hundred bytes and more."""


class TokenCounter(Protocol):
    """The part of ``Encoder`` that packing needs."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in tokens."""
        ...

    def token_spans(self, text: str) -> list[Span]:
        """The character span of each token."""
        ...


def passage_text(title: str, chunk: Chunk, context: PassageContext = "title+headings") -> str:
    """The text that a chunk is encoded with: where it stands, a repeated header, its own text.

    It ends with the chunk's text, so an offset in it is one in the chunk's text after subtracting
    the difference of the lengths.
    """
    return passage_prefix(title, chunk.heading, chunk.repeated, context) + chunk.text


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    words: str
    start: int


@dataclass(slots=True)
class _Passage:
    """A chunk in the making. ``opens`` is where it starts with its section's heading line."""

    start: int
    end: int
    tokens: int
    headings: tuple[_Heading, ...]
    opens: int
    repeated: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(heading.words for heading in self.headings)


@dataclass(slots=True)
class _Section:
    """Blocks under one path of headings. ``opens``: the start of its heading line or text."""

    headings: tuple[_Heading, ...]
    opens: int
    blocks: list[Block] = field(default_factory=list)


class Chunker:
    """Packs blocks to about ``target`` tokens, with ``longest`` as the limit that always holds.

    ``longest`` counts everything that is encoded: special tokens, the prefix, the text.
    """

    def __init__(
        self,
        tokens: TokenCounter,
        target: int = 200,
        longest: int = 256,
        context: PassageContext = "title+headings",
    ) -> None:
        self._tokens = tokens
        self._context = context
        self._target = min(target, longest)
        self._longest = longest

    def chunks(self, document: ParsedDocument) -> list[Chunk]:
        """The document's passages in order; every word of it is in one."""
        passages: list[_Passage] = []
        for section in _sections(document.text):
            for passage in self._pack(document, section):
                joined = passages and self._with_neighbour(document, passages[-1], passage)
                if joined:
                    passages[-1] = joined
                else:
                    passages.append(passage)
        places = _Places(document.marks)
        return [
            Chunk(
                ordinal=ordinal,
                text=document.text[passage.start : passage.end],
                span=(passage.start, passage.end),
                heading=passage.path,
                repeated=passage.repeated,
                page=places.page(passage.start),
                seconds=places.seconds(passage.start),
                anchor=places.anchor(passage.start, passage.headings),
            )
            for ordinal, passage in enumerate(passages)
        ]

    def _room(self, title: str, headings: tuple[_Heading, ...]) -> int:
        """Tokens that are left for text beside a prefix."""
        words = tuple(heading.words for heading in headings)
        prefix = passage_prefix(title, words, "", self._context)
        return max(self._longest - SPECIAL_TOKENS - self._count(prefix), 1)

    def _count(self, text: str) -> int:
        return self._tokens.count_tokens([text])[0]

    def _pack(self, document: ParsedDocument, section: _Section) -> Iterator[_Passage]:
        room = self._room(document.title, section.headings)
        target = min(self._target, room)
        current: _Passage | None = None
        opens = section.opens
        for piece in self._pieces(document.text, section, target, room):
            piece.opens = opens if current is None and opens < piece.start else piece.start
            if current is None:
                current = piece
            elif (
                not piece.repeated and not current.repeated and _fits(current, piece, target, room)
            ):
                current = _joined(current, piece)
            else:
                yield current
                current = piece
        if current is not None:
            yield current

    def _pieces(self, text: str, section: _Section, target: int, room: int) -> Iterator[_Passage]:
        most = max(target, room) * _CHARACTERS_PER_TOKEN
        for block, count in self._counted(text, section.blocks, most):
            whole = room if block.kind in (BlockKind.CODE, BlockKind.TABLE) else target
            if (
                count is not None
                and count <= whole
                and block.end - block.start <= whole * _CHARACTERS_PER_TOKEN
            ):
                yield _Passage(block.start, block.end, count, section.headings, block.start)
                continue
            header, header_tokens = self._header(text, block, room)
            limit = max(target - header_tokens, 1)
            for (start, end), size in self._cut(text, block, limit):
                repeated = header if start > block.start else ""
                yield _Passage(start, end, size, section.headings, start, repeated)

    def _counted(
        self, text: str, found: Sequence[Block], most: int
    ) -> Iterator[tuple[Block, int | None]]:
        """The blocks with their tokens; ``None`` for one of more than ``most`` characters."""
        group: list[Block] = []
        length = 0
        for block in found:
            size = block.end - block.start
            if group and length + min(size, most) > _READ_AT_ONCE:
                yield from self._count_group(text, group, most)
                group, length = [], 0
            group.append(block)
            length += min(size, most)
        yield from self._count_group(text, group, most)

    def _count_group(
        self, text: str, group: Sequence[Block], most: int
    ) -> Iterator[tuple[Block, int | None]]:
        texts = [text[b.start : b.end] for b in group if b.end - b.start <= most]
        counts = iter(self._tokens.count_tokens(texts))
        for block in group:
            yield block, next(counts) if block.end - block.start <= most else None

    def _cut(self, text: str, block: Block, limit: int) -> Iterator[tuple[Span, int]]:
        """Pieces of a block of any length, as :func:`cut` makes them, read a part at a time."""
        start = block.start
        while start < block.end:
            end = _end_of_part(text, start, block.end)
            spans = _short(self._tokens.token_spans(text[start:end]))
            pieces = list(cut(text, replace(block, start=start, end=end), spans, limit))
            start = end
            if end < block.end and len(pieces) > 1:
                # The last one may go on in the next part.
                (start, _), _ = pieces.pop()
            yield from pieces

    def _header(self, text: str, block: Block, room: int) -> tuple[str, int]:
        """The header row that a long table repeats, and its tokens."""
        header = text[block.start : block.start + _LONGEST_REPEATED + 1].split("\n", 1)[0]
        if block.kind is not BlockKind.TABLE or len(header) > _LONGEST_REPEATED:
            return "", 0
        count = self._count(header)
        return (header, count) if count <= room // 2 else ("", 0)

    def _with_neighbour(
        self, document: ParsedDocument, before: _Passage, passage: _Passage
    ) -> _Passage | None:
        """Both as one where one of them is too small to be found on its own."""
        if before.repeated or passage.repeated or min(before.tokens, passage.tokens) >= _TINY:
            return None
        joined = _joined(before, passage)
        if len(joined.headings) < len(before.headings) - 1 or joined.tokens > self._target:
            return None
        # Heading lines that become text were not counted so far.
        joined.tokens = self._count(document.text[joined.start : joined.end])
        room = self._room(document.title, joined.headings)
        return joined if joined.tokens <= min(self._target, room) else None


def _end_of_part(text: str, start: int, end: int) -> int:
    """Where to stop reading: between two words, where there are any."""
    if end - start <= _READ_AT_ONCE:
        return end
    last = start + _READ_AT_ONCE
    space = max(text.rfind(" ", start, last), text.rfind("\n", start, last))
    return space if space > start else last


def _short(tokens: list[Span]) -> list[Span]:
    """The tokens, with one of great length in parts.

    Tokenizers make one unknown token of any endless word; a passage must stay short even so.
    """
    return [
        (start, min(start + _CHARACTERS_PER_TOKEN, last))
        for first, last in tokens
        for start in range(first, max(last, first + 1), _CHARACTERS_PER_TOKEN)
    ]


def _fits(current: _Passage, piece: _Passage, target: int, room: int) -> bool:
    together = current.tokens + piece.tokens
    tiny = min(current.tokens, piece.tokens) < _TINY
    return together <= target or (tiny and together <= room)


def _joined(before: _Passage, after: _Passage) -> _Passage:
    """Both as one; a heading that holds for one of them alone becomes part of the text."""
    common = _common(before.headings, after.headings)
    start = before.start if common == before.headings else before.opens
    return _Passage(start, after.end, before.tokens + after.tokens, common, before.opens)


def _common(one: tuple[_Heading, ...], other: tuple[_Heading, ...]) -> tuple[_Heading, ...]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _sections(text: str) -> Iterator[_Section]:
    """The text by headings. A heading that nothing follows is itself the text of its section."""
    section = _Section((), 0)
    heading: Block | None = None
    for block in blocks(text):
        if block.kind is not BlockKind.HEADING:
            section.blocks.append(block)
            heading = None
            continue
        if heading is not None and block.level <= heading.level:
            section.blocks.append(heading)
        if section.blocks:
            yield section
        above = tuple(h for h in section.headings if h.level < block.level)
        here = _Heading(block.level, block.words, block.start)
        section = _Section((*above, here), block.start)
        heading = block
    if heading is not None:
        section.blocks.append(heading)
    if section.blocks:
        yield section


class _Places:
    """Which page, second and anchor an offset of a document has."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._marks = {
            kind: sorted((mark for mark in marks if mark.kind is kind), key=lambda m: m.offset)
            for kind in MarkKind
        }
        self._offsets = {
            kind: [mark.offset for mark in of_kind] for kind, of_kind in self._marks.items()
        }

    def page(self, offset: int) -> int | None:
        mark = self._last(MarkKind.PAGE, offset)
        return int(mark.value) if mark else None

    def seconds(self, offset: int) -> float | None:
        mark = self._last(MarkKind.TIME, offset)
        return float(mark.value) if mark else None

    def anchor(self, offset: int, headings: tuple[_Heading, ...]) -> str | None:
        """The last anchor of the innermost heading's text so far, else the nearest heading's own.

        An anchor further up in the text of a heading above belongs to a neighbour.
        """
        until = offset
        for heading in reversed(headings):
            mark = self._last(MarkKind.ANCHOR, until)
            if mark is not None and mark.offset >= heading.start:
                return mark.value
            above = headings[: headings.index(heading)]
            until = above[-1].start if above else 0
        return None

    def _last(self, kind: MarkKind, offset: int) -> Mark | None:
        place = bisect_right(self._offsets[kind], offset)
        return self._marks[kind][place - 1] if place else None
