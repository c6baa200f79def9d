"""Words to lines, and lines to the order in which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from statistics import median

from ingestion.parse.layout.words import Box, Word

_LATIN_END = re.compile(r"[^\W\d_]-\Z")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_GAP = 1.0
"""The widest gap within a line, as a share of its height; what is further apart stands apart."""

_SPACE = 0.1
_BIN = 3.0
_LEAST_LINES = 4
_NARROWEST = 0.12
_FEW = 0.4
"""The share of lines, of those side by side, that may cross from one column to the other."""

_PROSE = 0.45
_LETTERS_OF_PROSE = 14


@dataclass(slots=True)
class Line:
    """Words that stand beside one another without a wide gap, or a table with its ``rows``."""

    words: list[Word]
    box: Box
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    is_row: bool = False
    """Whether it is put together from parts that stand apart."""

    letters: Box = field(init=False)
    """The place of a word that is as high as most of its letters are, whatever else is in it."""

    def __post_init__(self) -> None:
        by_height = sorted(self.words, key=lambda word: word.box.height)
        half = sum(len(word.text) for word in self.words) / 2
        upto = accumulate(len(word.text) for word in by_height)
        middle = (w.box for w, letters in zip(by_height, upto, strict=True) if letters >= half)
        self.letters = next(middle, self.box)

    @classmethod
    def of(cls, words: list[Word]) -> Line:
        """The line of some words, which are in reading order where they are read from the left."""
        if sum(word.is_right_to_left for word in words) * 2 > len(words):
            words = _from_the_right(words)
        box = words[0].box
        for word in words[1:]:
            box = box.over(word.box)
        return cls(words, box, _text(words))

    @property
    def height(self) -> float:
        """How high most of its letters are."""
        return self.letters.height

    @property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(word.bold for word in self.words)

    @property
    def slanted(self) -> bool:
        """Whether all of it is in italics."""
        return all(word.slanted for word in self.words)

    @property
    def mono(self) -> bool:
        """Whether all of it is in letters of one width."""
        return all(word.mono for word in self.words)

    @property
    def is_right_to_left(self) -> bool:
        """Whether it is read from the right."""
        return sum(word.is_right_to_left for word in self.words) * 2 > len(self.words)

    @property
    def hyphenated(self) -> bool:
        """Whether its last word goes on in the next line."""
        return self.words[-1].hyphenated


def _from_the_right(words: Sequence[Word]) -> list[Word]:
    """The words in reading order by where they stand; names and figures among them go rightwards.

    What stands without a gap is one word, whatever the file says.
    """
    ordered: list[Word] = []
    rightwards: list[Word] = []
    for word in sorted(words, key=lambda word: -word.box.right):
        if word.is_right_to_left:
            ordered += [*reversed(rightwards), word]
            rightwards = []
        else:
            rightwards.append(word)
    ordered += reversed(rightwards)
    result = [replace(ordered[0], ends_line=False)]
    for before, word in pairwise(ordered):
        gap = max(before.box.left - word.box.right, word.box.left - before.box.right)
        apart = gap > _SPACE * max(before.box.height, word.box.height)
        result.append(replace(word, spaced=apart, ends_line=False))
    return result


def _text(words: Sequence[Word]) -> str:
    parts = [words[0].text]
    for before, word in pairwise(words):
        parts.append(" " + word.text if word.spaced or before.ends_line else word.text)
    return "".join(parts)


def lines_of(words: Iterable[Word]) -> list[Line]:
    """The lines of words in the order of the file; columns and cells beside each other apart."""
    lines: list[list[Word]] = []
    boxes: list[Box] = []
    for word in words:
        if lines and _continues(boxes[-1], lines[-1][-1], word):
            lines[-1].append(word)
            boxes[-1] = boxes[-1].over(word.box)
        else:
            lines.append([word])
            boxes.append(word.box)
    return _joined([Line.of(line) for line in lines])


def _continues(line: Box, last: Word, word: Word) -> bool:
    if last.turned != word.turned:
        return False
    if last.hyphenated:
        return False
    higher = max(last.box.height, word.box.height)
    gap = max(word.box.left - last.box.right, last.box.left - word.box.right)
    if word.is_right_to_left or last.is_right_to_left:
        # Figures and names within such a line stand the other way round.
        return not last.ends_line and _same_row(line, word.box)
    return _same_row(last.box, word.box) and -0.6 * higher < gap <= _GAP * higher


def _same_row(one: Box, other: Box) -> bool:
    lower, higher = sorted((one, other), key=lambda box: box.height)
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    if lower.height < 0.85 * higher.height:
        return common > 0.4 * lower.height
    return common > 0.6 * lower.height


def _joined(lines: list[Line]) -> list[Line]:
    """Lines that touch as one: raised and lowered letters are often written out of turn."""
    lines.sort(key=lambda line: (round(line.box.middle / 2), line.box.left))
    result: list[Line] = []
    for line in lines:
        for other in reversed(result[-6:]):
            if _touches(other, line):
                words = sorted(other.words + line.words, key=lambda word: word.box.left)
                result[result.index(other)] = Line.of(words)
                break
        else:
            result.append(line)
    return result


def _touches(one: Line, other: Line) -> bool:
    if any(word.is_right_to_left or word.turned for word in (one.words[0], other.words[0])):
        return False
    left, right = sorted((one.box, other.box), key=lambda box: box.left)
    gap = right.left - left.right
    return _same_row(one.box, other.box) and -2 < gap < 0.35 * max(one.box.height, other.box.height)


def join(before: str, after: str, *, hyphenated: bool, spaced: bool, known: set[str]) -> str:
    """Two lines as one text. ``known``: words with a hyphen that stand within a line."""
    if not before:
        return after
    if hyphenated or _LATIN_END.search(before):
        stem = before.removesuffix("-")
        first = re.match(r"[^\W\d_]+", after)
        last = re.search(r"[\w-]+\Z", stem)
        if first and last and first.group()[0].islower() and stem[-1:].isalpha():
            whole = f"{last.group()}-{first.group()}".lower()
            return f"{stem}-{after}" if whole in known else stem + after
        if stem != before or hyphenated:
            return f"{stem}-{after}"
    if _WIDE.match(before[-1]) and _WIDE.match(after[0]):
        return before + after
    if _HANGUL.match(before[-1]) and _HANGUL.match(after[0]) and not spaced:
        return before + after
    return f"{before} {after}"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a page that is read from top to bottom."""

    lines: tuple[Line, ...]
    box: Box


