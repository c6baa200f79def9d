"""What is read from PDFs whose pages are laid out in columns, tables and otherwise."""

from __future__ import annotations

import re

import pytest

from ingestion.parse import pdf as reading_of_pdf
from ingestion.parse.reader import read
from ingestion.parse.reading import FileToRead
from knowledge.types import ParsedDocument
from tests.ingestion.pdfs import Rule, Text, drawn_pdf, paragraph

LEFT = [
    "Pumps of the first series are filled by",
    "hand. They hold twelve litres of water,",
    "which is enough for a day of work in the",
    "garden or on the balcony of a flat. The",
    "lid is closed with the blue clamp. After-",
    "wards the pump is turned on at its foot.",
]
RIGHT = [
    "Pumps of the second series are filled by",
    "themselves, as long as they stand below",
    "the level of the water. A sieve keeps out",
    "leaves, and must be cleaned once a month.",
    "Its handle is red. Without it the engine",
    "would run dry and be damaged for good.",
]


def document(data: bytes) -> ParsedDocument:
    return read(FileToRead(data, "file.pdf")).document_or_raise()


@pytest.mark.parametrize("order", ["columns", "rows"])
def test_columns_are_read_one_after_the_other(order: str) -> None:
    title = Text(60, 80, "Instructions for pumps of both series", 20, "bold")
    left, right = paragraph(60, 120, LEFT), paragraph(320, 120, RIGHT)
    things = [*left, *right]
    if order == "rows":
        things = [text for pair in zip(left, right, strict=True) for text in pair]
    found = document(drawn_pdf([title, *things]))
    assert found.text == (
        "# Instructions for pumps of both series\n\n"
        "Pumps of the first series are filled by hand. They hold twelve litres of water, which is "
        "enough for a day of work in the garden or on the balcony of a flat. The lid is closed "
        "with the blue clamp. Afterwards the pump is turned on at its foot.\n\n"
        "Pumps of the second series are filled by themselves, as long as they stand below the "
        "level of the water. A sieve keeps out leaves, and must be cleaned once a month. Its "
        "handle is red. Without it the engine would run dry and be damaged for good."
    )
    assert found.title == "Instructions for pumps of both series"


def test_what_stands_below_two_columns_is_read_after_both() -> None:
    things = [*paragraph(60, 120, LEFT), *paragraph(320, 120, RIGHT)]
    found = document(drawn_pdf([*things, Text(60, 230, "Parts that you may need")]))
    assert found.text.endswith("damaged for good.\n\nParts that you may need")


ROWS = [("Plan", "Per month", "Storage"), ("Basic", "5 EUR", "10 GB"), ("Team | all", "9 EUR", "")]
TABLE = (
    "| Plan | Per month | Storage |\n| --- | --- | --- |\n"
    "| Basic | 5 EUR | 10 GB |\n| Team \\| all | 9 EUR |  |"
)


def cells(rows: list[tuple[str, ...]], top: float, step: float = 20) -> list[Text]:
    return [
        Text(70 + 130 * column, top + 14 + step * row, words)
        for row, line in enumerate(rows)
        for column, words in enumerate(line)
        if words
    ]


@pytest.mark.parametrize("ruled", [True, False])
def test_tables_keep_their_rows(ruled: bool) -> None:
    rows = ROWS if ruled else [*ROWS, ("Large", "20 EUR", "1 TB")]
    table: list[Text | Rule] = [*cells(rows, 200)]
    if ruled:
        table += [Rule(65, 200 + 20 * n, 455, 200 + 20 * n) for n in range(4)]
        table += [Rule(65 + 130 * n, 200, 65 + 130 * n, 260) for n in range(4)]
    before = paragraph(65, 150, ["What each plan costs and how much it", "can hold, before taxes:"])
    after = paragraph(65, 330, ["Prices hold until the end of the year."])
    text = document(drawn_pdf([*before, *table, *after])).text
    assert text == (
        "What each plan costs and how much it can hold, before taxes:\n\n"
        + TABLE
        + ("" if ruled else "\n| Large | 20 EUR | 1 TB |")
        + "\n\nPrices hold until the end of the year."
    )


def test_cells_that_were_merged_stay_with_their_row() -> None:
    level = [Rule(65, y, 325, y) for y in (200, 220, 260)] + [Rule(195, 240, 325, 240)]
    upright = [Rule(65, 200, 65, 260), Rule(195, 220, 195, 260), Rule(325, 200, 325, 260)]
    words = [
        Text(110, 214, "Opening hours of the shop"),
        Text(70, 234, "Weekdays"),
        Text(200, 234, "from nine"),
        Text(200, 254, "to five"),
    ]
    text = document(drawn_pdf([*words, *level, *upright])).text
    assert text == (
        "| Opening hours of the shop |  |\n| --- | --- |\n| Weekdays | from nine |\n|  | to five |"
    )


