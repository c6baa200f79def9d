"""Bytes to a document: find out what they are, and hand them to the parser of that format."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from ingestion.parse.aid import Need
from ingestion.parse.draft import Draft, clean
from ingestion.parse.formats import READABLE, Format, detect, recording_type
from ingestion.parse.language import detect_language
from ingestion.parse.reading import FileToRead, PageFacts, Reading
from knowledge.errors import (
    DocumentTooLarge,
    EmptyDocument,
    ParseError,
    ScannedDocument,
    UnsupportedFormat,
)
from knowledge.types import ParsedDocument

MOST_CHARACTERS = 20_000_000
_FIRST_HEADING = re.compile(r"^#{1,2} (.{4,150})$", re.MULTILINE)
_LARGEST_HEADING = re.compile(r"^# (.{4,150})$", re.MULTILINE)
_NO_TITLE = re.compile(
    r"(?:slide|file|untitled|document|presentation|powerpoint presentation|book|sheet)\s*\d*|"
    r"microsoft \w+ - .*|.*\.(?:docx?|pptx?|xlsx?|indd|tex|pdf)",
    re.IGNORECASE,
)


def read(
    file: FileToRead, *, plain: bool = False, need: Need | None = None, model: str = ""
) -> Reading:
    """Read a file. An error of the file itself is in the reading, not raised.

    ``plain`` asks for the simplest reader of the format, for a file that has crashed the other.
    With ``need`` the file is read again, with the ``model`` of an :class:`Aid`.
    """
    facts: PageFacts | None = None
    try:
        if need is not None:
            return Reading(document=_finish(_aided(file, need, model), file))
        kind = detect(file)
        if kind is Format.HTML:
            # Imported here, as all parsers are: one worker seldom needs all of them at once.
            from ingestion.parse.html import parse_html

            draft, facts = parse_html(file)
        else:
            draft = parse(file, kind, plain=plain)
        wanted = Need.OCR if draft.has_pictures else None
        return Reading(document=_finish(draft, file), page=facts, need=wanted)
    except ScannedDocument as error:
        return Reading(failure=error, need=Need.OCR)
    except ParseError as error:
        return Reading(failure=error, page=facts, need=_need_of(file.data))


def _aided(file: FileToRead, need: Need, model: str) -> Draft:
    if need is Need.SPEECH:
        from ingestion.parse.speech import transcribe

        return transcribe(file, model)
    from ingestion.parse.ocr import Recogniser, is_picture
    from ingestion.parse.pdf import parse_pdf

    if is_picture(file.data):
        return Recogniser(model).picture(file)
    return parse_pdf(file, ocr=model)


def _need_of(data: bytes) -> Need | None:
    from ingestion.parse.ocr import is_picture

    if is_picture(data):
        return Need.OCR
    return Need.SPEECH if recording_type(data) else None


def parse(file: FileToRead, kind: Format, *, plain: bool = False) -> Draft:
    """A file of a known format. Raises a :class:`ParseError`."""
    match kind:
        case Format.HTML:
            from ingestion.parse.html import parse_html

            return parse_html(file)[0]
        case Format.MARKDOWN:
            from ingestion.parse.text import parse_markdown

            return parse_markdown(file)
        case Format.TEXT:
            from ingestion.parse.text import parse_text

            return parse_text(file)
        case Format.PDF:
            from ingestion.parse.pdf import parse_pdf

            return parse_pdf(file, plain=plain)
        case Format.VTT | Format.SRT:
            from ingestion.parse.subtitles import parse_subtitles

            return parse_subtitles(file, kind)
        case Format.CSV:
            from ingestion.parse.rows import parse_csv

            return parse_csv(file)
        case Format.JSON | Format.JSONL:
            from ingestion.parse.pairs import parse_json

            return parse_json(file, kind)
        case Format.EML:
            from ingestion.parse.mail import parse_mail

            return parse_mail(file)
        case Format.PPTX:
            from ingestion.parse.slides import parse_slides

            return parse_slides(file)
        case Format.XLSX:
            from ingestion.parse.workbook import parse_workbook

            return parse_workbook(file)
        case Format.ODT | Format.ODS | Format.ODP:
            from ingestion.parse.opendocument import parse_opendocument

            return parse_opendocument(file, kind)
        case Format.EPUB:
            from ingestion.parse.epub import parse_epub

            return parse_epub(file)
        case Format.ZIP:
            raise UnsupportedFormat(
                "The file is an archive inside an archive, or was not added as an upload.",
                f"Read are {READABLE}.",
            )
        case _:
            from ingestion.parse.office import parse_office

            return parse_office(file, kind)


def _finish(draft: Draft, file: FileToRead) -> ParsedDocument:
    document = draft.finish()
    if not any(map(str.isalnum, document.text)):
        raise _empty(draft)
    if len(document.text) > MOST_CHARACTERS:
        raise DocumentTooLarge(
            f"The document has {len(document.text):,} characters; "
            f"the limit is {MOST_CHARACTERS:,}.",
            "Split it into parts and add those.",
        )
    return replace(
        document,
        title=_title(document, file),
        language=detect_language(document.text, document.language),
    )


def _empty(draft: Draft) -> EmptyDocument:
    if draft.has_scripts:
        return EmptyDocument(
            "The page shows nothing without JavaScript, which is not run.",
            "Turn on `render` for the source, or let the site send its text with the page.",
        )
    return EmptyDocument(
        "There is no text in it.", "Check that it holds more than pictures or navigation."
    )


def _title(document: ParsedDocument, file: FileToRead) -> str:
    """The title that the document gives itself, unless its program made that up."""
    if document.title and not _NO_TITLE.fullmatch(document.title):
        return document.title
    # Headings of a PDF are told from the size of letters: the largest can be trusted, and one that
    # the document opens with.
    start = document.text[:2000]
    heading = _FIRST_HEADING.search(start)
    if heading and heading.start() and document.media_type == Format.PDF:
        heading = _LARGEST_HEADING.search(start)
    if heading and document.media_type not in (Format.XLSX, Format.ODS):
        return heading.group(1).strip(" #*")
    return title_from_name(file.name or file.address)


def title_from_name(name: str) -> str:
    """A readable title from a file's name or the end of an address."""
    path = PurePosixPath(unquote(clean(name)).split("?")[0].rstrip("/"))
    stem = path.stem if path.suffix.lower() != path.name.lower() else path.name
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or name
