"""What goes into a parser and what comes out, in forms that cross a process border as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.parse.aid import Need
from knowledge import errors
from knowledge.errors import DocumentTooLarge, ParseError
from knowledge.types import Mark, MarkKind, ParsedDocument

Json = dict[str, Any]
OUT_OF_MEMORY = DocumentTooLarge(
    "Reading the file takes more memory than a reader may use.", "Split it into parts."
)
TOO_DEEP = DocumentTooLarge(
    "What is in the file is nested too deeply.", "Save it in a simpler form, and add that."
)


@dataclass(frozen=True, slots=True)
class FileToRead:
    """Bytes with what their sender says about them.

    ``name`` is a file name or the path of an address, ``content_type`` a Content-Type header;
    both may be empty or wrong. ``address`` is the page's own, which its links are relative to.
    """

    data: bytes
    name: str = ""
    content_type: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What an HTML page tells a crawler.

    ``links`` are absolute and in the order of the page, without those marked nofollow;
    ``canonical`` is absolute or ``""``.
    """

    links: tuple[str, ...] = ()
    canonical: str = ""
    noindex: bool = False
    nofollow: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as read: a document, or the reason why there is none. ``page`` for HTML alone.

    ``need``: what would read more of it.
    """

    document: ParsedDocument | None = None
    failure: ParseError | None = None
    page: PageFacts | None = None
    need: Need | None = None

    def document_or_raise(self) -> ParsedDocument:
        """The document. Raises the :class:`ParseError` where there is none."""
        if self.document is None:
            raise self.failure or ParseError("The file could not be read.")
        return self.document


def reading_to_json(reading: Reading) -> Json:
    """The reading as JSON."""
    document, failure, page = reading.document, reading.failure, reading.page
    return {
        "document": document and _document_to_json(document),
        "failure": failure
        and {"name": type(failure).__name__, "detail": failure.detail, "action": failure.action},
        "page": page
        and {
            "links": list(page.links),
            "canonical": page.canonical,
            "noindex": page.noindex,
            "nofollow": page.nofollow,
        },
        "need": reading.need,
    }


def reading_from_json(json: Json) -> Reading:
    """The reading that :func:`reading_to_json` wrote."""
    document, failure, page = json["document"], json["failure"], json["page"]
    return Reading(
        document=_document_from_json(document) if document else None,
        failure=failure_named(**failure) if failure else None,
        page=PageFacts(**(page | {"links": tuple(page["links"])})) if page else None,
        need=Need(json["need"]) if json["need"] else None,
    )


def failure_named(name: str, detail: str, action: str) -> ParseError:
    """The error of ``knowledge.errors`` with that class name."""
    kind = getattr(errors, name, ParseError)
    if not (isinstance(kind, type) and issubclass(kind, ParseError)):
        kind = ParseError
    return kind(detail, action)


def marks_to_json(marks: tuple[Mark, ...]) -> list[Json]:
    """Marks as they are stored with a document."""
    return [{"kind": m.kind.value, "offset": m.offset, "value": m.value} for m in marks]


def marks_from_json(json: list[Json]) -> tuple[Mark, ...]:
    """Marks as :func:`marks_to_json` wrote them."""
    return tuple(Mark(MarkKind(m["kind"]), m["offset"], m["value"]) for m in json)


def _document_to_json(document: ParsedDocument) -> Json:
    return {
        "title": document.title,
        "text": document.text,
        "media_type": document.media_type,
        "marks": marks_to_json(document.marks),
        "language": document.language,
        "modified_at": document.modified_at and document.modified_at.isoformat(),
        "warnings": list(document.warnings),
    }


def _document_from_json(json: Json) -> ParsedDocument:
    modified = json["modified_at"]
    return ParsedDocument(
        title=json["title"],
        text=json["text"],
        media_type=json["media_type"],
        marks=marks_from_json(json["marks"]),
        language=json["language"],
        modified_at=datetime.fromisoformat(modified) if modified else None,
        warnings=tuple(json["warnings"]),
    )
