"""Tables as CSV (RFC 4180) that a spreadsheet opens without running anything.

A cell that begins like a formula gets an apostrophe in front, which spreadsheets show as text:
visitors write some of what is exported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with its header; ``None`` is an empty cell."""
    return csv_rows([header]) + csv_rows(rows)


def csv_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows without a header, to go on with a table that is written in parts."""
    out = io.StringIO()
    csv.writer(out).writerows([_guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def unguarded(cell: str) -> str:
    """A cell as it was before :func:`write_csv` put an apostrophe in front."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
