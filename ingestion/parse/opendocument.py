"""OpenDocument: texts (ODT), sheets (ODS) and slides (ODP)."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from lxml import etree

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import parse_time
from ingestion.parse.formats import Format
from ingestion.parse.reading import FileToRead
from ingestion.parse.rows import MOST_ROWS, add_sheet, markdown_table
from knowledge.errors import DamagedDocument, DocumentTooLarge, EncryptedDocument
from knowledge.types import MarkKind

_LARGEST_PART = 100_000_000
_NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "presentation": "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
}
_MOST_COLUMNS = 1_000
_MOST_LEVELS = 6


def _name(prefixed: str) -> str:
    prefix, name = prefixed.split(":")
    return f"{{{_NAMES[prefix]}}}{name}"


_P, _H, _LIST, _ITEM = (_name(f"text:{n}") for n in ("p", "h", "list", "list-item"))
_TABLE, _ROW, _CELL, _COVERED = (
    _name(f"table:{n}") for n in ("table", "table-row", "table-cell", "covered-table-cell")
)
_TITLES = ("title", "subtitle")
_LEFT_OUT = {
    _name(name)
    for name in (
        "text:tracked-changes",
        "text:table-of-content",
        "text:alphabetical-index",
        "text:note-citation",
        "text:hidden-text",
        "text:hidden-paragraph",
        "office:annotation",
        "office:forms",
        "presentation:notes",
        "text:sequence-decls",
    )
}


def parse_opendocument(file: FileToRead, kind: Format) -> Draft:
    """The document's text with its headings, lists and tables."""
    draft = Draft(media_type=kind.value)
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            names = set(archive.namelist())
            if "META-INF/manifest.xml" in names and b"encryption-data" in _read(
                archive, "META-INF/manifest.xml"
            ):
                raise EncryptedDocument(
                    "The file is protected with a password.",
                    "Save it without a password and add it again.",
                )
            if "meta.xml" in names:
                _add_facts(draft, _parsed(_read(archive, "meta.xml")))
            body = _parsed(_read(archive, "content.xml"))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, OSError) as error:
        raise _damaged(str(error)) from error
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _damaged(f"its text is not valid XML: {error}") from error
    _Reader(draft, body).read(kind)
    return draft


def _damaged(what: str) -> DamagedDocument:
    return DamagedDocument(f"The file is broken: {what}.", "Save it again and add the new copy.")


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        data = part.read(_LARGEST_PART + 1)
    if len(data) > _LARGEST_PART:
        raise DocumentTooLarge(
            f"The file unpacks to more than {_LARGEST_PART:,} bytes.", "Split it into parts."
        )
    return data