def regions(lines: Sequence[Line]) -> list[Region]:
    """The parts of a page in reading order: its columns, and what spans them."""
    if not lines:
        return []
    box = _around(lines)
    gutter = _gutter(lines, box)
    if gutter is None:
        return [Region(tuple(sorted(lines, key=lambda line: line.box.middle)), box)]
    sides = _sides(lines, gutter)
    across = sorted((n for n in lines if _crosses(n, gutter)), key=lambda line: line.box.middle)
    found: list[Region] = []
    for above, below in _bands(across):
        band = [[n for n in side if above <= n.box.middle < below] for side in sides]
        beneath = _beneath(band)
        for side in band:
            found += regions([line for line in side if not any(line is one for one in beneath)])
        found += regions(beneath)
        spanning = [line for line in across if line.box.middle == below]
        if spanning:
            found.append(Region(tuple(spanning), _around(spanning)))
    return _merged(found)


def _sides(lines: Sequence[Line], gutter: float) -> list[list[Line]]:
    """The lines before and behind a gutter, in the order in which the sides are read."""
    left = [line for line in lines if line.box.right <= gutter + 1]
    right = [line for line in lines if line.box.left >= gutter - 1]
    turned_round = sum(line.is_right_to_left for line in lines) * 2 > len(lines)
    return [right, left] if turned_round else [left, right]


