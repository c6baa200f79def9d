"""The blocks of a Markdown text with their exact places, and cutting one that is too long."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from knowledge.types import Span

_CLOSERS = r"[\"'”’)\]»]*"
_SENTENCE_END = re.compile(rf"(?:(?<=[.!?…]){_CLOSERS}\s+|(?<=[。！？]){_CLOSERS}\s*)")
_LINE_END = re.compile(r"\n")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_ITEM_START = re.compile(r"\n(?=[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t])")
_SPACE = re.compile(r"\s+")
_LONGEST_HEADING = 500


class BlockKind(Enum):
    """What decides where a block may be cut."""

    TEXT = auto()
    HEADING = auto()
    LIST = auto()
    TABLE = auto()
    CODE = auto()


# Where a block of each kind is cut, best place first; the last resort is between two tokens.
_CUTS: dict[BlockKind, tuple[re.Pattern[str], ...]] = {
    BlockKind.TEXT: (_PARAGRAPH_END, _SENTENCE_END, _SPACE),
    BlockKind.HEADING: (_SPACE,),
    BlockKind.LIST: (_ITEM_START, _SENTENCE_END, _SPACE),
    BlockKind.TABLE: (_LINE_END, _SPACE),
    BlockKind.CODE: (_PARAGRAPH_END, _LINE_END, _SPACE),
}

_KINDS = {
    "heading_open": BlockKind.HEADING,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
}


@dataclass(frozen=True, slots=True)
class Block:
    """``start`` and ``end`` are offsets into the text; ``level`` and ``words`` for headings."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    words: str = ""


def _parser() -> MarkdownIt:
    # Only the block structure is needed. Link definitions leave no token, so the rule that reads
    # them is off: their text would belong to no block.
    return MarkdownIt("commonmark").enable("table").disable("reference")


_PARSER = _parser()


class _Outermost(StateBlock):
    """Keeps the outermost tokens alone: a table has three for every cell, of 400 bytes each."""

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        if token.level:
            self.tokens.pop()
        return token


def blocks(text: str) -> Iterator[Block]:
    """The top-level blocks of a text, in order, without the blank lines around them."""
    if not text:
        return
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    state = _Outermost(text, _PARSER, {}, [])
    _PARSER.block.tokenize(state, state.line, state.lineMax)
    for token in state.tokens:
        if token.map is not None and token.nesting >= 0:
            start, end = _trimmed(text, starts[token.map[0]], starts[token.map[1]])
            if start < end:
                yield _block(token.type, token.tag, text, start, end)


def _block(token: str, tag: str, text: str, start: int, end: int) -> Block:
    kind = _KINDS.get(token, BlockKind.TEXT)
    if kind is not BlockKind.HEADING:
        return Block(kind, start, end)
    if end - start > _LONGEST_HEADING:
        # Nobody's heading, but a text behind a "#": above passages it would be cut off.
        return Block(BlockKind.TEXT, start, end)
    lines = text[start:end].split("\n")
    if len(lines) > 1:
        # A heading of several lines is one that is underlined.
        lines = lines[:-1]
    words = " ".join(" ".join(lines).strip().strip("#").split()).replace("`", "")
    return Block(kind, start, end, level=int(tag[1]), words=words)


def _trimmed(text: str, start: int, end: int) -> Span:
    """The span without blank lines before it and without space after it."""
    end = min(end, len(text))
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start] == "\n":
        start += 1
    return start, end


def cut(text: str, block: Block, tokens: Sequence[Span], limit: int) -> Iterator[tuple[Span, int]]:
    """Pieces of a block with at most ``limit`` tokens each, and their numbers of tokens.

    ``tokens`` are the spans of the block's tokens, from its own start. Every character that is
    not space is in exactly one piece.
    """
    first = 0
    start = block.start
    starts = [block.start + span[0] for span in tokens]
    while first < len(starts):
        if len(starts) - first <= limit:
            stop, after = block.end, len(starts)
        else:
            last = starts[first + limit]
            stop = _best_cut(text, block.kind, start, last, starts[first + limit // 2])
            after = max(bisect_left(starts, stop), first + 1)
            stop = starts[after] if after < len(starts) else block.end
        span = _trimmed(text, start, stop)
        if span[0] < span[1]:
            yield span, after - first
        start, first = stop, after


def _best_cut(text: str, kind: BlockKind, start: int, last: int, middle: int) -> int:
    """The best place to cut in ``(middle, last]``; ``last`` where there is none."""
    for pattern in _CUTS[kind]:
        place = 0
        for match in pattern.finditer(text, max(start, middle), last):
            place = match.end()
        if place > start:
            return place
    return last
