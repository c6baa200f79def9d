from __future__ import annotations

import pytest

from backend.chat.understand import clean, language_of, leans, understand
from backend.chat.writer import Exchange
from knowledge.errors import InvalidQuery

ASKED = (Exchange("How long is the refund period for private customers?", "Fourteen days."),)


async def query(question: str, history: tuple[Exchange, ...] = ASKED) -> str:
    return (await understand(question, history, None)).query


@pytest.mark.parametrize(
    "question",
    [
        "and for companies?",
        "What about companies?",
        "Why?",
        "How long does it take?",
        "Und für Firmen?",
        "¿Y para empresas?",
        "Does that cost anything?",
    ],
)
async def test_a_follow_up_takes_the_words_of_the_question_before(question: str) -> None:
    found = await query(question)
    assert "refund period" in found
    assert found.endswith(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do I install the program on Linux?",
        "What does the large plan cost?",
        "Where is the office in Kiel?",
        "opening hours",
    ],
)
async def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert not leans(question)
    assert await query(question) == question


async def test_a_first_question_takes_nothing() -> None:
    assert await query("and for companies?", ()) == "and for companies?"


async def test_a_chain_of_follow_ups_keeps_its_subject() -> None:
    history = (
        Exchange("How do I install the program on Linux?", ""),
        Exchange("and on Windows?", ""),
    )
    assert await query("and on a Mac?", history) == "install program Linux Windows and on a Mac?"


async def test_what_is_asked_again_is_not_said_twice() -> None:
    found = await query("and the refund period for companies?")
    assert found.count("refund") == 1


@pytest.mark.parametrize("said", ["Hello!", "hi", "Guten Tag", "¡Hola!", "Bonjour", "thanks!"])
async def test_small_talk_needs_no_search(said: str) -> None:
    assert (await understand(said, (), None)).reply


async def test_a_question_that_begins_with_a_greeting_is_a_question() -> None:
    assert not (await understand("Hello, when is a refund paid?", (), None)).reply


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I reset my password?", "en"),
        ("Wie setze ich mein Passwort zurück?", "de"),
        ("Comment puis-je payer ?", "fr"),
        ("¿Cuánto cuesta el plan grande?", "es"),
        ("退款需要多久？", "zh"),
        ("返金はいつですか", "ja"),
        ("متى يتم الدفع؟", "ar"),
        ("zzz", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


def test_cleaning_keeps_the_words() -> None:
    assert clean(" How\tdo\x00 I\n pay?\u202e ", 100) == "How do I pay?"
    assert clean("e\u0301te\u0301", 100) == "été"


@pytest.mark.parametrize("text", ["", "  \n\t", "?!…", "\x00\x01"])
def test_nothing_to_search_for(text: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        clean(text, 100)
    assert raised.value.action


def test_too_long() -> None:
    with pytest.raises(InvalidQuery, match="100,000 characters long; at most 2,000"):
        clean("word " * 20_000, 2_000)
