from __future__ import annotations

import pytest

from ingestion.parse.reader import read
from ingestion.parse.reading import FileToRead, reading_from_json, reading_to_json
from knowledge.types import MarkKind, ParsedDocument
from tests.ingestion.files import docx, locked_pdf, pdf, zipped

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def document(data: bytes, name: str = "", content_type: str = "") -> ParsedDocument:
    return read(FileToRead(data, name, content_type)).document_or_raise()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", "EmptyDocument", "empty"),
        (b" \n\0", "EmptyDocument", "empty"),
        (b"\x89PNG\r\n\x1a\n....", "UnsupportedFormat", "PNG"),
        (b"\0\0\0\x18ftypmp42", "UnsupportedFormat", "video"),
        (b"RIFF....WAVEfmt ", "UnsupportedFormat", "recording"),
        (b"\x7fELF\x02", "UnsupportedFormat", "program"),
        (b"abc\0\1\2def", "UnsupportedFormat", "binary"),
        (b"<?xml version='1.0'?><data/>", "UnsupportedFormat", "XML"),
        (b"PK\x03\x04 cut off", "DamagedDocument", "truncated"),
        (b"%PDF-1.7\n" + b"nothing of a PDF", "DamagedDocument", "PDF"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "EncryptedDocument", "password"),
        (locked_pdf(), "EncryptedDocument", "password"),
        (pdf("", ""), "ScannedDocument", "2 pages"),
        (docx(), "EmptyDocument", "no text"),
        (b"[{]", "DamagedDocument", "JSON"),
        (b"WEBVTT\n\nNOTE nothing\n", "EmptyDocument", "captions"),
        (docx(body="<w:p><w:r><w:t>" + "A" * 120_000_000), "DocumentTooLarge", "unpacks"),
    ],
)
def test_what_cannot_be_read_has_one_named_reason(data: bytes, error: str, words: str) -> None:
    reading = read(FileToRead(data, "file.json" if data.startswith(b"[") else "file.bin"))
    assert reading.document is None
    assert type(reading.failure).__name__ == error
    assert reading.failure is not None
    assert words in reading.failure.detail
    assert reading.failure.action
    again = reading_from_json(reading_to_json(reading))
    assert repr(again.failure) == repr(reading.failure)


def test_an_entity_bomb_is_not_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'
    data = docx(body="<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>").replace(b"", b"")
    assert read(FileToRead(data, "x.docx")).document is None
    page = f"<?xml version='1.0'?>{bomb}<html><body><main>words of it &e9;</main></body></html>"
    assert len(document(page.encode()).text) < 1000


def test_content_decides_where_the_name_is_wrong() -> None:
    assert document(pdf("Hello world"), "notes.txt").media_type == "application/pdf"
    assert document(docx("Hello world"), "notes.pdf").media_type.endswith("document")
    assert document(b"<!doctype html><p>Hello world", "a.txt").media_type == "text/html"
    assert document(b"Hello world", "a.pdf").media_type == "text/plain"
    assert document(b"not json at all", "a.json").media_type == "text/plain"


def test_pages_of_a_pdf_are_marked() -> None:
    found = document(pdf("First page", "", "Third page"))
    marks = [(mark.value, found.text[mark.offset :][:5]) for mark in found.marks]
    assert ("1", "First") in marks
    assert ("3", "Third") in marks
    assert all(mark.kind is MarkKind.PAGE for mark in found.marks)


def test_a_word_document_keeps_its_headings() -> None:
    found = document(docx("# Chapter", "Some words."), "book.docx")
    assert (found.title, found.text) == ("Chapter", "# Chapter\n\nSome words.")


def test_markdown_is_kept_without_its_front_matter() -> None:
    found = document(b"---\ntitle: 'The title'\n---\n# Other\r\n\r\nText.<!-- no -->", "a.md")
    assert (found.title, found.text) == ("The title", "# Other\n\nText.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_its_encoding(encoding: str) -> None:
    words = "Größere Überraschungen gibt es für die Käufer in Österreich nicht."
    found = document(words.encode(encoding), "a.txt")
    assert (found.text, found.language) == (words, "de")


def test_invisible_characters_are_dropped() -> None:
    assert document("a\x00\u200bb\x07 c\u00a0d\r\ne\n\n\n\nf \ng".encode("utf-16")).text == (
        "ab c d\ne\n\nf\ng"
    )


def test_subtitles_keep_their_times() -> None:
    vtt = (
        b"WEBVTT\n\nNOTE skip\n\n00:01.500 --> 00:02.000\n<v Ann>Hello there,\n\n"
        b"00:02.000 --> 00:03.000\n<v Ann>how are you?\n\n1:00:00.000 --> 1:00:01.000\nBye.\n"
    )
    found = document(vtt, "a.vtt")
    assert found.text == "Ann: Hello there, how are you?\n\nBye."
    assert [(mark.value, mark.offset) for mark in found.marks] == [("1.5", 0), ("3600", 32)]
    srt = (
        b"1\n00:00:01,000 --> 00:00:02,000\n<i>One.</i>\n\n2\n00:00:02,000 --> 00:00:03,000\nTwo.\n"
    )
    assert document(srt).text == "One.\n\nTwo."


def test_question_answer_pairs_become_sections() -> None:
    pairs = b'[{"question": "What is it?", "answer": "A thing."}, {"q": "Why?", "a": "Because."}]'
    text = "## What is it?\n\nA thing.\n\n## Why?\n\nBecause."
    assert document(pairs, "faq.json").text == text
    lines = b'{"q": "What is it?", "a": "A thing."}\n{"q": "Why?", "a": "Because."}\n'
    assert document(lines, "faq.jsonl").text == text
    assert (
        document(b'{"a": {"b": [1, true]}}', "x.json").text == "- a:\n  - b:\n    - 1\n    - true"
    )


def test_rows_become_a_table() -> None:
    found = document(b"Name;Price\nA|B;1\n\nC;2,5\n", "a.csv")
    assert found.text == "| Name | Price |\n| --- | --- |\n| A\\|B | 1 |\n| C | 2,5 |"


def test_mail_is_read_with_its_headers() -> None:
    mail = (
        b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\n"
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?="
        b"\r\nDate: Mon, 1 Jun 2026 10:00:00 +0200\r\nContent-Type: text/html\r\n\r\n"
        b"<p>Hi <b>Bob</b>"
    )
    found = document(mail, "a.eml")
    assert found.title == "Grüße"
    assert found.text.endswith("Hi Bob")
    assert found.modified_at is not None
    assert found.modified_at.hour == 8


def test_an_archive_within_an_office_format_is_told_apart() -> None:
    epub = zipped({"mimetype": "application/epub+zip"})
    assert type(read(FileToRead(epub)).failure).__name__ in ("EmptyDocument", "DamagedDocument")
    assert type(read(FileToRead(zipped({"a.txt": "x"}))).failure).__name__ == "UnsupportedFormat"
