"""Office documents and e-books, through Xberg."""

from __future__ import annotations

import re

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import extract, parse_time, tidy
from ingestion.parse.formats import Format
from ingestion.parse.reading import FileToRead
from knowledge.types import MarkKind

_PAGED = (Format.DOCX, Format.PPTX, Format.ODP)
_SLIDES = (Format.PPTX, Format.ODP)
_SLIDE_NUMBER = re.compile(r"\n\s*\d{1,4}\s*\Z")


def parse_office(file: FileToRead, kind: Format) -> Draft:
    """A text document, slides (each a page) or sheets (each under its name)."""
    found = extract(file.data, None if kind is Format.OLE else kind, file.name)
    draft = Draft(
        media_type=found.mime_type if kind is Format.OLE else kind.value,
        title=found.metadata.title or "",
        modified_at=parse_time(found.metadata.modified_at),
    )
    pages = found.pages or []
    if kind in _PAGED and pages:
        for page in pages:
            draft.mark(MarkKind.PAGE, str(page.page_number))
            text = tidy(page.content)
            draft.add(_SLIDE_NUMBER.sub("", text) if kind in _SLIDES else text)
            if page.speaker_notes and page.speaker_notes.strip() not in text:
                draft.add(tidy(page.speaker_notes))
    else:
        draft.add(tidy(found.content))
    return draft
