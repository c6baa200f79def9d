"""Tables of a PDF page by the lines that are drawn around their cells."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.parse.layout.cells import compact, rows_of, slot
from ingestion.parse.layout.lines import Line, lines_of
from ingestion.parse.layout.words import Box, Frame, Word

_MOST_PATHS = 4_000
_MOST_SEGMENTS = 400
_NEAR = 3.0
_SHORTEST_RULE = 8.0
_FEWEST_RULES = 3
_FEW_LEVELS = 4
_MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line of the page: ``at`` is its x or y, from ``start`` to ``end``."""

    upright: bool
    at: float
    start: float
    end: float


def rules_of(page: pypdfium2.PdfPage) -> list[Rule]:
    """The upright and level lines of a page; none where it is a drawing of thousands."""
    frame = Frame.of(page)
    found: list[Rule] = []
    paths = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1)
    for number, path in enumerate(paths):
        if number >= _MOST_PATHS:
            return []
        found += _rules_of_path(path, frame)
    return [rule for rule in found if not _is_border(rule, frame)]


def _is_border(rule: Rule, frame: Frame) -> bool:
    """Whether a line goes around the page itself."""
    along, across = frame.height, frame.width
    if not rule.upright:
        along, across = across, along
    near = min(rule.at, across - rule.at) < 0.1 * across
    return near and rule.end - rule.start > 0.75 * along


