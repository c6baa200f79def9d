"""PPTX: every slide a page, with its notes; hidden ones are left out."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections import Counter

from lxml import etree

from ingestion.parse.draft import Draft
from ingestion.parse.extraction import extract, parse_time, tidy
from ingestion.parse.formats import Format
from ingestion.parse.reading import FileToRead
from knowledge.types import MarkKind

_SLIDE_NUMBER = re.compile(r"\n\s*\d{1,4}\s*\Z")
_FEWEST_SLIDES = 5
_LONGEST_FURNITURE = 80
_LARGEST_PART = 20_000_000
_HIDDEN = (b"0", b"false")
_SHOW = re.compile(rb"<p:sld\b[^>]*?\sshow=[\"'](\w+)[\"']")
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def parse_slides(file: FileToRead) -> Draft:
    """The slides in order, each marked with its number as the program that shows them counts."""
    found = extract(file.data, Format.PPTX, file.name, written="markdown")
    draft = Draft(
        media_type=Format.PPTX.value,
        title=tidy(found.metadata.title or ""),
        modified_at=parse_time(found.metadata.modified_at),
    )
    slides = [
        (page.page_number, _SLIDE_NUMBER.sub("", tidy(page.content)), page.speaker_notes or "")
        for page in found.pages or []
    ]
    furniture = _furniture([text for _, text, _ in slides])
    hidden = set(_hidden_slides(file.data))
    for number, text, notes in slides:
        if number in hidden:
            continue
        draft.mark(MarkKind.PAGE, str(number))
        lines = [line for line in text.split("\n") if line.strip() not in furniture]
        draft.add("\n".join(lines))
        if notes.strip() and notes.strip() not in text:
            draft.add(tidy(notes))
    if hidden:
        draft.warnings.append(f"Hidden slides are not read: {', '.join(map(str, sorted(hidden)))}.")
    return draft


def _furniture(texts: list[str]) -> set[str]:
    """Short lines that stand on most slides: a footer, a date, the initials of a speaker."""
    if len(texts) < _FEWEST_SLIDES:
        return set()
    seen = Counter(line for text in texts for line in {n.strip() for n in text.split("\n")})
    return {
        line
        for line, count in seen.items()
        if line
        and count > len(texts) / 2
        and len(line) <= _LONGEST_FURNITURE
        and not line.startswith(("#", "|"))
    }


def _hidden_slides(data: bytes) -> list[int]:
    """The numbers of slides that are not shown, from 1."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:

            def part(name: str) -> bytes:
                with archive.open(name) as file:
                    return file.read(_LARGEST_PART)

            places = {
                relation.get("Id"): relation.get("Target", "")
                for relation in etree.fromstring(part("ppt/_rels/presentation.xml.rels"), parser)
            }
            show = etree.fromstring(part("ppt/presentation.xml"), parser)
            slides = [places.get(node.get(_ID), "") for node in show.iter("{*}sldId")]
            names = [posixpath.normpath(posixpath.join("ppt", place)) for place in slides]
            found = [_SHOW.search(part(name.lstrip("/"))) for name in names]
    except (KeyError, zipfile.BadZipFile, etree.XMLSyntaxError, OSError, RuntimeError, ValueError):
        return []
    return [n for n, told in enumerate(found, start=1) if told and told.group(1) in _HIDDEN]
