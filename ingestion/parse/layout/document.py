"""A PDF's pages as Markdown, by where words stand: columns, headings, tables, lists, code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2

from ingestion.parse.layout.aligned import aligned_grids
from ingestion.parse.layout.blocks import Style, blocks_of, letters_of
from ingestion.parse.layout.furniture import without_furniture
from ingestion.parse.layout.lines import Line, lines_of, regions
from ingestion.parse.layout.ruled import ruled_grids, rules_of
from ingestion.parse.layout.words import PageReader

_LONGEST_OUTLINE = 5_000


@dataclass(frozen=True, slots=True)
class _Page:
    height: float
    lines: list[Line]
    tables: list[Line]
    turned: list[Line]


def pages_as_markdown(document: pypdfium2.PdfDocument) -> Iterator[str]:
    """The Markdown of each page, empty for one without text and for one that is broken."""
    reader = PageReader()
    pages = [_page(reader, document, number) for number in range(len(document))]
    kept = without_furniture([(page.height, page.lines) for page in pages])
    style = Style.of(kept, _outline(document))
    for number, (page, lines) in enumerate(zip(pages, kept, strict=True)):
        found: list[str] = []
        for region in regions([*lines, *page.tables]):
            found += blocks_of(list(aligned_grids(region.lines)), style, number)
        found += [line.text for line in page.turned if any(map(str.isalnum, line.text))]
        yield "\n\n".join(found)


def _page(reader: PageReader, document: pypdfium2.PdfDocument, number: int) -> _Page:
    try:
        return _read(reader, document[number])
    except pypdfium2.PdfiumError:
        return _Page(0.0, [], [], [])


def _read(reader: PageReader, page: pypdfium2.PdfPage) -> _Page:
    found = reader.read(page)
    tables, rest = ruled_grids(found.words, rules_of(page)) if found.words else ([], [])
    words = [word for word in rest if not word.turned]
    turned = [word for word in rest if word.turned]
    page.close()
    lines = [_without_number(line) for line in lines_of(words)]
    return _Page(found.height, lines, tables, lines_of(turned))


def _without_number(line: Line) -> Line:
    """A line of code without the small number that counts it."""
    first, rest = line.words[0], line.words[1:]
    if rest and first.text.isdecimal() and not first.mono and all(word.mono for word in rest):
        return Line.of(rest)
    return line


def _outline(document: pypdfium2.PdfDocument) -> dict[int, dict[str, int]]:
    """The bookmarks of each page, by the letters of their titles, with their level from 1."""
    found: dict[int, dict[str, int]] = {}
    for number, mark in enumerate(document.get_toc(max_depth=6)):
        if number >= _LONGEST_OUTLINE:
            break
        place = mark.get_dest()
        page = place.get_index() if place else None
        if page is not None:
            found.setdefault(page, {})[letters_of(mark.get_title())] = mark.level + 1
    return found
