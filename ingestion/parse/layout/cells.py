"""What tables share, drawn or not: rows, columns and the texts of cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingestion.parse.layout.lines import Line
from ingestion.parse.layout.words import Word

_MARK_ALONE = re.compile("^(?:[•◦▪▫●○■□‣⁃∙◆◇►▶➢➤✓✔❖·–—*-]|\\d{1,3}[.)]|\\(?[a-zA-Z][.)])$")
_LEADER = re.compile(r"(?:\. ?){4,}")


def compact(rows: Sequence[Sequence[str]], words: Sequence[Word]) -> list[list[str]]:
    """The rows that hold anything, without empty columns; what is read from the right turned.

    Columns that are nowhere filled both are one: lines of other tables and frames part them.
    """
    filled = [row for row in rows if any(row)]
    columns: list[list[str]] = []
    for column in map(list, zip(*filled, strict=True)):
        if columns and not any(a and b for a, b in zip(columns[-1], column, strict=True)):
            columns[-1] = [a or b for a, b in zip(columns[-1], column, strict=True)]
        else:
            columns.append(column)
    if sum(word.is_right_to_left for word in words) * 2 > len(words):
        columns.reverse()
    return list(map(list, zip(*columns, strict=True)))


def slot(edges: Sequence[float], value: float) -> int:
    """Between which two of the edges a value lies."""
    inside = sum(edge <= value for edge in edges) - 1
    return min(max(inside, 0), len(edges) - 2)


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that stand beside one another, row by row; a bullet is put before its words."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and not line.rows and not rows[-1][0].rows and _is_beside(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_with_mark(sorted(row, key=lambda line: line.box.left)) for row in rows]


def _is_beside(row: Sequence[Line], line: Line) -> bool:
    near = abs(row[0].box.middle - line.box.middle) < 0.5 * min(row[0].box.height, line.box.height)
    return near and all(
        line.box.left >= other.box.right - 2 or line.box.right <= other.box.left + 2
        for other in row
    )


def _with_mark(row: list[Line]) -> list[Line]:
    """The row, with a bullet or number put before what it belongs to, and leaders closed."""
    if len(row) > 1 and _MARK_ALONE.match(row[0].text):
        row = [one_line(row[:2]), *row[2:]]
    if len(row) > 1 and any(_LEADER.search(line.text) for line in row):
        row = [one_line(row)]
    return row


def one_line(lines: Sequence[Line]) -> Line:
    """Lines that stand beside one another as one."""
    if len(lines) == 1:
        return lines[0]
    is_code = all(line.mono for line in lines[1:])
    if is_code and lines[0].text.isdecimal():
        return one_line(lines[1:])
    whole = Line.of([word for line in lines for word in line.words])
    whole.text = " ".join(line.text for line in lines)
    whole.is_row = not _MARK_ALONE.match(lines[0].text) and not whole.mono
    return whole
