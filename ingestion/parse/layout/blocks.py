"""Lines to the blocks of a document: headings, paragraphs, lists, code and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingestion.parse.layout.lines import Line, join
from ingestion.parse.rows import markdown_table

_BULLET = re.compile("^(?:[•◦▪▫●○■□‣⁃∙◆◇►▶➢➤✓✔❖–—-]|o(?= [A-Z]))\\s+(?=\\S)")
_NUMBERED = re.compile(r"^(?:\d{1,3}[.)]|\(\d{1,3}\)|[a-zA-Z][.)]|\([a-z]\))\s+\S")
_LEADER = re.compile(r"(?:\. ?){4,}")
_LEADERS = re.compile(r"[ ]?(?:\. ?){4,}")
_ENDED = re.compile(r"[.!?:;…。！？][\"'”’)\]»]*\Z")
_LONGEST_HEADING = 160
_LARGER = 1.12
_MOST_LEVELS = 4
_ALIKE = 0.08
"""Of their height: by how much letters of one size differ, from one font to another."""

_USUAL = 1.1
_FEW = 3


@dataclass(frozen=True, slots=True)
class Style:
    """What is usual in a document: the height of its ``body`` text, and those of its headings.

    ``known``: words that carry a hyphen within a line. ``outline``: the bookmarks of a page, with
    their level from 1, by their letters. ``is_mono``: all of it is in letters of one width.
    """

    body: float
    headings: tuple[float, ...]
    known: set[str]
    outline: dict[int, dict[str, int]]
    is_mono: bool

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]], outline: dict[int, dict[str, int]]) -> Style:
        """The style of a document, from all its lines."""
        letters: Counter[float] = Counter()
        short: Counter[float] = Counter()
        mono = 0
        known: set[str] = set()
        for lines in pages:
            for line in lines:
                size = _rounded(line.height)
                letters[size] += len(line.text)
                mono += len(line.text) if line.mono else 0
                if len(line.text) <= _LONGEST_HEADING and any(map(str.isalpha, line.text)):
                    short[size] += 1
                known.update(w.lower() for w in re.findall(r"[^\W\d_]+-[^\W\d_]+", line.text))
        body = letters.most_common(1)[0][0] if letters else 0.0
        sizes = sorted((size for size in short if size > body * _LARGER), reverse=True)
        is_mono = mono > 0.6 * sum(letters.values())
        return cls(body, _grouped(sizes), known, outline, is_mono)

    def level(self, line: Line) -> int:
        """The level of a heading by the height of its letters; 0 for what is none."""
        size = line.height
        if size <= self.body * _LARGER:
            return 0
        return 1 + sum(size < heading * 0.96 for heading in self.headings[: _MOST_LEVELS - 1])


def _rounded(height: float) -> float:
    return round(height * 4) / 4


def _grouped(sizes: Sequence[float]) -> tuple[float, ...]:
    """Sizes from the largest down, those that hardly differ as one."""
    groups: list[float] = []
    for size in sizes:
        if not groups or size < groups[-1] * 0.96:
            groups.append(size)
    return tuple(groups)


def letters_of(text: str) -> str:
    """A text by its letters and figures alone, for comparing."""
    return "".join(filter(str.isalnum, text)).lower()


def blocks_of(parts: Sequence[Line], style: Style, page: int) -> Iterator[str]:
    """The Markdown of a column's parts, block by block."""
    lines: list[Line] = []
    for part in parts:
        if not part.rows:
            lines.append(part)
            continue
        yield from _paragraphs(lines, style, page)
        lines = []
        yield markdown_table([row for row in part.rows if any(row)])
    yield from _paragraphs(lines, style, page)


def _paragraphs(lines: Sequence[Line], style: Style, page: int) -> Iterator[str]:
    if not lines:
        return
    right = sorted(line.box.right for line in lines)[int(len(lines) * 0.9)]
    leading = {size: _leading(lines, size) for size in {line.height for line in lines}}
    group: list[Line] = []
    for line in lines:
        if group and _begins(group, line, style, right, leading):
            yield from _block(group, style, page)
            group = []
        group.append(line)
    yield from _block(group, style, page)