def _beneath(band: Sequence[list[Line]]) -> list[Line]:
    """What stands below two columns at the side of one of them, and is no part of it.

    A column may be longer than the other: its lines are as wide below as they are above.
    """
    if not all(band):
        return []
    shorter, longer = sorted(band, key=lambda side: max(line.box.bottom for line in side))
    end = max(line.box.bottom for line in shorter)
    longer = sorted(longer, key=lambda line: line.box.middle)
    below = [
        line
        for before, line in pairwise(longer)
        if line.box.top > max(end, before.box.bottom + 0.5 * before.height)
    ]
    below = [line for line in longer if below and line.box.top >= below[0].box.top]
    above = [line.box.width for line in longer if line.box.top <= end - 1]
    if not below or not above:
        return []
    usual = sorted(above)[int(len(above) * 0.9)]
    wide = sum(line.box.width > 0.75 * usual for line in below)
    return below if wide < 0.5 * len(below) else []


def _bands(across: Sequence[Line]) -> list[tuple[float, float]]:
    edges = [float("-inf"), *sorted({line.box.middle for line in across}), float("inf")]
    return list(pairwise(edges))


def _merged(found: list[Region]) -> list[Region]:
    """Regions that follow one another in one column as one: a band may hold a single line."""
    result: list[Region] = []
    for region in found:
        if result and _in_one_column(result[-1], region):
            lines = (*result.pop().lines, *region.lines)
            result.append(Region(lines, _around(lines)))
        else:
            result.append(region)
    return result


def _in_one_column(above: Region, below: Region) -> bool:
    common = min(above.box.right, below.box.right) - max(above.box.left, below.box.left)
    return (
        below.box.top >= above.box.top
        and below.box.middle > above.box.middle
        and common > 0.8 * max(above.box.width, below.box.width)
    )


def _around(lines: Sequence[Line]) -> Box:
    box = lines[0].box
    for line in lines[1:]:
        box = box.over(line.box)
    return box


def _crosses(line: Line, gutter: float) -> bool:
    return line.box.left < gutter - 1 and line.box.right > gutter + 1


def _gutter(lines: Sequence[Line], box: Box) -> float | None:
    """Where prose stands in two columns, the line between them."""
    if len(lines) < 2 * _LEAST_LINES or box.width <= 0:
        return None
    count = int(box.width / _BIN) + 1
    covered = [0] * count
    for line in lines:
        first = max(int((line.box.left - box.left) / _BIN), 0)
        for place in range(first, min(int((line.box.right - box.left) / _BIN) + 1, count)):
            covered[place] += 1
    margin = max(int(count * _NARROWEST), 1)
    inner = range(margin, count - margin)
    if not inner:
        return None
    most = max(covered)
    free = [place for place in inner if covered[place] <= most * _FEW]
    runs = sorted(_runs(free), key=lambda run: (sum(covered[p] for p in run) / len(run), -len(run)))
    for run in runs[:4]:
        least = min(covered[place] for place in run)
        strip = max(_runs([place for place in run if covered[place] == least]), key=len)
        gutter = box.left + (strip[0] + strip[-1] + 1) / 2 * _BIN
        if _parts_prose(lines, gutter):
            return gutter
    return None


def _runs(places: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _parts_prose(lines: Sequence[Line], gutter: float) -> bool:
    """Whether sentences, and not the cells of a table, stand on both sides side by side."""
    left = [line for line in lines if line.box.right <= gutter + 1]
    right = [line for line in lines if line.box.left >= gutter - 1]
    if min(len(left), len(right)) < _LEAST_LINES:
        return False
    one, other = _around(left), _around(right)
    top, bottom = max(one.top, other.top), min(one.bottom, other.bottom)
    if bottom - top < 0.3 * min(one.height, other.height):
        return False
    return all(
        _is_prose([line for line in side if top <= line.box.middle <= bottom])
        for side in (left, right)
    )


def _is_prose(lines: Sequence[Line]) -> bool:
    if len(lines) < _LEAST_LINES:
        return False
    width = sorted(line.box.width for line in lines)[int(len(lines) * 0.9)]
    wide = [line for line in lines if line.box.width >= _PROSE * width]
    return len(wide) >= 0.5 * len(lines) and median(len(n.text) for n in wide) >= _LETTERS_OF_PROSE
