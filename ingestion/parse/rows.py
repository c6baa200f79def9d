"""CSV: every row with its header, as a Markdown table."""

from __future__ import annotations

import csv
import io

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, decode_text
from ingestion.parse.reading import FileToRead
from knowledge.errors import DamagedDocument, EmptyDocument

MOST_ROWS = 200_000
_LONGEST_FIELD = 1_000_000


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
