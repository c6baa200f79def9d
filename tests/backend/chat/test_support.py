from __future__ import annotations

from uuid import uuid4

import pytest

from backend.chat.support import SupportChecker
from knowledge.encode.bundled import BundledEncoder
from knowledge.types import Hit
from tests.backend.chat.pages import HISTORY, REFUNDS


def hit(text: str) -> Hit:
    return Hit(uuid4(), uuid4(), uuid4(), "Page", "https://a.example", (), text, (0, len(text)), 1)


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("A refund is paid within 14 days.", "A refund is paid within 14 days of the return."),
        (
            "You get your money back on the card you paid with.",
            "It goes back to the card that was charged.",
        ),
        ("Shipping costs are not refunded.", "Shipping is not refunded."),
    ],
)
def test_the_place_that_supports_a_sentence(
    encoder: BundledEncoder, sentence: str, place: str
) -> None:
    (span,) = SupportChecker(encoder, "").supported(sentence, [hit(REFUNDS)])
    assert span is not None
    assert place in REFUNDS[slice(*span)]


@pytest.mark.parametrize(
    "sentence",
    ["Bees make honey from nectar.", "The office opens on Monday morning.", "Yes."],
)
def test_a_passage_that_does_not_speak_of_it(encoder: BundledEncoder, sentence: str) -> None:
    assert SupportChecker(encoder, "").supported(sentence, [hit(REFUNDS)]) == [None]


def test_a_number_must_stand_in_a_cited_passage_or_in_the_question(
    encoder: BundledEncoder,
) -> None:
    sentence = "The firm was founded in 1987 and has 300 people."
    founded = hit(HISTORY)
    assert SupportChecker(encoder, "").supported(sentence, [founded]) == [None]
    spans = SupportChecker(encoder, "Does it have 300 people?").supported(sentence, [founded])
    assert spans != [None]


def test_each_cited_passage_is_judged_by_itself(encoder: BundledEncoder) -> None:
    sentence = "The firm was founded by two sailors in Kiel."
    spans = SupportChecker(encoder, "").supported(sentence, [hit(REFUNDS), hit(HISTORY)])
    assert spans[0] is None
    assert spans[1] is not None
