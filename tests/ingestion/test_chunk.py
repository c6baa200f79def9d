from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.chunk import SPECIAL_TOKENS, Chunker, passage_text
from ingestion.parse.draft import clean
from knowledge.passage_text import PassageContext
from knowledge.types import Chunk, Mark, MarkKind, ParsedDocument, Span
from tests.ingestion.words import WordTokens


def chunks_of(
    text: str, target: int = 30, longest: int = 60, marks: tuple[Mark, ...] = (), title: str = "T"
) -> list[Chunk]:
    document = ParsedDocument(title=title, text=text, media_type="text/markdown", marks=marks)
    return Chunker(WordTokens(), target, longest).chunks(document)


words = st.text(alphabet="abcdefg .!?\n#-*|`>1é漢~_[]<", min_size=0, max_size=60)
blocks = st.one_of(
    words,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###"]), words),
    st.builds(lambda n, w: "\n".join(f"- {w} {i}" for i in range(n)), st.integers(1, 30), words),
    st.builds(lambda n: "|a|b|\n|-|-|\n" + "\n".join(["|one|two|"] * n), st.integers(0, 60)),
    st.builds(lambda n, w: f"```\n{w}\n" + "x = 1\n" * n + "```", st.integers(0, 50), words),
    st.builds(lambda n: "endless" * n, st.integers(1, 200)),
)
documents = st.lists(blocks, max_size=12).map(lambda parts: clean("\n\n".join(parts)).strip("\n"))


@settings(max_examples=150, deadline=None)
@given(documents, st.integers(8, 60), st.integers(60, 120))
def test_chunks_are_slices_in_order_within_the_limit(text: str, target: int, longest: int) -> None:
    found = chunks_of(text, target, longest)
    end = 0
    for ordinal, chunk in enumerate(found):
        start, stop = chunk.span
        assert chunk.ordinal == ordinal
        assert end <= start < stop
        assert chunk.text == text[start:stop]
        assert chunk.text.strip()
        encoded = passage_text("T", chunk)
        assert encoded.endswith(chunk.text)
        assert WordTokens().count_tokens([encoded])[0] + SPECIAL_TOKENS <= longest
        end = stop


@settings(max_examples=150, deadline=None)
@given(documents)
def test_every_word_is_in_a_chunk_or_in_the_heading_above_one(text: str) -> None:
    found = chunks_of(text)
    covered = bytearray(len(text))
    for chunk in found:
        covered[chunk.span[0] : chunk.span[1]] = b"\1" * (chunk.span[1] - chunk.span[0])
    headings = {word for chunk in found for part in chunk.heading for word in part.split()}
    for word in re.finditer(r"[a-z0-9é漢]+", text):
        is_heading = any(word.group() in told for told in headings)
        assert all(covered[word.start() : word.end()]) or is_heading


def test_a_section_is_one_passage_under_its_headings() -> None:
    one, other = "word " * 25, "other " * 25
    found = chunks_of(f"# A\n\n## B\n\n{one}\n\n## C\n\n{other}", target=40)
    assert [chunk.heading for chunk in found] == [("A", "B"), ("A", "C")]
    assert found[0].text == one.strip()
    assert passage_text("T", found[1]) == f"T > A > C\n\n{other.strip()}"


def test_a_heading_that_repeats_the_title_is_encoded_once() -> None:
    chunk = Chunk(ordinal=0, text="x", span=(0, 1), heading=("Title", "Sub"))
    assert passage_text("Title", chunk) == "Title > Sub\n\nx"


def test_what_is_encoded_in_front_of_a_passage_is_a_setting() -> None:
    text = "# A\n\n" + "word " * 300
    longest = SPECIAL_TOKENS + 60
    encoded = {}
    for context in get_args(PassageContext):
        chunker = Chunker(WordTokens(), 60, longest, context)
        found = chunker.chunks(ParsedDocument("One two three", text, "text/markdown"))
        encoded[context] = texts = [passage_text("One two three", c, context) for c in found]
        assert max(WordTokens().count_tokens(texts)) <= longest - SPECIAL_TOKENS
    assert encoded["title+headings"][0].startswith("One two three > A\n\nword")
    assert encoded["title"][0].startswith("One two three\n\nword")
    assert encoded["none"][0].startswith("word")
    # What is not encoded leaves room for text.
    assert len(encoded["none"]) < len(encoded["title+headings"])


def test_sections_of_a_few_words_are_put_together_with_their_headings() -> None:
    text = "# A\n\n## B\n\none\n\n## C\n\ntwo"
    assert [(chunk.text, chunk.heading) for chunk in chunks_of(text)] == [
        ("## B\n\none\n\n## C\n\ntwo", ("A",))
    ]


