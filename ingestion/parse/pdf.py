"""PDF: by the places of its words; plainly, page by page, where that fails or takes too long."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pypdfium2

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import extract, parse_time, tidy
from ingestion.parse.formats import Format
from ingestion.parse.layout.document import pages_as_markdown
from ingestion.parse.ocr import Recogniser
from ingestion.parse.reading import FileToRead
from knowledge.errors import (
    DamagedDocument,
    DocumentTooLarge,
    EncryptedDocument,
    ScannedDocument,
)
from knowledge.types import MarkKind

_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")
_LOOKED_AT = 20
_IMAGE = pypdfium2.raw.FPDF_PAGEOBJ_IMAGE
MOST_PAGES_WITH_LAYOUT = 1000
MOST_PAGES = 20_000
_WORDS_OF_A_LOCK = ("encrypt", "password")


def parse_pdf(file: FileToRead, *, plain: bool = False, ocr: str = "") -> Draft:
    """The text of a PDF with a mark for every page.

    ``plain`` asks for the words alone, for a file that the reader has crashed on. ``ocr``:
    Tesseract's languages, for pages that hold pictures and no text.
    """
    pages = _count_pages(file.data)
    if pages is not None and pages > MOST_PAGES:
        raise DocumentTooLarge(
            f"The PDF has {pages:,} pages; the limit is {MOST_PAGES:,}.",
            "Split it into parts and add those.",
        )
    pictures = _Pictures(file.data, Recogniser(ocr) if ocr else None)
    draft = Draft(media_type=Format.PDF)
    if pages is None:
        empty = _salvaged_pages(draft, file, pictures)
    elif plain or pages > MOST_PAGES_WITH_LAYOUT:
        draft.warnings.append("Read without its headings and tables, page by page.")
        empty = _plain_pages(draft, file.data, pictures)
    else:
        empty = _laid_out_pages(draft, file.data, pictures)
    if pages is None and not draft.finish().text:
        raise _broken()
    _judge_empty_pages(draft, empty, pages)
    pictures.tell(draft, empty)
    return draft


def _laid_out_pages(draft: Draft, data: bytes, pictures: _Pictures) -> list[int]:
    """Add every page; the numbers of those without text."""
    empty = []
    with pypdfium2.PdfDocument(data) as document:
        facts = document.get_metadata_dict()
        draft.title = facts.get("Title", "")
        draft.modified_at = _time(facts.get("ModDate") or facts.get("CreationDate", ""))
        for number, text in enumerate(pages_as_markdown(document), start=1):
            draft.mark(MarkKind.PAGE, str(number))
            text = text if text.strip() else pictures.text_of(number)
            draft.add(text)
            if not text.strip():
                empty.append(number)
    return empty


def _time(told: str) -> datetime | None:
    """A date of PDF, such as ``D:20260301140500+02'00'``, in UTC."""
    found = _DATE.match(told)
    if found is None:
        return None
    year, month, day, hour, minute, second, sign, hours, minutes = found.groups(default="0")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        day_told = (int(year), int(month) or 1, int(day) or 1)
        local = datetime(*day_told, int(hour), int(minute), int(second), tzinfo=UTC)
        return local + ahead if sign == "-" else local - ahead
    except (ValueError, OverflowError):
        return None


def _salvaged_pages(draft: Draft, file: FileToRead, pictures: _Pictures) -> list[int]:
    """What Xberg saves of a file that PDFium cannot open, such as one that is cut off."""
    try:
        found = extract(file.data, Format.PDF, written="markdown")
    except DamagedDocument as error:
        if any(word in error.detail.lower() for word in _WORDS_OF_A_LOCK):
            raise _locked() from error
        return _plain_pages(draft, file.data, pictures)
    draft.warnings.append("The PDF is damaged; its text was read as far as it goes.")
    draft.title = found.metadata.title or ""
    draft.modified_at = parse_time(found.metadata.modified_at)
    empty = []
    for page in found.pages or []:
        draft.mark(MarkKind.PAGE, str(page.page_number))
        text = tidy(page.content)
        draft.add(text)
        if not text.strip():
            empty.append(page.page_number)
    return empty


def _plain_pages(draft: Draft, data: bytes, pictures: _Pictures) -> list[int]:
    empty = []
    try:
        with pypdfium2.PdfDocument(data) as document:
            for number, page in enumerate(document, start=1):
                draft.mark(MarkKind.PAGE, str(number))
                text = page.get_textpage().get_text_bounded()
                if not text.strip():
                    text = pictures.text_of(number)
                draft.add(text)
                if not text.strip():
                    empty.append(number)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise _locked() from error
        raise _broken() from error
    return empty


def _count_pages(data: bytes) -> int | None:
    try:
        with pypdfium2.PdfDocument(data) as document:
            return len(document)
    except pypdfium2.PdfiumError:
        return None


def _judge_empty_pages(draft: Draft, empty: list[int], pages: int | None) -> None:
    if not empty:
        return
    if pages is not None and len(empty) >= pages:
        raise ScannedDocument(
            f"The PDF's {pages} pages hold pictures of text and no text.",
            "Turn text recognition (OCR) on with CANDOR_OCR_LANGUAGES, or add the result of one.",
        )
    if len(empty) * 2 >= (pages or 0):
        shown = ", ".join(map(str, empty[:10])) + (", ..." if len(empty) > 10 else "")
        draft.warnings.append(f"{len(empty)} pages hold no text: {shown}.")


class _Pictures:
    """Pages that are pictures: their text is recognised where a recogniser is given."""

    def __init__(self, data: bytes, recogniser: Recogniser | None) -> None:
        self._data = data
        self._recogniser = recogniser
        self._recognised = 0
        self._document: pypdfium2.PdfDocument | None = None

    def text_of(self, number: int) -> str:
        """The text of a page without text, by its number from 1, or ``""``."""
        if self._recogniser is None:
            return ""
        try:
            if self._document is None:
                self._document = pypdfium2.PdfDocument(self._data)
            text = self._recogniser.page(self._document[number - 1])
        except (pypdfium2.PdfiumError, IndexError):
            return ""
        self._recognised += bool(text.strip())
        return text

    def tell(self, draft: Draft, empty: list[int]) -> None:
        """Say how many pages were recognised, or that there are some to be recognised."""
        if self._recognised:
            draft.warnings.append(f"The text of {self._recognised} pages was recognised (OCR).")
        if empty and self._recogniser is None:
            draft.has_pictures = self._has_any(empty[:_LOOKED_AT])

    def _has_any(self, numbers: list[int]) -> bool:
        try:
            with pypdfium2.PdfDocument(self._data) as document:
                return any(
                    any(document[number - 1].get_objects(filter=[_IMAGE])) for number in numbers
                )
        except (pypdfium2.PdfiumError, IndexError):
            # Too broken for this reader: the other one has said what there is.
            return False


def _broken() -> DamagedDocument:
    return DamagedDocument("The PDF is broken or truncated.", "Save it again and add the new copy.")


def _locked() -> EncryptedDocument:
    return EncryptedDocument(
        "The PDF is protected with a password.", "Save it without a password and add it again."
    )
