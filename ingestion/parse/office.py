"""Text documents of office programs, through Xberg."""

from __future__ import annotations

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import extract, parse_time
from ingestion.parse.formats import Format
from ingestion.parse.hidden import holds, without_hidden_text
from ingestion.parse.html import add_html_fragment
from ingestion.parse.reading import FileToRead
from ingestion.parse.rtf import prepared, with_headings
from knowledge.types import MarkKind


def parse_office(file: FileToRead, kind: Format) -> Draft:
    """A text document with its headings, lists and tables, and its pages where it knows them."""
    data = file.data
    if kind is Format.RTF:
        data = prepared(data)
    elif kind is Format.DOCX:
        data = without_hidden_text(data)
    found = extract(data, None if kind is Format.OLE else kind, file.name)
    draft = Draft(
        media_type=found.mime_type if kind is Format.OLE else kind.value,
        title=found.metadata.title or "",
        modified_at=parse_time(found.metadata.modified_at),
    )
    pages = found.pages or []
    if kind is Format.DOCX and pages and _knows_its_pages(file.data):
        for page in pages:
            draft.mark(MarkKind.PAGE, str(page.page_number))
            add_html_fragment(draft, page.content)
    else:
        html = found.content
        add_html_fragment(draft, with_headings(html) if kind is Format.RTF else html)
    return draft


def _knows_its_pages(data: bytes) -> bool:
    """Whether the program that saved a Word document noted where each of its pages begins.

    Without that only the breaks that somebody typed are in the file: counting them would cite
    wrong pages.
    """
    return holds(data, b"lastRenderedPageBreak")
