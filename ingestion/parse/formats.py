"""What a file really is: told from its content, with its name only where content cannot tell."""

from __future__ import annotations

import io
import json
import re
import zipfile
from enum import StrEnum
from pathlib import PurePosixPath

from charset_normalizer import from_bytes
from w3lib.encoding import html_to_unicode, http_content_type_encoding, read_bom

from ingestion.parse.reading import FileToRead
from knowledge.errors import (
    DamagedDocument,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    UnsupportedFormat,
)


class Format(StrEnum):
    """The formats that are read; the value is the media type."""

    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    OLE = "application/x-ole-storage"
    RTF = "application/rtf"
    EPUB = "application/epub+zip"
    EML = "message/rfc822"
    VTT = "text/vtt"
    SRT = "application/x-subrip"
    CSV = "text/csv"
    JSON = "application/json"
    JSONL = "application/jsonl"
    ZIP = "application/zip"


READABLE = (
    "HTML, Markdown, text, PDF, DOCX, PPTX, XLSX, CSV, RTF, ODT, ODS, ODP, EPUB, EML, VTT, SRT, "
    "JSON, JSONL and ZIP"
)
_BY_SUFFIX = {
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".mdx": Format.MARKDOWN,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".eml": Format.EML,
    ".srt": Format.SRT,
}
_OPENED = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"ID3": "an MP3 recording",
    b"\xff\xfb": "an MP3 recording",
    b"\xff\xf3": "an MP3 recording",
    b"OggS": "an Ogg recording",
    b"fLaC": "a FLAC recording",
    b"\x1aE\xdf\xa3": "a Matroska or WebM video",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"SQLite format 3": "a database",
}
_RECORDINGS = ("recording", "video")
_LARGEST_DIRECTORY = 10_000_000
_LONGEST_END = 22 + 65_535
_SRT = re.compile(rb"\A\s*\d+\s*\r?\n\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}\s*-->")
_HTML = re.compile(
    rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]|<(main|article|h1|p|div|table)[\s>]",
    re.IGNORECASE,
)
_MAIL = re.compile(rb"\A(?:[A-Za-z-]+:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){3,}")


def detect(file: FileToRead) -> Format:
    """The format of a file.

    Raises :class:`EmptyDocument`, :class:`UnsupportedFormat` (which says what the file is),
    :class:`EncryptedDocument`, :class:`DamagedDocument` or :class:`DocumentTooLarge`.
    """
    data = file.data
    if not data.strip(b"\0 \t\r\n"):
        raise EmptyDocument("The file is empty.", "Check the file and add it again.")
    if b"%PDF-" in data[:1024]:
        return Format.PDF
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _inside_ole(data)
    if data.startswith(b"{\\rtf"):
        return Format.RTF
    _refuse_binary(data)
    return _kind_of_text(file)


def _inside_zip(data: bytes) -> Format:
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            told = b""
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    told = file.read(100).strip()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        raise DamagedDocument(
            "The file starts like a ZIP or Office document and is broken or truncated.",
            "Save it again and add the new copy.",
        ) from error
    for kind in (Format.EPUB, Format.ODT, Format.ODS, Format.ODP):
        if told.decode("latin-1") == kind.value:
            return kind
    for name, kind in (
        ("word/document.xml", Format.DOCX),
        ("ppt/presentation.xml", Format.PPTX),
        ("xl/workbook.xml", Format.XLSX),
    ):
        if name in names:
            return kind
    if "[Content_Types].xml" in names:
        raise UnsupportedFormat(
            "The file is an Office document of a kind that is not read.", f"Read are {READABLE}."
        )
    return Format.ZIP


def _check_directory(data: bytes) -> None:
    """Refuse a table of contents that would take gigabytes once it is read."""
    end = data.rfind(b"PK\x05\x06", max(len(data) - _LONGEST_END, 0))
    size = int.from_bytes(data[end + 12 : end + 16], "little") if end >= 0 else 0
    large = data.rfind(b"PK\x06\x06", max(end - 1000, 0), max(end, 0))
    if size == 0xFFFFFFFF and large >= 0:
        size = int.from_bytes(data[large + 40 : large + 48], "little")
    if size > _LARGEST_DIRECTORY:
        raise DocumentTooLarge(
            f"The archive's table of contents has {size:,} bytes.", "Split it into parts."
        )


def _inside_ole(data: bytes) -> Format:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise EncryptedDocument(
            "The Office document is protected with a password.",
            "Save it without a password and add it again.",
        )
    return Format.OLE


