"""Judged queries in a file: JSON lines, or a table with one judgment in each row.

::

    {"query": "how long is a refund open", "grades": {"https://shop.example/refunds": 2}}
    {"query": "bulb of the lamp", "addresses": ["https://shop.example/lamp"]}

    query,address,grade
    how long is a refund open,https://shop.example/refunds,2

The queries of a BEIR set (``{"_id": ..., "text": ...}``) are read too, without judgments. A table's
cells are separated by commas, semicolons or tabs; without a grade a page has 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from knowledge.errors import InvalidInput, LimitExceeded
from knowledge.spreadsheet import unguarded, write_csv

FileFormat = Literal["jsonl", "csv"]

MAX_QUERIES = 2_000
"""The most queries of one set: measuring them takes some 20 seconds."""

MAX_GRADE = 3
QUERY_CHARACTERS = 2_000
_ADDRESS_CHARACTERS = 2_000
_PAGES = 100
_QUERY = ("query", "question", "text")
_ADDRESS = ("address", "addresses", "url", "page")
_GRADE = ("grade", "score", "relevance")


@dataclass(frozen=True, slots=True)
class FileQuery:
    """A query and the grade, 1 to :data:`MAX_GRADE`, of each page that answers it, by address."""

    query: str
    grades: Mapping[str, int] = field(default_factory=dict)


def read_query_file(text: str) -> list[FileQuery]:
    """The queries of a file, each once, in their order.

    Raises :class:`InvalidInput` that names the line which cannot be read, and
    :class:`LimitExceeded` beyond :data:`MAX_QUERIES`.
    """
    text = text.lstrip("\ufeff").strip()
    if not text:
        raise InvalidInput("The file is empty.", _LAYOUT)
    pairs = _json_lines(text) if text.startswith("{") else _table(text)
    merged: dict[str, tuple[str, dict[str, int]]] = {}
    for line, query, grades in pairs:
        try:
            checked = checked_query(query, grades)
        except InvalidInput as error:
            raise InvalidInput(f"Line {line}: {error.detail}", error.action) from error
        _, known = merged.setdefault(same_query(query), (checked.query, {}))
        known.update(checked.grades)
        if len(merged) > MAX_QUERIES:
            raise LimitExceeded(
                f"The file has more than {MAX_QUERIES:,} queries.", "Split it into several sets."
            )
    return [FileQuery(query, grades) for query, grades in merged.values()]


def write_query_file(queries: Sequence[FileQuery], format: FileFormat) -> str:
    """The file that :func:`read_query_file` reads back."""
    if format == "jsonl":
        rows = ({"query": one.query, "grades": dict(one.grades)} for one in queries)
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    cells: list[tuple[object, ...]] = []
    for one in queries:
        cells += [(one.query, address, grade) for address, grade in one.grades.items()] or [
            (one.query, "", "")
        ]
    return write_csv(("query", "address", "grade"), cells)


def checked_query(query: str, grades: Mapping[str, int]) -> FileQuery:
    """A query as it may be stored: one line, pages without a place in them, no grade of 0.

    Raises :class:`InvalidInput` for what is empty, too long or no grade.
    """
    words = " ".join(query.split())
    if not words:
        raise InvalidInput("The query is empty.", "Write what a visitor would ask.")
    if len(words) > QUERY_CHARACTERS:
        raise InvalidInput(f"The query has more than {QUERY_CHARACTERS} characters.")
    if len(grades) > _PAGES:
        raise InvalidInput(f"More than {_PAGES} pages are judged for “{words[:60]}”.")
    kept: dict[str, int] = {}
    for address, grade in grades.items():
        page = address.strip().split("#")[0]
        if not page or len(page) > _ADDRESS_CHARACTERS:
            raise InvalidInput(f"“{address[:80]}” is not the address of a page.")
        if not 0 <= grade <= MAX_GRADE:
            raise InvalidInput(
                f"The grade of {page[:200]} is {grade}.",
                f"Grades are 1 to {MAX_GRADE}, the best; 0 takes a judgment away.",
            )
        if grade:
            kept[page] = max(grade, kept.get(page, 0))
    return FileQuery(words, kept)


def same_query(query: str) -> str:
    """What two spellings of one query have in common: letters in lower case, single spaces."""
    return " ".join(query.casefold().split()).rstrip("?!. ")


_LAYOUT = "See docs/evaluating.md for the two layouts of a file."


def _json_lines(text: str) -> Iterable[tuple[int, str, dict[str, int]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield number, _text(row[_column(row, _QUERY)]), _grades_of(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidInput(f"Line {number} is not a judged query.", _LAYOUT) from error


def _grades_of(row: Mapping[str, Any]) -> dict[str, int]:
    if "grades" in row:
        return {_text(address): _grade(grade) for address, grade in row["grades"].items()}
    pages: Any = next((row[name] for name in _ADDRESS if name in row), [])
    if isinstance(pages, str):
        pages = [pages]
    return {_text(address): 1 for address in pages}


def _table(text: str) -> Iterable[tuple[int, str, dict[str, int]]]:
    lines = text.splitlines(keepends=True)
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.DictReader(lines, delimiter=delimiter)
    names = {(name or "").strip().casefold(): name for name in rows.fieldnames or ()}
    query, address, grade = (
        next((names[one] for one in choice if one in names), None)
        for choice in (_QUERY, _ADDRESS, _GRADE)
    )
    if query is None:
        raise InvalidInput("The first line does not name a column “query”.", _LAYOUT)
    try:
        for row in rows:
            page = unguarded((row.get(address) or "").strip()) if address else ""
            given = (row.get(grade) or "").strip() if grade else ""
            yield (
                rows.line_num,
                unguarded(row[query] or ""),
                {page: _grade(given or 1)} if page else {},
            )
    except (csv.Error, ValueError) as error:
        raise InvalidInput(f"Line {rows.line_num} is not a judged query.", _LAYOUT) from error


def _column(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if name in row), names[0])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _grade(value: Any) -> int:
    number = float(value)
    if not number.is_integer():
        raise ValueError("grades are whole numbers")
    return int(number)