def test_a_heading_without_a_text_is_not_lost() -> None:
    assert [chunk.text for chunk in chunks_of("# Only this")] == ["# Only this"]


def test_a_code_block_up_to_the_limit_is_whole() -> None:
    code = "```\n" + "value = 1\n" * 12 + "```"
    assert code in [chunk.text for chunk in chunks_of(f"{'word ' * 28}\n\n{code}", 30, 64)]


def test_a_long_table_repeats_its_header_with_every_part() -> None:
    rows = "\n".join(f"| key{n} | value{n} |" for n in range(30))
    found = chunks_of(f"| Name | Price |\n| --- | --- |\n{rows}", 40, 80)
    assert len(found) > 2
    assert found[0].repeated == ""
    assert {chunk.repeated for chunk in found[1:]} == {"| Name | Price |"}
    assert all(chunk.text.startswith("| ") and chunk.text.endswith(" |") for chunk in found)


def test_a_long_list_is_cut_between_its_items() -> None:
    text = "\n".join(f"- item number {n} of the list" for n in range(30))
    assert all(chunk.text.startswith("- item") for chunk in chunks_of(text))


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = " ".join(f"This is sentence number {n} of it." for n in range(20))
    assert all(chunk.text.endswith("of it.") for chunk in chunks_of(text))


def test_an_endless_word_is_cut_all_the_same() -> None:
    class Unknown(WordTokens):
        def token_spans(self, text: str) -> list[tuple[int, int]]:
            return [m.span() for m in re.finditer(r"\S+", text)]

    document = ParsedDocument(title="", text="x" * 100_000, media_type="text/plain")
    found = Chunker(Unknown(), 50, 64).chunks(document)
    assert max(len(chunk.text) for chunk in found) <= 1000


def test_a_link_definition_is_text_like_any_other() -> None:
    text = "[name]: https://example.org/page\n\nmore"
    assert chunks_of(text)[0].text == text


def test_page_time_and_anchor_come_from_the_marks() -> None:
    long = "word " * 30
    text = f"# A\n\n{long}\n\n## B\n\n{long}\n\n## C\n\n{long}".replace(" \n", "\n").strip()
    marks = (
        Mark(MarkKind.PAGE, 0, "1"),
        Mark(MarkKind.ANCHOR, 0, "a"),
        Mark(MarkKind.ANCHOR, text.index("## B"), "b"),
        Mark(MarkKind.TIME, text.index("## B"), "61.5"),
        Mark(MarkKind.PAGE, text.index("## C"), "2"),
    )
    found = chunks_of(text, 40, 60, marks)
    assert [chunk.page for chunk in found] == [1, 1, 2]
    assert [chunk.seconds for chunk in found] == [None, 61.5, 61.5]
    # C has no id of its own: a link to its parent is right, one to its neighbour is not.
    assert [chunk.anchor for chunk in found] == ["a", "b", "a"]


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_makes_no_chunks(text: str) -> None:
    assert chunks_of(text) == []


class MeteredTokens(WordTokens):
    """Adds up the characters that are cut into tokens."""

    total = largest = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self._note(sum(map(len, texts)))
        return super().count_tokens(texts)

    def token_spans(self, text: str) -> list[Span]:
        self._note(len(text))
        return super().token_spans(text)

    def _note(self, characters: int) -> None:
        self.total += characters
        self.largest = max(self.largest, characters)


_CELLS = "| 12 and more | b |" * 1_500


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("some words. " * 60_000, id="one line"),
        pytest.param("!?" * 200_000, id="one line without a space"),
        pytest.param("# " + "some words " * 30_000, id="one heading"),
        pytest.param("\n".join(["- an item of a list"] * 10_000), id="one list"),
        pytest.param("\n\n".join(["A short paragraph."] * 10_000), id="one section"),
        pytest.param(f"{_CELLS}\n{'|-|-|' * 1_500}\n" + f"{_CELLS}\n" * 20, id="a wide table"),
    ],
)
def test_work_and_memory_grow_with_the_text_alone(text: str) -> None:
    tokens = MeteredTokens()
    document = ParsedDocument(title="T", text=text.strip(), media_type="text/plain")
    found = Chunker(tokens, 100, 200).chunks(document)
    assert tokens.total <= 2 * len(text) + 200 * len(found)
    assert tokens.largest <= 1 << 17
    words = re.compile(r"[\w!?]+")
    assert sum(len(words.findall(chunk.text)) for chunk in found) >= len(words.findall(text))


def test_a_long_block_is_cut_the_same_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f"- {'word ' * (n % 17)}number {n}." for n in range(3_000))
    whole = chunks_of(text)
    monkeypatch.setattr("ingestion.chunk._READ_AT_ONCE", 3_000)
    assert chunks_of(text) == whole