def _refuse_binary(data: bytes) -> None:
    for opening, what in _OPENED.items():
        if data.startswith(opening):
            raise _unsupported(what)
    if data[4:8] == b"ftyp":
        raise _unsupported("an MP4 or QuickTime video")
    if data[:4] == b"RIFF" and data[8:12] in (b"WAVE", b"AVI ", b"WEBP"):
        raise _unsupported("a WebP picture" if data[8:12] == b"WEBP" else "a recording")
    if b"\0" in data[:8192] and read_bom(data)[0] is None:
        raise _unsupported("binary data of an unknown kind")


def recording_type(data: bytes) -> str:
    """The media type of an audio or video file, or ``""`` for what is neither."""
    for opening, kind in (
        (b"ID3", "audio/mpeg"),
        (b"\xff\xfb", "audio/mpeg"),
        (b"\xff\xf3", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1aE\xdf\xa3", "video/webm"),
    ):
        if data.startswith(opening):
            return kind
    if data[4:8] == b"ftyp":
        return "audio/mp4" if data[8:11] == b"M4A" else "video/mp4"
    if data[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(data[8:12], "")
    return ""


def _unsupported(what: str) -> UnsupportedFormat:
    action = f"Read are {READABLE}."
    if any(word in what for word in _RECORDINGS):
        action = "Add its transcript as a VTT or SRT file, or set CANDOR_SPEECH_MODEL."
    elif "picture" in what:
        action = "Turn text recognition on (CANDOR_OCR_LANGUAGES), or add its text."
    return UnsupportedFormat(f"The file is {what}.", action)


def _kind_of_text(file: FileToRead) -> Format:
    head = file.data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"WEBVTT"):
        return Format.VTT
    if _SRT.match(head):
        return Format.SRT
    declared = file.content_type.split(";")[0].strip().lower()
    named = _BY_SUFFIX.get(PurePosixPath(file.name.lower()).suffix)
    if declared == "application/xhtml+xml" or _starts_like_html(head):
        return Format.HTML
    if head.startswith(b"<?xml"):
        return _kind_of_xml(head)
    if named is None or (named is Format.HTML and not _HTML.search(head)):
        named = _by_declared(declared, head)
    if named in (Format.JSON, Format.JSONL) and not _is_json(file.data, named):
        return Format.TEXT
    if named is None and _MAIL.match(head) and b"\nFrom:" in b"\n" + head:
        return Format.EML
    return named or Format.TEXT


def _starts_like_html(head: bytes) -> bool:
    return bool(re.match(rb"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])", head, re.I | re.S))


def _kind_of_xml(head: bytes) -> Format:
    if re.search(rb"<html[\s>]|<!doctype\s+html", head, re.IGNORECASE):
        return Format.HTML
    raise UnsupportedFormat("The file is XML of a kind that is not read.", f"Read are {READABLE}.")


def _by_declared(declared: str, head: bytes) -> Format | None:
    if declared == "text/html":
        return Format.HTML if _HTML.search(head) else None
    told = (Format.MARKDOWN, Format.CSV, Format.JSON, Format.JSONL, Format.EML, Format.SRT)
    known = {kind.value: kind for kind in told}
    return known.get(declared)


def _is_json(data: bytes, kind: Format) -> bool:
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind is Format.JSONL:
        first = first.split(b"\n", 1)[0]
        try:
            json.loads(first)
        except ValueError:
            return False
        return True
    return first[:1] in (b"{", b"[")


def decode_text(file: FileToRead) -> str:
    """The file's characters: by its byte order mark, as UTF-8, as declared, or as it looks.

    Raises :class:`DamagedDocument` where no encoding fits.
    """
    encoding, bom = read_bom(file.data)
    data = file.data[len(bom) :] if bom else file.data
    for name in (encoding, "utf-8", http_content_type_encoding(file.content_type)):
        try:
            if name:
                return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    best = from_bytes(data[:200_000]).best()
    if best is None:
        raise DamagedDocument(
            "The file's text is in no known character encoding.", "Save it as UTF-8."
        )
    return data.decode(best.encoding, errors="replace")


def decode_html(data: bytes, content_type: str = "") -> str:
    """The page's characters as browsers read them; as they look, where that loses most of them.

    A page that says it is UTF-8, or says nothing, may be written in an older encoding.
    """
    _, html = html_to_unicode(content_type or None, data, default_encoding="utf-8")
    lost = html.count("\ufffd")
    if not lost or lost < sum(not character.isascii() for character in html) - lost:
        return html
    best = from_bytes(data[:200_000]).best()
    return data.decode(best.encoding, errors="replace") if best else html
