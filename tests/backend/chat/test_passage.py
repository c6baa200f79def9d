from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.chat.inline import readable
from backend.chat.passage import Kind, pieces, sentence_spans
from knowledge.encode.words import words
from tests.backend.chat.pages import PAGES


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "en",
            "It costs 3.5 euros. See v2.4.1, e.g. at https://a.example/x.html. Done!",
            ["It costs 3.5 euros.", "See v2.4.1, e.g. at https://a.example/x.html.", "Done!"],
        ),
        (
            "en",
            "Dr. A. Weber et al. wrote it. The U.S. office reads it.",
            ["Dr. A. Weber et al. wrote it.", "The U.S. office reads it."],
        ),
        (
            "en",
            "It needs approx. 3.5 km of line. Then stop.",
            ["It needs approx. 3.5 km of line.", "Then stop."],
        ),
        ("en", "Run `a. b` first. Then `c`.", ["Run `a. b` first.", "Then `c`."]),
        (
            "de",
            "Das gilt z. B. am 3. Mai. Danach nicht.",
            ["Das gilt z. B. am 3. Mai.", "Danach nicht."],
        ),
        (
            "zh",
            "今天天气很好。我们去公园吧！好的。",
            ["今天天气很好。", "我们去公园吧！", "好的。"],
        ),
        ("ar", "ما هذا؟ هذا كتاب.", ["ما هذا؟", "هذا كتاب."]),
        ("hi", "यह एक किताब है। वह अच्छा है।", ["यह एक किताब है।", "वह अच्छा है।"]),
    ],
)
def test_sentences(language: str, text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text, language)] == expected


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ('a **bold** [link *here*](https://a.example/b_(c) "t") end', "a bold link here end"),
        ("![logo](a.png) see [docs][1] and <https://a.example>", "see docs and https://a.example"),
        ("use `a*b*c` and snake_case_name", "use `a*b*c` and snake_case_name"),
        ("2 * 3 is 6, 5 < 6 &amp; 7 > 1", "2 * 3 is 6, 5 < 6 & 7 > 1"),
        (r"a\_b \*not\* it", "a_b *not* it"),
        ("one\n   two<br>three[^4]", "one twothree"),
    ],
)
def test_readable(source: str, seen: str) -> None:
    found = readable(source)
    assert found.text == seen
    assert list(found.origin) == sorted(found.origin)


def test_blocks_are_told_apart() -> None:
    text = (
        "# Title\n\nRun this:\n\n```sh\nls\n```\n\n1. One\n1. Two\n   - Inner\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n> Quoted. Twice.\n"
    )
    found = pieces(text)
    assert [(piece.kind, piece.mark, piece.text) for piece in found] == [
        (Kind.HEADING, "", "Title"),
        (Kind.SENTENCE, "", "Run this:"),
        (Kind.CODE, "", "```sh\nls\n```"),
        (Kind.ITEM, "1.", "One"),
        (Kind.ITEM, "2.", "Two"),
        (Kind.ITEM, "  -", "Inner"),
        (Kind.HEADER, "", "| a | b |\n|---|---|"),
        (Kind.ROW, "", "| 1 | 2 |"),
        (Kind.SENTENCE, "", "Quoted."),
        (Kind.SENTENCE, "", "Twice."),
    ]
    assert found[1].introduces


def test_rows_whose_header_is_elsewhere_read_as_items() -> None:
    found = pieces("| Small | 5 euros |\n| Large | 20 euros |")
    assert [piece.text for piece in found] == ["Small · 5 euros", "Large · 20 euros"]


MARKDOWN = st.text(
    st.sampled_from(list("ab Z1.!?:\n\n#*_`[]()|->~<&;\\é中。")), max_size=200
) | st.sampled_from([page.chunks[0] for page in PAGES])


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
def test_pieces_are_disjoint_and_stand_where_they_say(text: str) -> None:
    found = pieces(text)
    for before, after in pairwise(found):
        assert before.span[1] <= after.span[0]
    for piece in found:
        start, end = piece.span
        assert 0 <= start < end <= len(text)
        if piece.kind in (Kind.SENTENCE, Kind.QUESTION):
            said = {word.form for word in words(piece.text)}
            assert said <= {word.form for word in words(readable(text).text)} | said
