"""Which texts count as copies of each other."""

from __future__ import annotations

import random

import pytest

from ingestion.near_duplicates import Wording, are_copies, preference, resemblance

_WORDS = [f"{a}{b}" for a in ("ba", "ke", "li", "mo", "nu", "ra") for b in ("dan", "fel", "gor", "sim", "tos")]  # fmt: skip  # noqa: E501
_chance = random.Random(7)
TEXT = " ".join(_chance.choices(_WORDS, k=400))


@pytest.mark.parametrize(
    ("title", "text", "copy"),
    [
        pytest.param("Returns", TEXT, True, id="the same"),
        pytest.param("Returns - print view", f"Print this page. {TEXT}", True, id="print version"),
        pytest.param("Returns", TEXT.upper().replace(" ", "\n"), True, id="case and lines"),
        pytest.param("Returns", TEXT.replace("badan", "[badan](https://x/1)"), True, id="links"),
        pytest.param("Shipping", TEXT, False, id="a title that says something else"),
        pytest.param("Returns", f"{TEXT} 49.90", False, id="a number more"),
        pytest.param("Returns", " ".join(_chance.choices(_WORDS, k=400)), False, id="other words"),
        pytest.param("Returns", TEXT[: len(TEXT) // 2], False, id="half of it"),
    ],
)
def test_a_copy_says_the_same_but_for_its_frame(title: str, text: str, copy: bool) -> None:
    one, other = Wording("Returns", TEXT), Wording(title, text)
    assert are_copies(one, other) == copy == are_copies(other, one)
    if copy:
        assert set(one.bands()) & set(other.bands())


def test_two_articles_that_differ_in_name_and_price_are_two() -> None:
    one = Wording("Chair Oslo", f"The chair Oslo costs 149 euro. {TEXT}")
    other = Wording("Chair Bergen", f"The chair Bergen costs 179 euro. {TEXT}")
    assert resemblance(one, other) > 0.9
    assert not are_copies(one, other)


def test_what_resembles_is_found_by_its_bands() -> None:
    found = total = 0
    for _ in range(60):
        words = TEXT.split()
        start = _chance.randrange(len(words) - 20)
        words[start : start + 12] = _chance.choices(_WORDS, k=12)
        one, other = Wording("", TEXT), Wording("", " ".join(words))
        if resemblance(one, other) >= 0.9:
            total += 1
            found += bool(set(one.bands()) & set(other.bands()))
    assert total > 40
    assert found >= total - 1


def test_short_texts_are_copies_only_word_for_word() -> None:
    asked = Wording("", "How do I return an order? Send it back.")
    assert are_copies(asked, Wording("", "How do I return an order? Send it back!"))
    assert not are_copies(asked, Wording("", "How do I cancel an order? Send it back."))
    assert Wording("", "").bands() == []
    chinese = Wording("", "退货政策说明" * 20)
    assert len(chinese.words) == 120


def test_the_page_to_keep_is_told_by_its_address() -> None:
    places = ["https://x/a/print", "https://x/a?print=1", "upload:///a", "https://x/a", "https://x/b"]  # fmt: skip  # noqa: E501
    ranked = ["https://x/a", "https://x/b", "https://x/a/print", "https://x/a?print=1", "upload:///a"]  # fmt: skip  # noqa: E501
    assert sorted(places, key=preference) == ranked