def _leading(lines: Sequence[Line], size: float) -> float:
    """From one line to the next, usually, where both are about of a size."""
    steps = [
        (above.height, below.letters.middle - above.letters.middle)
        for above, below in pairwise(lines)
        if abs(above.height - below.height) < _ALIKE * above.height
    ]
    near = [(height, step) for height, step in steps if 0 < step < 3 * height]
    same = [step for height, step in near if abs(height - size) < _ALIKE * size]
    if len(same) >= _FEW:
        return median(same)
    return median(step / height for height, step in near) * size if near else _USUAL * size


def _begins(
    group: list[Line], line: Line, style: Style, right: float, leading: dict[float, float]
) -> bool:
    """Whether a line begins a new block after those of a group."""
    last = group[-1]
    size = last.height
    step = line.letters.middle - last.letters.middle
    if step < -size or last.is_row or line.is_row:
        return True
    if abs(line.height - size) > _ALIKE * max(size, line.height) and not _is_small(line, last):
        return True
    if last.mono and line.mono and not style.is_mono:
        return step > 2.5 * size
    if last.mono != line.mono and (last.mono or line.mono) and not style.is_mono:
        return True
    usual = min(max(leading[size], 0.9 * size), 2.2 * size)
    if style.level(last) and style.level(line):
        return step > 1.6 * size
    if step > max(1.28 * usual, 1.15 * size):
        return True
    if _BULLET.match(line.text) or _NUMBERED.match(line.text) or _LEADER.search(last.text):
        return True
    if (last.bold, last.slanted) != (line.bold, line.slanted):
        # Emphasis may end within a sentence, but not where its line ends early.
        return last.box.right < right - 2 * size or bool(_ENDED.search(last.text))
    if _BULLET.match(group[0].text) or _NUMBERED.match(group[0].text):
        return line.box.left < group[0].box.left + 0.3 * size
    return _is_last(last, line, right, size) or _is_outdented(group, line, size)


def _is_small(line: Line, last: Line) -> bool:
    """Whether either is nothing but a raised or lowered sign, and says nothing of the text."""
    return min(len(line.text), len(last.text)) <= 3


def _is_last(last: Line, line: Line, right: float, size: float) -> bool:
    """Whether a line ends its paragraph: it ends early, and its sentence ends with it."""
    if line.is_right_to_left:
        return bool(_ENDED.search(last.text)) and last.box.left > line.box.left + 2 * size
    early = last.box.right < right - 2 * size
    indented = line.box.left > last.box.left + 0.7 * size
    ended = bool(_ENDED.search(last.text))
    return (early and ended) or (indented and (early or ended))


def _is_outdented(group: list[Line], line: Line, size: float) -> bool:
    if line.is_right_to_left:
        return False
    return len(group) > 1 and line.box.left < group[-1].box.left - 0.7 * size


def _block(group: list[Line], style: Style, page: int) -> Iterator[str]:
    if not group:
        return
    if all(line.mono for line in group) and len(group) > 1 and not style.is_mono:
        yield _code(group)
        return
    text, spaced = "", True
    hyphenated = False
    for line in group:
        text = join(text, line.text, hyphenated=hyphenated, spaced=spaced, known=style.known)
        hyphenated, spaced = line.hyphenated, line.words[-1].space_after
    text = text.strip()
    level = _heading_level(group, text, style, page)
    if not any(map(str.isalnum, text)):
        return
    if _LEADER.search(text):
        # A line of a table of contents.
        yield "- " + _LEADERS.sub(" ", text)
    elif level:
        yield f"{'#' * level} {text}"
    else:
        yield _BULLET.sub("- ", text)


def _heading_level(group: list[Line], text: str, style: Style, page: int) -> int:
    if len(text) > _LONGEST_HEADING or not any(map(str.isalpha, text)):
        return 0
    if group[0].is_row:
        return 0
    marked = style.outline.get(page, {}).get(letters_of(text), 0)
    by_size = style.level(group[0])
    if by_size:
        return by_size if not _BULLET.match(text) else 0
    bold = all(line.bold for line in group) and len(group) <= 2
    stands_out = bold and 2 < len(text) <= 90 and not re.search(r"[.,;:!?]\Z", text)
    if marked or stands_out:
        return min(len(style.headings), _MOST_LEVELS - 1) + max(marked, 1)
    return 0


def _code(group: list[Line]) -> str:
    """Lines of code, with the indentation that they have on the page."""
    left = min(line.box.left for line in group)
    widths = [word.box.width / len(word.text) for line in group for word in line.words]
    width = median(widths) or 1.0
    lines = [" " * round((line.box.left - left) / width) + line.text for line in group]
    return "\n".join(["```", *lines, "```"])