def test_right_to_left_text_is_in_the_order_in_which_it_is_read() -> None:
    # Each line stands at the right edge; the second one holds a number, and ends early.
    lines = ["המשאבה עומדת ליד הבריכה", "מחיר המשאבה הוא 250 שקל"]
    drawn = [
        Text(500 - 6 * len(lines[0]), 100, lines[0], 10, "hebrew"),
        Text(500 - 6 * 15, 114, "מחיר המשאבה הוא", 10, "hebrew"),
        Text(500 - 6 * 19, 114, "052", 10, "hebrew"),
        Text(500 - 6 * 23, 114, "לקש"[::-1], 10, "hebrew"),
    ]
    found = document(drawn_pdf(drawn))
    assert found.text == " ".join(lines)


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        [
            Text(60, 40, "Handbook of the Example Company"),
            *paragraph(
                60, 120, [f"What page number {word} says of it is", "told in this sentence."]
            ),
            Text(300, 770, f"Page {n} of 4"),
        ]
        for n, word in enumerate(("one", "two", "three", "four"), start=1)
    ]
    found = document(drawn_pdf(*pages))
    assert "Handbook" not in found.text
    assert "of 4" not in found.text
    assert len(re.findall("told in this sentence", found.text)) == 4
    starts = [found.text[mark.offset :][:23] for mark in found.marks]
    assert starts[2] == "What page number three "


def test_headings_lists_and_code_are_told_apart() -> None:
    things = [
        Text(60, 80, "Setting up the server", 18, "bold"),
        *paragraph(
            60, 110, ["The server is set up in two steps, and", "needs no licence of any kind."]
        ),
        Text(60, 150, "First steps", 13, "bold"),
        Text(60, 175, "\xb7 Unpack the archive into a folder that"),
        Text(68, 187, "nobody else may write to."),
        Text(60, 205, "\xb7 Start it."),
        Text(60, 230, "if port is None:", 10, "mono"),
        Text(84, 242, "port = 8000", 10, "mono"),
    ]
    assert document(drawn_pdf(things)).text == (
        "# Setting up the server\n\n"
        "The server is set up in two steps, and needs no licence of any kind.\n\n"
        "## First steps\n\n"
        "- Unpack the archive into a folder that nobody else may write to.\n\n"
        "- Start it.\n\n"
        "```\nif port is None:\n    port = 8000\n```"
    )


def test_letters_of_a_size_are_of_one_size_whatever_their_font() -> None:
    lines = (
        "A parcel that was sent back is paid for within",
        "thirty days, see",
        "and it is free.",
    )
    link = Text(72 + 70, 112, "https://help.example/returns for how", font="tall")
    first, second, third = paragraph(72, 100, lines)
    whole = Text(72, 136, "This paragraph is set in the other font alone.", font="tall")
    found = document(drawn_pdf([first, second, link, third, whole])).text
    assert "paid for within thirty days, see https://help.example/returns for how and" in found
    assert "#" not in found


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_turned_pages_are_read_like_others(rotate: int) -> None:
    words = paragraph(60, 120, LEFT[:3])
    found = document(drawn_pdf(words, rotate=rotate))
    assert sorted(found.text.split()) == sorted(" ".join(LEFT[:3]).split())


def test_a_broken_page_leaves_the_others_as_they_are() -> None:
    pages = [paragraph(60, 100, [f"Page {n} says something of its own."]) for n in range(3)]
    broken = drawn_pdf(*pages).replace(b"/Kids [9 0 R 11 0 R", b"/Kids [9 0 R 99 0 R")
    found = document(broken)
    assert found.text == "Page 0 says something of its own.\n\nPage 2 says something of its own."
    assert ("3", "Page 2") in [(m.value, found.text[m.offset :][:6]) for m in found.marks]


def test_more_pages_than_may_be_read_have_one_named_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_of_pdf, "MOST_PAGES_WITH_LAYOUT", 2)
    monkeypatch.setattr(reading_of_pdf, "MOST_PAGES", 3)
    pages = [paragraph(60, 100, [f"Page {n} says something of its own."]) for n in range(4)]
    plain = document(drawn_pdf(*pages[:3]))
    assert [mark.value for mark in plain.marks] == ["1", "2", "3"]
    assert "page by page" in plain.warnings[0]
    failure = read(FileToRead(drawn_pdf(*pages))).failure
    assert type(failure).__name__ == "DocumentTooLarge"
    assert failure is not None
    assert "4 pages" in failure.detail


def test_ten_thousand_pages_are_read_or_refused_within_limits() -> None:
    page = paragraph(60, 100, ["The same few words on every page."])
    found = document(drawn_pdf(*[page] * 10_000))
    assert found.marks[-1].value == "10000"
    assert "page by page" in found.warnings[0]