def _rules_of_path(path: pypdfium2.PdfObject, frame: Frame) -> Iterator[Rule]:
    count = pdfium.FPDFPath_CountSegments(path.raw)
    if not 1 < count <= _MOST_SEGMENTS:
        return
    matrix = path.get_matrix()
    x, y = ctypes.c_float(), ctypes.c_float()
    start = here = (0.0, 0.0)
    for number in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path.raw, number)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        there = matrix.on_point(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = there
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield from _rule(here, there, frame)
            if pdfium.FPDFPathSegment_GetClose(segment):
                yield from _rule(there, start, frame)
        here = there


def _rule(one: tuple[float, float], other: tuple[float, float], frame: Frame) -> Iterator[Rule]:
    box = frame.box(
        min(one[0], other[0]), max(one[1], other[1]), max(one[0], other[0]), min(one[1], other[1])
    )
    if box.height < 1 and box.width >= _SHORTEST_RULE:
        yield Rule(False, box.middle, box.left, box.right)
    elif box.width < 1 and box.height >= _SHORTEST_RULE:
        yield Rule(True, box.centre, box.top, box.bottom)


def ruled_grids(words: Sequence[Word], rules: Sequence[Rule]) -> tuple[list[Line], list[Word]]:
    """The tables with drawn cells, and the words that are in none of them."""
    grids: list[Line] = []
    left = list(words)
    for group in _connected(rules):
        lattice = _Lattice.of(group)
        if lattice is None:
            continue
        inside = [word for word in left if lattice.holds(word)]
        cells = lattice.cells(inside)
        if any(_is_frame(lines) for lines in cells.values()):
            continue
        rows = compact(lattice.rows(cells), inside)
        if not _has_columns(rows):
            continue
        taken = set(map(id, inside))
        left = [word for word in left if id(word) not in taken]
        grids.append(Line([], lattice.box, rows=rows))
    return grids, left


def _is_frame(lines: Sequence[Line]) -> bool:
    """Whether what looks like a cell has columns in it, and so is a frame around something."""
    return sum(len(row) > 1 for row in rows_of(lines)) >= 2


def _has_columns(rows: Sequence[Sequence[str]]) -> bool:
    return len(rows) > 1 and any(sum(map(bool, row)) >= 2 for row in rows)


def _connected(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Rules that meet, in groups."""
    groups: list[tuple[Box, list[Rule]]] = []
    for rule in sorted(rules, key=lambda rule: rule.start if rule.upright else rule.at):
        box = _box_of(rule)
        joined = [rule]
        apart = []
        for other, members in groups:
            if _meet(other, box):
                box, joined = box.over(other), members + joined
            else:
                apart.append((other, members))
        groups = [*apart, (box, joined)]
    return [members for _, members in groups]


def _box_of(rule: Rule) -> Box:
    if rule.upright:
        return Box(rule.at, rule.start, rule.at, rule.end)
    return Box(rule.start, rule.at, rule.end, rule.at)


def _meet(one: Box, other: Box) -> bool:
    return (
        one.left - _NEAR <= other.right
        and other.left - _NEAR <= one.right
        and one.top - _NEAR <= other.bottom
        and other.top - _NEAR <= one.bottom
    )


class _Lattice:
    """Columns and rows between drawn lines; where a line is missing, two cells are one."""

    def __init__(self, xs: list[float], ys: list[float], rules: Sequence[Rule]) -> None:
        self._xs, self._ys = xs, ys
        self._upright = [rule for rule in rules if rule.upright]
        self._level = [rule for rule in rules if not rule.upright]
        self.box = Box(xs[0], ys[0], xs[-1], ys[-1])

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> _Lattice | None:
        xs = _places([r.at for r in rules if r.upright])
        level = [r for r in rules if not r.upright]
        if level:
            xs = _places([*xs, min(r.start for r in level), max(r.end for r in level)])
        ys = _places([r.at for r in level])
        if not 2 < len(xs) <= _MOST_COLUMNS or len(ys) < _FEWEST_RULES:
            return None
        return cls(xs, ys, rules)

    def holds(self, word: Word) -> bool:
        box = word.box
        return (
            self._xs[0] - 1 <= box.centre <= self._xs[-1] + 1
            and self._ys[0] - 1 <= box.middle <= self._ys[-1] + 1
        )

    def cells(self, words: Sequence[Word]) -> dict[tuple[int, int], list[Line]]:
        """The lines in each cell, by its row and column."""
        found: dict[tuple[int, int], list[Word]] = {}
        for word in words:
            row, column = slot(self._ys, word.box.middle), slot(self._xs, word.box.centre)
            found.setdefault(self._owner(row, column), []).append(word)
        return {place: lines_of(inside) for place, inside in found.items()}

    def rows(self, cells: dict[tuple[int, int], list[Line]]) -> list[list[str]]:
        """The texts of the cells, row by row."""
        rows: list[list[str]] = []
        for row in range(len(self._ys) - 1):
            line = [cells.get((row, column), []) for column in range(len(self._xs) - 1)]
            rows += _parted(line) if len(self._ys) <= _FEW_LEVELS else [list(map(_text, line))]
        return rows

    def _owner(self, row: int, column: int) -> tuple[int, int]:
        """The cell that this one belongs to: the first of those that no line parts."""
        y = (self._ys[row] + self._ys[row + 1]) / 2
        while column and not _is_drawn(self._upright, self._xs[column], y):
            column -= 1
        x = (self._xs[column] + self._xs[column + 1]) / 2
        while row and not _is_drawn(self._level, self._ys[row], x):
            row -= 1
        return row, column


def _is_drawn(rules: Sequence[Rule], at: float, through: float) -> bool:
    return any(
        abs(rule.at - at) <= _NEAR and rule.start - _NEAR <= through <= rule.end + _NEAR
        for rule in rules
    )


def _places(values: Sequence[float]) -> list[float]:
    """Values that are near one another as one."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR:
            places.append(value)
    return places


def _text(lines: Sequence[Line]) -> str:
    return " ".join(line.text for line in lines)


def _parted(cells: Sequence[Sequence[Line]]) -> list[list[str]]:
    """A row between two drawn lines as the rows it holds, where only its head is ruled off."""
    first = next((lines for lines in cells if lines), [])
    starts = [line.box.middle for line in first]
    beside = sum(
        sum(any(abs(n.box.middle - start) < n.height / 2 for n in lines) for start in starts) > 2
        for lines in cells
    )
    if len(starts) < 3 or beside < 2:
        return [list(map(_text, cells))]
    rows = [[""] * len(cells) for _ in starts]
    for column, lines in enumerate(cells):
        for line in lines:
            row = max(sum(start <= line.box.middle + line.height / 2 for start in starts) - 1, 0)
            rows[row][column] = f"{rows[row][column]} {line.text}".strip()
    return rows
