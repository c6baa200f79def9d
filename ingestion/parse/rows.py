"""Rows of values, of CSV and of the sheets of a workbook, as Markdown tables with their header."""

from __future__ import annotations

import csv
import io
import re

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, decode_text
from ingestion.parse.reading import FileToRead
from knowledge.errors import DamagedDocument, EmptyDocument

MOST_ROWS = 200_000
_LONGEST_FIELD = 1_000_000
_HEADER_ROWS = 2
_FIGURE = re.compile(r"[-+(]?[\d.,  ]*\d[\d.,  ]*[)%]?")


def parse_csv(file: FileToRead) -> Draft:
    """The rows as one table; the delimiter is told from the first lines."""
    text = decode_text(file)
    draft = Draft(media_type=Format.CSV)
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), _dialect(text)) if any(row)]
    except csv.Error as error:
        raise DamagedDocument(
            f"The file is not a table of values: {error}.", "Save it as CSV again."
        ) from error
    if not rows:
        raise EmptyDocument("The table has no rows.", "Check the file.")
    if len(rows) > MOST_ROWS:
        draft.warnings.append(f"Only the first {MOST_ROWS:,} of {len(rows):,} rows were read.")
    draft.add(markdown_table(rows[:MOST_ROWS]))
    return draft


def add_sheet(draft: Draft, name: str, rows: list[list[str]]) -> None:
    """Add a sheet under its name: what stands above a table as text, its parts as tables.

    Empty rows and columns are left out. Rows that an empty one parts are tables of their own,
    unless the first of them is nothing but the header of the second.
    """
    parts = _parts(rows)
    if parts and name:
        draft.add(f"## {' '.join(name.split())}")
    for part in parts:
        text, table = _with_text_above(part)
        draft.add("\n\n".join(text))
        if table:
            draft.add(markdown_table(_without_empty_columns(table)))


def _parts(rows: list[list[str]]) -> list[list[list[str]]]:
    parts: list[list[list[str]]] = [[]]
    for row in rows:
        if any(cell.strip() for cell in row):
            parts[-1].append(row)
        elif parts[-1]:
            parts.append([])
    joined: list[list[list[str]]] = []
    for part in filter(None, parts):
        if joined and _is_header(joined[-1], part):
            joined[-1] = joined[-1] + part
        else:
            joined.append(part)
    return joined


def _is_header(part: list[list[str]], following: list[list[str]]) -> bool:
    """Whether the rows before an empty one name the columns of those after it."""
    _, table = _with_text_above(part)
    own = {n for row in table for n, cell in enumerate(row) if cell.strip()}
    beneath = {n for row in following for n, cell in enumerate(row) if cell.strip()}
    has_rows = any(_filled(row) > 1 for row in following)
    figures = any(_is_figure(cell) for row in table for cell in row)
    return 0 < len(table) <= _HEADER_ROWS and has_rows and not figures and own <= beneath


def _with_text_above(part: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The lines above a table, such as its title, and its rows."""
    text: list[str] = []
    for place, row in enumerate(part):
        if _filled(row) > 1:
            return text, part[place:]
        text.append(next(cell for cell in row if cell.strip()))
    return text, []


def _filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_figure(cell: str) -> bool:
    return bool(_FIGURE.fullmatch(cell.strip()))


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(len(row) for row in rows)
    full = [row + [""] * (width - len(row)) for row in rows]
    kept = [n for n in range(width) if any(row[n].strip() for row in full)]
    return [[row[n] for n in kept] for row in full]


def markdown_table(rows: list[list[str]]) -> str:
    """A Markdown table whose header is the first row."""
    width = max(len(row) for row in rows)
    lines = [_line(row + [""] * (width - len(row))) for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        return csv.excel
