"""Time and memory of reading large documents: a PDF of 193 pages, and the longest Word file.

The PDF is put together from those of a folder, page after page and again from the start, so that
it holds what they hold: columns, tables, code, text from the right.
"""

from __future__ import annotations

import asyncio
import io
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import pypdfium2

from ingestion.parse.pool import ParseLimits, ParserPool
from ingestion.parse.reading import FileToRead

PAGES = 193


async def large_documents(folder: Path) -> list[dict[str, Any]]:
    """For each document: seconds, characters, and the most memory its reader held, in MB."""
    found = await asyncio.to_thread(_documents, folder)
    return [await _measured(name, data) for name, data in found if data]


def _documents(folder: Path) -> list[tuple[str, bytes]]:
    words = sorted(folder.glob("*.docx"), key=lambda path: path.stat().st_size)
    longest = [(path.name, path.read_bytes()) for path in words[-1:]]
    return [(f"{PAGES} pages of PDF", pdf_of(folder)), *longest]


async def _measured(name: str, data: bytes) -> dict[str, Any]:
    async with ParserPool(ParseLimits(processes=1)) as parser:
        await parser.read(FileToRead(b"warm"))
        began = time.perf_counter()
        reading = await parser.read(FileToRead(data, name))
        seconds = time.perf_counter() - began
        (reader,) = parser.pids
        return {
            "file": name,
            "s": round(seconds, 2),
            "characters": len(reading.document_or_raise().text),
            "reader_mb": _peak_mb(reader),
        }


def _peak_mb(process: int) -> int:
    """The most memory that a process has held, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(n.split()[1]) for n in status.splitlines() if n.startswith("VmHWM")) // 1024


def pdf_of(folder: Path, pages: int = PAGES) -> bytes:
    """A PDF with so many pages, taken in turn from those of a folder that hold text."""
    sources = list(filter(None, map(_opened, sorted(folder.glob("*.pdf")))))
    if not sources:
        return b""
    made = pypdfium2.PdfDocument.new()
    for source in cycle(sources):
        made.import_pages(source, list(range(min(len(source), pages - len(made)))))
        if len(made) >= pages:
            break
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def _opened(path: Path) -> pypdfium2.PdfDocument | None:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return None
    return document if document[0].get_textpage().count_chars() else None
