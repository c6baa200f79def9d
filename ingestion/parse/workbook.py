"""XLSX: every sheet under its name, with values as they are shown."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import extract, parse_time
from ingestion.parse.formats import Format
from ingestion.parse.reading import FileToRead
from ingestion.parse.rows import MOST_ROWS, add_sheet
from knowledge.errors import DamagedDocument

_LARGEST = 12_000_000
"""Bytes of all sheets, unpacked, that are read cell by cell: about 250,000 cells."""

_HIDDEN = " (hidden)"
_SHEET = re.compile(r"^(?=## )", re.MULTILINE)
_MOST_CELLS = 2_000_000
_MOST_COLUMNS = 1_000
_TAIL = 4_000_000
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]+\d+:[A-Z]+\d+)"')
_MOST_MERGED = 20_000
_LITERAL = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|([$€£¥₹])|\\(.)')
_CONDITION = re.compile(r"\[(?!\$)[^\]]*\]|_.|\*.")
_OTHER = re.compile(r"[eE][+-]|/|[dmyhs@]")
_DIGITS = re.compile(r"[#0?][#0?,.]*")

Span = tuple[int, int, int, int]


def parse_workbook(file: FileToRead) -> Draft:
    """The visible sheets. Dates are written as in ISO 8601, numbers with their format.

    Large workbooks are read by Xberg, which is ten times as fast and knows no formats.
    """
    if _size_of_sheets(file.data) > _LARGEST:
        return _plain(file)
    try:
        with warnings.catch_warnings():
            # What openpyxl does not keep (drawings, conditions) is not read anyway.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(file.data), read_only=True, data_only=True)
            draft = _draft(book, file.data)
            book.close()
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        EOFError,
        OSError,
        SyntaxError,
    ) as error:
        raise DamagedDocument(
            f"The workbook is broken: {error}.", "Save it again and add the new copy."
        ) from error
    return draft


def _size_of_sheets(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = (n for n in archive.infolist() if n.filename.startswith("xl/worksheets/"))
        return sum(sheet.file_size for sheet in sheets)


def _plain(file: FileToRead) -> Draft:
    found = extract(file.data, Format.XLSX, file.name, written="markdown")
    draft = Draft(media_type=Format.XLSX.value, title=found.metadata.title or "")
    draft.modified_at = parse_time(found.metadata.modified_at)
    draft.warnings.append("The workbook is large: its values were read without their formats.")
    hidden = []
    for section in _SHEET.split(found.content):
        name = section.split("\n", 1)[0]
        if name.endswith(_HIDDEN):
            hidden.append(name.removeprefix("## ").removesuffix(_HIDDEN))
        else:
            draft.add(section)
    _tell_hidden(draft, hidden)
    return draft


def _tell_hidden(draft: Draft, hidden: list[str]) -> None:
    if hidden:
        draft.warnings.append(f"Hidden sheets are not read: {', '.join(hidden)}.")


def _draft(book: Any, data: bytes) -> Draft:
    draft = Draft(media_type=Format.XLSX.value, title=str(book.properties.title or ""))
    modified = book.properties.modified
    if isinstance(modified, datetime):
        draft.modified_at = modified.replace(tzinfo=modified.tzinfo or UTC).astimezone(UTC)
    hidden, cells = [], 0
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            hidden.append(sheet.title)
            continue
        rows = []
        for row in _rows(sheet):
            cells += len(row)
            rows.append(row)
            if len(rows) >= MOST_ROWS or cells >= _MOST_CELLS:
                draft.warnings.append(
                    f"Only the first {len(rows):,} rows of {sheet.title} were read."
                )
                break
        _fill_merged(rows, _merged(data, getattr(sheet, "_worksheet_path", "")))
        add_sheet(draft, sheet.title, rows)
    _tell_hidden(draft, hidden)
    return draft


def _rows(sheet: Any) -> Iterator[list[str]]:
    sheet.reset_dimensions()
    for row in sheet.iter_rows(max_col=_MOST_COLUMNS):
        cells = [
            _shown(cell.value, cell.number_format) if cell.value is not None else "" for cell in row
        ]
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _merged(data: bytes, part: str) -> list[Span]:
    """The merged cells of a sheet, which stand behind its rows."""
    if not part:
        return []
    tail = b""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(part.lstrip("/")) as file:
        while piece := file.read(_TAIL):
            tail = tail[-_TAIL:] + piece
    found = _MERGED.findall(tail)
    return [range_boundaries(ref.decode()) for ref in found[:_MOST_MERGED]]


def _fill_merged(rows: list[list[str]], merged: list[Span]) -> None:
    """Put the value of merged cells into each of them: a row is to say whose it is by itself.

    A title over the whole of a table is left where it is.
    """
    for left, top, right, bottom in merged:
        if top > len(rows) or len(rows[top - 1]) < left:
            continue
        first = rows[top - 1]
        value = first[left - 1]
        beside = sum(map(bool, first)) > 1
        for row in rows[top - 1 : bottom]:
            last = right if beside else left
            row += [""] * (last - len(row))
            for place in range(left - 1, last):
                row[place] = row[place] or value


def _shown(value: Any, form: str) -> str:
    """A value as a reader of the sheet sees it."""
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            if value.time() == time():
                return value.date().isoformat()
            return value.isoformat(" ", "minutes" if not value.second else "seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes" if not value.second else "seconds")
        case timedelta():
            return str(value)
        case int() | float():
            return _number(value, form or "General")
        case _:
            return str(value)


def _number(value: float, form: str) -> str:
    section = _CONDITION.sub("", form.split(";")[0])
    bare = _LITERAL.sub("", section)
    digits = _DIGITS.search(bare)
    if form == "General" or digits is None or _OTHER.search(bare):
        return f"{value:.12g}" if value % 1 and abs(value) < 1e15 else f"{value:.0f}"
    _, _, decimals = digits.group().partition(".")
    places = sum(mark in "0#?" for mark in decimals)
    kept = decimals.count("0")
    percent = "%" in bare
    text = f"{value * 100 if percent else value:,.{places}f}"
    if places > kept and "." in text:
        stem, _, fraction = text.partition(".")
        fraction = fraction[:kept] + fraction[kept:].rstrip("0")
        text = f"{stem}.{fraction}" if fraction else stem
    if "," not in digits.group():
        text = text.replace(",", "")
    before, after = _around(section)
    return f"{before}{text}{'%' if percent else ''}{after}".strip()


def _around(section: str) -> tuple[str, str]:
    """What a format writes before and after its figures, such as a currency."""
    blank = _LITERAL.sub(lambda found: "\x00" * len(found.group()), section)
    first = _DIGITS.search(blank)
    middle = first.start() if first else len(section)
    texts = ["", ""]
    for found in _LITERAL.finditer(section):
        word = next((group for group in found.groups() if group), "")
        texts[found.start() > middle] += word
    after = texts[1]
    return texts[0], f" {after.strip()}" if after.strip() else ""
