"""EPUB: the chapters in the order of the book, each an HTML page."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from urllib.parse import unquote

from lxml import etree

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import parse_time
from ingestion.parse.formats import Format, decode_html
from ingestion.parse.html import add_html_fragment
from ingestion.parse.reading import FileToRead
from knowledge.errors import DamagedDocument, DocumentTooLarge, EncryptedDocument

_MOST_BYTES = 100_000_000
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_DC = "{http://purl.org/dc/elements/1.1/}"


def parse_epub(file: FileToRead) -> Draft:
    """The book's chapters. Its table of contents is left out: it repeats their headings."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            return _Book(archive).draft()
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, OSError) as error:
        raise _damaged(str(error)) from error
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _damaged(f"its list of chapters is not valid: {error}") from error


def _damaged(what: str) -> DamagedDocument:
    return DamagedDocument(
        f"The e-book is broken: {what}.", "Export it again and add the new copy."
    )


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._left = _MOST_BYTES

    def draft(self) -> Draft:
        package = self._package()
        root = self._xml(package)
        draft = Draft(media_type=Format.EPUB.value)
        draft.title = _told(root, "title")
        draft.language = _told(root, "language").split("-")[0].lower()[:2]
        draft.modified_at = parse_time(_told(root, "date"))
        locked = self._locked()
        missing = 0
        for name in self._chapters(root, posixpath.dirname(package)):
            if name in locked:
                raise EncryptedDocument(
                    "The e-book is protected against copying (DRM).",
                    "Add a copy without protection.",
                )
            if name not in self._names:
                missing += 1
                continue
            add_html_fragment(draft, decode_html(self._read(name)))
        if missing:
            draft.warnings.append(f"{missing} chapters that the e-book names are not in it.")
        return draft

    def _package(self) -> str:
        """The name of the file that lists the parts of the book."""
        if _CONTAINER in self._names:
            for node in self._xml(_CONTAINER).iter("{*}rootfile"):
                if node.get("full-path") in self._names:
                    return str(node.get("full-path"))
        for name in sorted(self._names):
            if name.endswith(".opf"):
                return name
        raise _damaged("it does not list its chapters")

    def _chapters(self, root: etree._Element, folder: str) -> list[str]:
        """The names of the chapters' files, in the order in which they are read."""
        items = {item.get("id"): item for item in root.iter("{*}item")}
        names = []
        for reference in root.iter("{*}itemref"):
            item = items.get(reference.get("idref"))
            if item is None or item.get("media-type") not in _PAGES:
                continue
            if "nav" in (item.get("properties") or "").split():
                continue
            place = unquote((item.get("href") or "").split("#")[0])
            names.append(posixpath.normpath(posixpath.join(folder, place)))
        return list(dict.fromkeys(names))

    def _locked(self) -> set[str]:
        """The files that are encrypted; fonts often are, and are not read."""
        if _ENCRYPTION not in self._names:
            return set()
        nodes = self._xml(_ENCRYPTION).iter("{*}CipherReference")
        return {unquote(str(node.get("URI") or "")) for node in nodes}

    def _xml(self, name: str) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        return etree.fromstring(self._read(name), parser)

    def _read(self, name: str) -> bytes:
        with self._archive.open(name) as file:
            data = file.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise DocumentTooLarge(
                f"The e-book unpacks to more than {_MOST_BYTES:,} bytes.", "Split it into parts."
            )
        return data


def _told(root: etree._Element, name: str) -> str:
    found = next(root.iter(_DC + name), None)
    return (found.text or "").strip() if found is not None else ""
