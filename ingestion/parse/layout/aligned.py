"""Tables of a PDF page without lines around their cells, by how their words stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingestion.parse.layout.cells import compact, one_line, rows_of, slot
from ingestion.parse.layout.lines import Line
from ingestion.parse.layout.words import Box, Word

_FEWEST_ROWS = 3
_MOST_COLUMNS = 40
_PROSE_LETTERS = 30
_ROWS_TO_REFINE = 6
_CLOSE, _WITHIN = 0.8, 1.8
"""Of the height of a line: how far apart the lines of one cell, and the rows of one table, are."""

_OVERLAP, _PADDING, _MANY = 0.2, 0.35, 0.3
"""Of the height of a line: by how much lines of one row may overlap, and how much more space
stands between two rows than between two lines of one; and the share of such spaces.
"""


def aligned_grids(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines of a column from top to bottom, those that stand in columns as tables."""
    rows = rows_of(lines)
    pending: list[list[Line]] = []
    for above, row, below in zip([None, *rows], rows, [*rows[1:], None], strict=False):
        alone = len(row) == 1 and not (_touches(above, row) or _touches(row, below))
        if row[0].rows or alone or (pending and not _is_next(pending, row)):
            yield from _as_grid(pending)
            pending = []
        if row[0].rows or alone:
            yield row[0]
        else:
            pending.append(row)
    yield from _as_grid(pending)


def _touches(above: list[Line] | None, below: list[Line] | None) -> bool:
    """Whether two rows, one of several parts, stand as close as the lines of one cell."""
    if above is None or below is None or max(len(above), len(below)) < 2:
        return False
    return _gap(above, below) < _CLOSE * below[0].box.height


def _is_next(above: Sequence[list[Line]], row: list[Line]) -> bool:
    """Whether a row stands no further from those above than they do from one another."""
    gap = _gap(above[-1], row)
    gaps = [_gap(*pair) for pair in pairwise(above) if min(map(len, pair)) > 1]
    usual = median(gaps) if len(gaps) > 1 else _WITHIN * row[0].box.height
    return gap < max(1.4 * usual, _CLOSE * row[0].box.height)


def _gap(above: list[Line], below: list[Line]) -> float:
    return min(line.box.top for line in below) - max(line.box.bottom for line in above)


def _as_grid(rows: Sequence[list[Line]]) -> Iterator[Line]:
    """Rows that follow closely on one another: the table among them as one."""
    first, last = _extent(rows)
    table = rows[first:last]
    columns = _columns(table)
    full = [row for row in table if len(row) > 1]
    if columns is None or len(full) < _FEWEST_ROWS:
        yield from _parts(rows)
        return
    yield from map(one_line, rows[:first])
    sides = [
        [line for row in table for line in row if slot(columns, line.box.centre) == place]
        for place in range(len(columns) - 1)
    ]
    if _is_numbered_code(full):
        yield from (one_line(row[1:]) if len(row) > 1 else row[0] for row in table)
    elif sum(median(len(n.text) for n in side) > _PROSE_LETTERS for side in sides if side) > 1:
        for side in sides:
            yield from side
    else:
        yield _grid(table, columns)
    yield from map(one_line, rows[last:])


def _parts(rows: Sequence[list[Line]]) -> Iterator[Line]:
    """Rows that are no table: what is above and below the first line between them, by itself."""
    alone = next((n for n, row in enumerate(rows) if len(row) == 1 and 0 < n < len(rows) - 1), 0)
    if alone:
        yield from _as_grid(rows[:alone])
        yield rows[alone][0]
        yield from _as_grid(rows[alone + 1 :])
    else:
        yield from map(one_line, rows)


def _extent(rows: Sequence[list[Line]]) -> tuple[int, int]:
    """The part of the rows that a table may take: from the first to the last of several cells."""
    full = [number for number, row in enumerate(rows) if len(row) > 1]
    if not full:
        return 0, 0
    first, last = full[0], full[-1] + 1
    columns = _columns([rows[number] for number in full])
    if columns is None:
        return first, last
    while first and _is_second_line(rows[first - 1], rows[first], columns):
        first -= 1
    while last < len(rows) and _is_second_line(rows[last], rows[last - 1], columns):
        last += 1
    return first, last


def _is_second_line(row: list[Line], beside: list[Line], columns: Sequence[float]) -> bool:
    """Whether a line on its own goes on with a cell of the row beside it."""
    box = row[0].box
    gap = max(box.top - max(n.box.bottom for n in beside), beside[0].box.top - box.bottom)
    return len(row) == 1 and gap < _CLOSE * box.height and _fits(row, columns)


