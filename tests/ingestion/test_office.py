"""What is read from office files, as the programs and libraries that make them write them."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement, parse_xml
from pptx import Presentation
from pptx.util import Inches

from ingestion.parse import workbook as reading_of_workbooks
from ingestion.parse.reader import read
from ingestion.parse.reading import FileToRead
from knowledge.types import ParsedDocument
from tests.ingestion.files import zipped


def document(data: bytes, name: str = "") -> ParsedDocument:
    return read(FileToRead(data, name)).document_or_raise()


def saved(made: Any) -> bytes:
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def at_marks(found: ParsedDocument) -> list[tuple[str, str]]:
    """Each mark with the line that stands there."""
    return [(mark.value, found.text[mark.offset :].split("\n", 1)[0]) for mark in found.marks]


def test_slides_are_pages_with_their_tables_and_notes() -> None:
    made = Presentation()
    title, only, blank = (made.slide_layouts[n] for n in (1, 5, 6))
    slide = made.slides.add_slide(title)
    slide.shapes.title.text = "Opening hours"
    slide.placeholders[1].text = "Monday: nine to five"
    slide.notes_slide.notes_text_frame.text = "Holidays differ."
    hidden = made.slides.add_slide(title)
    hidden.shapes.title.text = "Purchase prices"
    hidden._element.set("show", "0")
    slide = made.slides.add_slide(only)
    slide.shapes.title.text = "Prices"
    grid = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for place, words in enumerate(("Item", "Price", "Tour & guide", "#20 < 30 EUR")):
        grid.cell(place // 2, place % 2).text = words
    slide = made.slides.add_slide(blank)
    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    run = box.text_frame.paragraphs[0].add_run()
    run.text, run.font.bold = "Bring ", True
    box.text_frame.paragraphs[0].add_run().text = "a_good_coat"
    found = document(saved(made))
    assert at_marks(found) == [
        ("1", "## Opening hours"),
        ("3", "## Prices"),
        ("4", "## Bring a_good_coat"),
    ]
    assert "Monday: nine to five\n\nHolidays differ." in found.text
    assert "| Item | Price |\n| --- | --- |\n| Tour & guide | #20 < 30 EUR |" in found.text
    assert "Purchase" not in found.text
    assert found.warnings == ("Hidden slides are not read: 2.",)


def test_what_stands_on_every_slide_is_left_out() -> None:
    made = Presentation()
    for number in range(6):
        slide = made.slides.add_slide(made.slide_layouts[5])
        slide.shapes.title.text = f"Topic {number}"
        box = slide.shapes.add_textbox(Inches(1), Inches(6), Inches(4), Inches(1))
        box.text_frame.text = "Example Company, confidential"
    found = document(saved(made))
    assert found.text.count("Topic") == 6
    assert "confidential" not in found.text


def workbook() -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    prices = made.active
    assert prices is not None
    prices.title = "Prices"
    prices.append(["Our prices for this year"])
    prices.append([])
    prices.append(["Region", "Product", None, "Price", "Share", "Since", "Open", "Sold"])
    row = ["North", "Pump | A", None, 1234.5, 0.125, date(2026, 3, 1), time(9, 30), True]
    prices.append(row)
    prices.append([None, "Valve\nlong", None, 0.1 + 0.2, 1, datetime(2026, 3, 1, 14, 5)])
    prices.merge_cells("A4:A5")
    prices["D4"].number_format, prices["E4"].number_format = '#,##0.00 "EUR"', "0.0%"
    prices["E5"].number_format = "0%"
    stock = made.create_sheet("Stock")
    stock.append(["Item", "Count"])
    stock.append(["Sieve", 2_000_000])
    secret = made.create_sheet("Purchase")
    secret.append(["Pump", 3.5])
    secret.sheet_state = "hidden"
    return made


def test_sheets_are_tables_with_values_as_they_are_shown() -> None:
    found = document(saved(workbook()))
    assert found.text == (
        "## Prices\n\nOur prices for this year\n\n"
        "| Region | Product | Price | Share | Since | Open | Sold |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| North | Pump \\| A | 1,234.50 EUR | 12.5% | 2026-03-01 | 09:30 | true |\n"
        "| North | Valve long | 0.3 | 100% | 2026-03-01 14:05 |  |  |\n\n"
        "## Stock\n\n| Item | Count |\n| --- | --- |\n| Sieve | 2000000 |"
    )
    assert found.warnings == ("Hidden sheets are not read: Purchase.",)


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (1234.5, "General", "1234.5"),
        (-3, "#,##0;(#,##0)", "-3"),
        (1500, "[$€-407] #,##0.00", "€1,500.00"),
        (1500, '#,##0.00\\ "kWh"', "1,500.00 kWh"),
        (2.5, "0.0##", "2.5"),
        (0.1234, "0.00%", "12.34%"),
        (7, "00000", "7"),
        (123456789012, "0", "123456789012"),
    ],
)
def test_numbers_are_written_with_their_format(value: float, form: str, shown: str) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["Name", "Value"])
    sheet.append(["one", value])
    sheet["B2"].number_format = form
    assert document(saved(made)).text.endswith(f"| one | {shown} |")


def test_a_large_workbook_is_read_without_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_of_workbooks, "_LARGEST", 100)
    found = document(saved(workbook()))
    assert "## Stock\n\n| Item | Count |\n| --- | --- |\n| Sieve | 2000000 |" in found.text
    assert "| 1234.5 | 0.125 | 2026-03-01 |" in found.text
    assert "Purchase" not in found.text
    assert found.warnings == (
        "The workbook is large: its values were read without their formats.",
        "Hidden sheets are not read: Purchase.",
    )


def test_a_broken_workbook_has_one_named_reason() -> None:
    with zipfile.ZipFile(io.BytesIO(saved(workbook()))) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    for part in ("xl/worksheets/sheet1.xml", "xl/workbook.xml"):
        broken = zipped({**parts, part: parts[part][: len(parts[part]) // 2]})
        assert type(read(FileToRead(broken)).failure).__name__ == "DamagedDocument"


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def word_file() -> Any:
    made = docx.Document()
    made.add_heading("Handbook", 1)
    made.add_paragraph("Plain, ").add_run("bold").bold = True
    own = made.styles.add_style("Own", 1)
    own.base_style = made.styles["Heading 2"]
    made.add_paragraph("Own heading", style="Own")
    made.add_paragraph("first", style="List Bullet")
    made.add_paragraph("second", style="List Bullet")
    grid = made.add_table(rows=2, cols=2)
    for place, words in enumerate(("Plan", "Price", "Team | all", "5 < 6 # *")):
        grid.cell(place // 2, place % 2).text = words
    made.sections[0].header.paragraphs[0].text = "Example Company"
    runs = (
        "<w:r><w:t>Kept</w:t></w:r>"
        "<w:del><w:r><w:delText> deleted</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t> inserted</w:t></w:r></w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>"
        "<w:hyperlink><w:r><w:t> linked</w:t></w:r></w:hyperlink>"
    )
    made.element.body.insert(-1, parse_xml(f"<w:p {WORD}>{runs}</w:p>"))
    return made


def test_a_word_document_is_read_as_its_readers_see_it() -> None:
    assert document(saved(word_file())).text == (
        "# Handbook\n\nPlain, bold\n\n## Own heading\n\n- first\n- second\n\n"
        "| Plan | Price |\n| --- | --- |\n| Team \\| all | 5 < 6 # * |\n\n"
        "Kept inserted linked"
    )


def test_pages_of_a_word_document_are_told_where_its_program_noted_them() -> None:
    made = word_file()
    made.add_page_break()
    made.add_heading("Second part", 1)
    assert document(saved(made)).marks == ()
    made = word_file()
    heading = made.add_heading("", 1)
    run = heading.add_run()
    run._element.append(OxmlElement("w:lastRenderedPageBreak"))
    run.add_text("Second part")
    assert at_marks(document(saved(made))) == [("1", "# Handbook"), ("2", "# Second part")]


ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "style")
)


def opendocument(kind: str, styles: str, body: str) -> bytes:
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {ODF}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body>{body}</office:body>"
            "</office:document-content>",
        }
    )


def odf_rows(*rows: tuple[str, ...]) -> str:
    cells = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    lines = ("".join(map(cells.format, row)) for row in rows)
    return "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)


def test_opendocument_texts_keep_spaces_lists_and_tables() -> None:
    unseen = (
        '<style:style style:name="U"><style:text-properties text:display="none"/></style:style>'
    )
    line = (
        "<text:p>A line<text:tab/>with<text:s/><text:span>parts</text:span>"
        '<text:span text:style-name="U"> unseen</text:span><text:note><text:note-citation>1'
        "</text:note-citation><text:note-body><text:p>as a note says</text:p></text:note-body>"
        "</text:note></text:p>"
    )
    items = (
        "<text:list><text:list-item><text:p>alpha</text:p><text:list><text:list-item>"
        "<text:p>within</text:p></text:list-item></text:list></text:list-item>"
        "<text:list-item><text:p>beta</text:p></text:list-item></text:list>"
    )
    grid = f"<table:table>{odf_rows(('City', 'People'), ('Köln', '1 Mio'))}</table:table>"
    body = f'<office:text><text:h text:outline-level="1">Guide</text:h>{line}{items}{grid}'
    assert document(opendocument("text", unseen, f"{body}</office:text>")).text == (
        "# Guide\n\nA line with parts (as a note says)\n\n- alpha\n  - within\n- beta\n\n"
        "| City | People |\n| --- | --- |\n| Köln | 1 Mio |"
    )


def test_opendocument_sheets_are_read_as_they_are_shown() -> None:
    unseen = (
        '<style:style style:name="U"><style:table-properties table:display="false"/></style:style>'
    )
    # The end of a sheet is told as one empty cell in a million empty rows.
    end = (
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell '
        'table:number-columns-repeated="1000"/></table:table-row>'
    )
    shown = odf_rows(("Zone", "Preis"), ("A", "2,50 €")) + end
    body = (
        f'<office:spreadsheet><table:table table:name="Tarife">{shown}</table:table><table:table '
        f'table:name="Einkauf" table:style-name="U">{odf_rows(("secret", "3"))}</table:table>'
        "</office:spreadsheet>"
    )
    found = document(opendocument("spreadsheet", unseen, body))
    assert found.text == "## Tarife\n\n| Zone | Preis |\n| --- | --- |\n| A | 2,50 € |"
    assert found.warnings == ("Hidden sheets are not read: Einkauf.",)


def test_rtf_keeps_its_characters_headings_and_tables() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}"
        rb"{\stylesheet{\s0 Normal;}{\s1\b heading 1;}{\*\cs10 Own;}}{\info{\title Notes}}"
        rb"{\header Running head}{\footer Foot}\pard\s1\b Big heading\b0\par"
        rb"\pard\s0 Gr\'f6\'dfe \u28450? \u8364\'80 a\~b{\v hidden}\par"
        rb"{\f1\'cf\'f0\'e8\'e2\'e5\'f2}\par{\b bold} {\i words}\par"
        rb"\trowd\cellx2000\cellx4000 Name\cell Price\cell\row"
        rb"\trowd\cellx2000\cellx4000 Tea\cell 3\cell\row"
        rb'\pard{\field{\*\fldinst{HYPERLINK "http://x"}}{\fldrslt linked}} end\par}'
    )
    found = document(rtf)
    assert found.title == "Notes"
    assert found.text == (
        "# Big heading\n\nGröße 漢 € a b\n\nПривет\n\nbold words\n\n"
        "| Name | Price |\n| --- | --- |\n| Tea | 3 |\n\nlinked end"
    )


def book(spine: str, **more: str | bytes) -> bytes:
    page = "<html xmlns='http://www.w3.org/1999/xhtml'><body>{}</body></html>"
    items = "".join(
        f"<item id='{name}' href='text/{name}%20x.xhtml' media-type='application/xhtml+xml'/>"
        for name in "abc"
    )
    container = "<container><rootfiles><rootfile full-path='in/book.opf'/></rootfiles></container>"
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "in/book.opf": "<package xmlns:dc='http://purl.org/dc/elements/1.1/'><metadata>"
            "<dc:title>The book</dc:title><dc:language>en-GB</dc:language></metadata><manifest>"
            "<item id='nav' href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/>"
            f"{items}</manifest><spine><itemref idref='nav'/>{spine}</spine></package>",
            "in/nav.xhtml": page.format("<ol><li>Contents</li></ol>"),
            "in/text/a x.xhtml": page.format("<h1>One</h1><p>First <em>words</em>.</p>"),
            "in/text/b x.xhtml": page.format("<h1>Two</h1><p>See <a href='#x'>there</a>.</p>"),
            "in/text/c x.xhtml": page.format("<p>Not a chapter.</p>"),
            **more,
        }
    )


def test_chapters_of_an_e_book_are_read_in_their_order() -> None:
    found = document(book("<itemref idref='b'/><itemref idref='a'/>"))
    assert found.text == "# Two\n\nSee there.\n\n# One\n\nFirst words."
    assert (found.title, found.language) == ("The book", "en")


def test_a_protected_e_book_is_named() -> None:
    locked = "<encryption><CipherReference URI='in/text/a%20x.xhtml'/></encryption>"
    data = book("<itemref idref='a'/>", **{"META-INF/encryption.xml": locked})
    failure = read(FileToRead(data)).failure
    assert type(failure).__name__ == "EncryptedDocument"


MAIL = (
    "From: Ann <ann@example.org>\nTo: bob@example.org\nSubject: Offer\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=B\n\n--B\n"
    "Content-Type: multipart/alternative; boundary=A\n\n--A\nContent-Type: text/plain\n\n"
    "Plain words of the offer\n--A\nContent-Type: text/html\n\n"
    "<p>Rich words of the offer</p>{rich}\n--A--\n--B\n"
    "Content-Type: text/csv; name=prices.csv\nContent-Disposition: attachment\n\n"
    "Item,Price\nPump,5\n--B\n"
    "Content-Type: image/png; name=logo.png\nContent-Disposition: attachment\n\n\x89PNG\n--B\n"
    "Content-Type: message/rfc822\n\nFrom: x@example.org\nSubject: Question\n\nInner words\n--B--\n"
)


def test_attachments_of_a_mail_are_read_with_it() -> None:
    found = document(MAIL.format(rich="").encode("latin-1"), "a.eml")
    assert found.title == "Offer"
    assert found.text == (
        "- From: Ann <ann@example.org>\n- To: bob@example.org\n\nPlain words of the offer\n\n"
        "## prices.csv\n\n| Item | Price |\n| --- | --- |\n| Pump | 5 |\n\n"
        "## Question\n\n- From: x@example.org\n\nInner words"
    )
    assert len(found.warnings) == 1
    assert "logo.png" in found.warnings[0]
    rows = "<table><tr><th>Item</th></tr><tr><td>Pump</td></tr></table>"
    rich = document(MAIL.format(rich=rows).encode("latin-1"), "a.eml").text
    assert "Rich words of the offer\n\n| Item |\n| --- |\n| Pump |" in rich
    assert "Plain words" not in rich


def test_broken_lines_of_jsonl_are_told_and_the_others_read() -> None:
    lines = b'{"q": "Why?", "a": "Because."}\n{broken\n\n{"title": "Two", "text": "Words."}\n'
    found = document(lines, "a.jsonl")
    assert found.text == "## Why?\n\nBecause.\n\n## Two\n\nWords."
    assert found.warnings == ("1 lines are not valid JSON: 2.",)
