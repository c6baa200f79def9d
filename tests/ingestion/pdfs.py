"""PDF files made by the tests, word by word and line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.ingestion.files import pdf_of

WIDTH, HEIGHT = 612, 792
_TALL = (
    "Times-Roman /FontDescriptor << /Type /FontDescriptor /FontName /Times-Roman /Flags 32 "
    "/Ascent 1400 /Descent -500 /FontBBox [0 -500 1000 1400] /CapHeight 700 /ItalicAngle 0 "
    "/StemV 80 >>"
)
_FONTS = {"plain": "Helvetica", "bold": "Helvetica-Bold", "mono": "Courier", "tall": _TALL}


@dataclass(frozen=True)
class Text:
    """Words with their left end and baseline, in points from the upper left corner."""

    x: float
    y: float
    words: str
    size: float = 10
    font: str = "plain"


@dataclass(frozen=True)
class Rule:
    """A drawn line."""

    x: float
    y: float
    to_x: float
    to_y: float


def paragraph(x: float, y: float, lines: Sequence[str], *, step: float = 12) -> list[Text]:
    """Lines under one another."""
    return [Text(x, y + n * step, line) for n, line in enumerate(lines)]


def drawn_pdf(*pages: Sequence[Text | Rule], rotate: int = 0) -> bytes:
    """A PDF with these things on its pages, written in this order."""
    count = len(pages)
    kids = " ".join(f"{9 + 2 * n} 0 R" for n in range(count))
    names = " ".join(f"/{name} {3 + n} 0 R" for n, name in enumerate([*_FONTS, "hebrew"]))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        *(f"<< /Type /Font /Subtype /Type1 /BaseFont /{base} >>" for base in _FONTS.values()),
        "<< /Type /Font /Subtype /Type0 /BaseFont /Shapes /Encoding /Identity-H /ToUnicode 8 0 R "
        "/DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Shapes /DW 600 "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>",
        _stream(
            "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> "
            "endcodespacerange 1 beginbfrange <0000> <ffff> <0000> endbfrange endcmap end"
        ),
    ]
    for n, things in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Rotate {rotate} "
            f"/Contents {10 + 2 * n} 0 R /Resources << /Font << {names} >> >> >>"
        )
        objects.append(_stream("\n".join(map(_drawn, things))))
    return pdf_of(objects)


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _drawn(thing: Text | Rule) -> str:
    if isinstance(thing, Rule):
        start, end = (thing.x, HEIGHT - thing.y), (thing.to_x, HEIGHT - thing.to_y)
        return f"{start[0]} {start[1]} m {end[0]} {end[1]} l S"
    words = "".join(f"\\{c}" if c in "()\\" else c for c in thing.words)
    shown = f"({words})"
    if thing.font == "hebrew":
        # Programs draw such letters from the left, in the order in which they are seen.
        shown = "<" + thing.words[::-1].encode("utf-16-be").hex() + ">"
    return f"BT /{thing.font} {thing.size} Tf {thing.x} {HEIGHT - thing.y} Td {shown} Tj ET"