def _fits(row: Sequence[Line], columns: Sequence[float]) -> bool:
    """Whether each part of a row lies within one column."""
    return all(slot(columns, line.box.left) == slot(columns, line.box.right - 1) for line in row)


def _grid(rows: Sequence[list[Line]], columns: Sequence[float]) -> Line:
    cells: list[list[str]] = []
    apart = _gap_between_rows(rows)
    columns = _refined(rows, columns)
    gaps = [_gap(*pair) for pair in pairwise(rows) if min(map(len, pair)) > 1]
    usual = median(gaps) if gaps else 0.0
    bottom = 0.0
    for row in rows:
        texts = [""] * (len(columns) - 1)
        for place, words in enumerate(_by_column(row, columns)):
            texts[place] = Line.of(words).text if words else ""
        gap = min(line.box.top for line in row) - bottom
        bottom = max(bottom, *(line.box.bottom for line in row))
        goes_on = len(row) == 1 and gap < 0.75 * usual
        if cells and (goes_on or gap < apart or (not texts[0] and gap < 0.4 * row[0].box.height)):
            cells[-1] = [f"{a} {b}".strip() for a, b in zip(cells[-1], texts, strict=True)]
        else:
            cells.append(texts)
    words = [word for row in rows for line in row for word in line.words]
    return Line([], Line.of(words).box, rows=compact(cells, words))


def _by_column(row: Sequence[Line], columns: Sequence[float]) -> list[list[Word]]:
    places: list[list[Word]] = [[] for _ in columns[1:]]
    for line in row:
        for word in line.words:
            places[slot(columns, word.box.centre)].append(word)
    return places


def _refined(rows: Sequence[list[Line]], columns: Sequence[float]) -> list[float]:
    """The columns, those parted once more where short cells stand too close to be lines apart."""
    if len(rows) < _ROWS_TO_REFINE:
        return list(columns)
    height = median(row[0].box.height for row in rows)
    found = [columns[0]]
    cells = [_by_column(row, columns) for row in rows]
    for place, edge in enumerate(columns[1:]):
        column = [row[place] for row in cells]
        spans = _covered([word.box for words in column for word in words])
        for before, after in pairwise(spans):
            gutter = (before[1] + after[0]) / 2
            both = sum(
                any(w.box.centre < gutter for w in words)
                and any(w.box.centre > gutter for w in words)
                for words in column
            )
            if after[0] - before[1] > 0.4 * height and both > 0.7 * len(rows):
                found.append(gutter)
        found.append(edge)
    return found


def _covered(boxes: Sequence[Box]) -> list[tuple[float, float]]:
    """The stretches from left to right that boxes cover."""
    spans: list[tuple[float, float]] = []
    for box in sorted(boxes, key=lambda box: box.left):
        if spans and box.left < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], box.right)
        else:
            spans.append((box.left, box.right))
    return spans


def _gap_between_rows(rows: Sequence[list[Line]]) -> float:
    """The least space between two rows: more than between the lines of one cell, if any differ."""
    gaps: list[float] = []
    bottom = max(line.box.bottom for line in rows[0])
    for row in rows[1:]:
        gaps.append(min(line.box.top for line in row) - bottom)
        bottom = max(bottom, *(line.box.bottom for line in row))
    height = median(row[0].box.height for row in rows)
    if not gaps:
        return -_OVERLAP * height
    between = (min(gaps) + max(gaps)) / 2
    wide = sum(gap > between for gap in gaps)
    if max(gaps) - max(min(gaps), 0) > _PADDING * height and wide > _MANY * len(gaps):
        return between
    return -_OVERLAP * height


def _is_numbered_code(rows: Sequence[Sequence[Line]]) -> bool:
    """Whether the first column counts the lines of code beside it."""
    numbers = [row[0].text for row in rows]
    counted = all(number.isdecimal() for number in numbers) and len(numbers) > 2
    code = sum(all(line.mono for line in row[1:]) for row in rows)
    return counted and code > 0.8 * len(rows)


def _columns(rows: Sequence[Sequence[Line]]) -> list[float] | None:
    """Where columns begin that all rows keep to, and the end; ``None`` where there are no two."""
    spans = _covered([line.box for row in rows if len(row) > 1 for line in row])
    if not spans:
        return None
    widest = max(len(row) for row in rows)
    if not 2 <= len(spans) <= min(widest + 1, _MOST_COLUMNS):
        return None
    columns = [*(span[0] - 1 for span in spans), spans[-1][1] + 1]
    return columns if all(_fits(row, columns) for row in rows if len(row) == 1) else None
