from __future__ import annotations

from uuid import uuid4

import pytest

from backend.chat.evidence import Asked, Candidate, open_passages, rate
from backend.chat.inline import readable
from knowledge.encode.words import words
from knowledge.store.passages import read_passages
from knowledge.types import Hit
from tests.backend.chat.conftest import Desk, Desks, answer_of
from tests.filled import Page


async def assert_quoted(desk: Desk, final: object) -> None:
    """Every cited sentence stands, word for word, where its citation says."""
    ids = [citation.chunk_id for citation in final.citations]
    async with desk.filled.database.reading() as session:
        passages = await read_passages(session, ids)
    for citation in final.citations:
        start, end = citation.sentence
        assert 0 <= start < end <= len(final.answer)
        text = passages[citation.chunk_id].text
        first, last = citation.span
        assert 0 <= first < last <= len(text)
        said = [word.form for word in words(readable(final.answer[start:end]).text)]
        written = [word.form for word in words(readable(text[first:last]).text)]
        assert said == written


QUESTIONS = (
    "How do I install it on Linux?",
    "How can I reset my password?",
    "What does the large plan cost?",
    "When is a refund paid?",
    "Who founded the firm?",
    "How long do companies wait for a refund?",
)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_citation_is_word_for_word(desk: Desk, question: str) -> None:
    final = answer_of(await desk.stream(question))
    assert not final.abstained
    assert final.citations
    assert final.model == "extractive"
    await assert_quoted(desk, final)


async def test_a_command_stays_with_the_sentence_that_introduces_it(desk: Desk) -> None:
    final = await desk.ask("How do I install it on Linux?")
    assert final.answer.startswith(
        "To install the program on Linux, run:\n\n```sh\napt install harbour\n"
    )
    assert final.citations[0].address == "https://help.example/install"


async def test_steps_are_quoted_whole_and_in_order(desk: Desk) -> None:
    final = await desk.ask("How can I reset my password?")
    at = [
        final.answer.index(step)
        for step in (
            "1. Open Settings and choose Security.",
            "2. Press Reset password.",
            "3. Follow the link in the e-mail within 30 minutes.",
        )
    ]
    assert at == sorted(at)


LOCKERS = (
    "# Lockers\n\nA locker keeps a parcel for three days. A code opens it. The code comes by text.",
    "A locker that does not open is reported by its number, which stands on its door.",
)


async def test_a_short_paragraph_is_quoted_whole_from_the_beginning_of_its_section(
    desk: Desk,
) -> None:
    await desk.filled.add(Page("https://help.example/lockers", LOCKERS, "Lockers"))
    final = await desk.ask("What are lockers?")
    assert final.answer.startswith("A locker keeps a parcel for three days. A code opens it. The")
    await assert_quoted(desk, final)


@pytest.mark.parametrize(
    "pointer",
    ["See also lockers abroad.", "For more details, ask about lockers abroad."],
)
def test_a_sentence_that_sends_the_reader_elsewhere_counts_less(pointer: str) -> None:
    text = f"This is how lockers abroad work.\n\nThese are lockers abroad.\n\n{pointer}"
    hit = Hit(uuid4(), uuid4(), uuid4(), "", "", (), text, (0, len(text)), 1.0)
    passages = open_passages([hit])
    asked = Asked(None, {"locker": 0.5, "abroad": 0.5})
    plain, away = (
        rate(asked, Candidate(0, at, passages[0].pieces[at], 1.0), 0.5, passages) for at in (1, 2)
    )
    assert away.lead < plain.lead
    assert away.score < plain.score


async def test_a_row_comes_with_the_head_of_its_table(desk: Desk) -> None:
    final = await desk.ask("What does the Large plan cost?")
    assert "| Plan | Price | Storage |" in final.answer
    assert "| Large | 20 euros | 500 GB |" in final.answer


async def test_numbers_count_passages_in_order_of_use(desk: Desk) -> None:
    final = await desk.ask("How long does a refund take?")
    order = list(dict.fromkeys(citation.chunk_id for citation in final.citations))
    for citation in final.citations:
        assert citation.id == order.index(citation.chunk_id) + 1


async def test_a_question_is_no_answer(desk: Desk) -> None:
    final = await desk.ask("Is shipping refunded?")
    assert "Shipping is not refunded." in final.answer
    assert "Is shipping refunded?" not in final.answer


@pytest.mark.parametrize(
    "question",
    ["What is the capital of Mongolia?", "How do bees make honey?", "qqq zzz xxy?"],
)
async def test_it_abstains_rather_than_guess(desk: Desk, question: str) -> None:
    final = answer_of(await desk.stream(question))
    assert final.abstained
    assert final.citations == ()
    assert question in final.answer


async def test_it_abstains_in_the_language_of_the_question(desk: Desk) -> None:
    final = await desk.ask("Wie hoch ist der Mount Everest?")
    assert final.abstained
    assert final.answer.startswith("Dazu habe ich keine Antwort gefunden.")


async def test_confidence_zero_always_quotes(desks: Desks) -> None:
    final = await desks.open(confidence=0.0).ask("What is the capital of Mongolia?")
    assert not final.abstained


async def test_the_same_sentence_on_two_pages_is_said_once(desks: Desks, desk: Desk) -> None:
    twin = "The firm was founded in 1987 by two sailors in Kiel."
    await desk.filled.add(Page("https://help.example/about", (twin,), "About"))
    final = await desk.ask("When was the firm founded, and by whom?")
    assert final.answer.count("two sailors") == 1


async def test_an_empty_knowledge_base_is_said_to_have_nothing(desk: Desk) -> None:
    desk.filled.knowledge_base_id = desk.filled.workspace_id
    final = await desk.ask("When is a refund paid?")
    assert final.abstained
    assert "Refunds" not in final.answer