def _parsed(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    return etree.fromstring(data, parser)


def _add_facts(draft: Draft, meta: etree._Element) -> None:
    for node in meta.iter():
        match etree.QName(node).localname if isinstance(node.tag, str) else "":
            case "title":
                draft.title = (node.text or "").strip()
            case "date":
                draft.modified_at = parse_time((node.text or "").split(".")[0])
            case "language":
                draft.language = (node.text or "").strip()[:2].lower()


class _Reader:
    def __init__(self, draft: Draft, root: etree._Element) -> None:
        self._draft = draft
        self._root = root
        self._unseen = {
            style.get(_name("style:name"))
            for style in root.iter(_name("style:style"))
            for facts in style
            if facts.get(_name("table:display")) == "false"
            or facts.get(_name("presentation:visibility")) == "hidden"
            or facts.get(_name("text:display")) == "none"
        }

    def read(self, kind: Format) -> None:
        body = self._root.find(f"{_name('office:body')}/*")
        if body is None:
            return
        match kind:
            case Format.ODS:
                self._sheets(body)
            case Format.ODP:
                self._slides(body)
            case _:
                self._blocks(body)

    def _blocks(self, parent: etree._Element) -> None:
        for node in parent:
            if node.tag in _LEFT_OUT or not isinstance(node.tag, str):
                continue
            if node.tag == _H:
                level = _number(node.get(_name("text:outline-level")), 1, _MOST_LEVELS)
                words = " ".join(self._text(node).split())
                self._draft.add(f"{'#' * level} {words}" if words else "")
            elif node.tag == _P:
                self._draft.add(self._text(node))
            elif node.tag == _LIST:
                self._draft.add("\n".join(self._items(node, 0)))
            elif node.tag == _TABLE:
                rows = [row for row in self._rows(node) if any(row)]
                self._draft.add(markdown_table(rows) if rows else "")
            else:
                self._blocks(node)

    def _text(self, node: etree._Element) -> str:
        """A paragraph's words; what is hidden or set as a comment is not among them."""
        parts = [node.text or ""]
        for child in node:
            if isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
                parts.append(self._inline(child))
            parts.append(child.tail or "")
        return "".join(parts)

    def _inline(self, node: etree._Element) -> str:
        match etree.QName(node).localname:
            case "s":
                return " " * _number(node.get(_name("text:c")), 1, 100)
            case "tab":
                return " "
            case "line-break":
                return "\n"
            case "note":
                return f" ({' '.join(self._text(node).split())})"
            case "p" | "h" | "text-box" | "frame" | "list" | "list-item":
                return f" {self._text(node).strip()} "
        if node.get(_name("text:style-name")) in self._unseen:
            return ""
        return self._text(node)

    def _items(self, node: etree._Element, depth: int) -> Iterator[str]:
        for item in node:
            if not isinstance(item.tag, str):
                continue
            own = [" ".join(self._text(n).split()) for n in item if n.tag in (_P, _H)]
            if any(own):
                yield f"{'  ' * depth}- {' '.join(filter(None, own))}"
            for inner in item:
                if inner.tag == _LIST and depth < _MOST_LEVELS:
                    yield from self._items(inner, depth + 1)

    def _rows(self, table: etree._Element) -> Iterator[list[str]]:
        count = 0
        for row in table.iter(_ROW):
            if row.get(_name("table:visibility")) in ("collapse", "filter"):
                continue
            cells: list[str] = []
            for cell in row:
                if cell.tag not in (_CELL, _COVERED):
                    continue
                words = " ".join(" ".join(self._text(n).split()) for n in cell.iter(_P, _H)).strip()
                again = _number(cell.get(_name("table:number-columns-repeated")), 1, _MOST_COLUMNS)
                cells += [words] * min(again, _MOST_COLUMNS - len(cells))
            while cells and not cells[-1]:
                cells.pop()
            # Empty rows and cells are told by the million, as the end of the sheet.
            again = _number(row.get(_name("table:number-rows-repeated")), 1, MOST_ROWS)
            for _ in range(again if any(cells) else 1):
                if (count := count + 1) > MOST_ROWS:
                    return
                yield cells

    def _sheets(self, body: etree._Element) -> None:
        hidden = []
        for table in body.iter(_TABLE):
            name = table.get(_name("table:name")) or ""
            if table.get(_name("table:style-name")) in self._unseen:
                hidden.append(name)
                continue
            add_sheet(self._draft, name, list(self._rows(table)))
        if hidden:
            self._draft.warnings.append(f"Hidden sheets are not read: {', '.join(hidden)}.")

    def _slides(self, body: etree._Element) -> None:
        hidden = []
        for number, page in enumerate(body.iter(_name("draw:page")), start=1):
            if page.get(_name("draw:style-name")) in self._unseen:
                hidden.append(str(number))
                continue
            self._draft.mark(MarkKind.PAGE, str(number))
            for frame in page:
                if not isinstance(frame.tag, str) or frame.tag in _LEFT_OUT:
                    continue
                if frame.get(_name("presentation:class")) in _TITLES[:1]:
                    words = " ".join(" ".join(self._text(n) for n in frame.iter(_P)).split())
                    self._draft.add(f"## {words}" if words else "")
                else:
                    self._blocks(frame)
            for notes in page.iter(_name("presentation:notes")):
                for words in notes.iter(_P):
                    self._draft.add(self._text(words))
        if hidden:
            self._draft.warnings.append(f"Hidden slides are not read: {', '.join(hidden)}.")


def _number(told: str | None, least: int, most: int) -> int:
    try:
        return min(max(int(told or least), least), most)
    except ValueError:
        return least
