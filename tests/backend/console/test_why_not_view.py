"""Every change that why-not may tell is put in words, and on a button where it makes a rule."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from backend.api.schemas.rules import RuleBody
from backend.console.why_not_view import tries, verdict
from backend.explain.change import Change, Counterfactual
from backend.explain.verdict import STAGES, Cutoff, WhyNot

CHUNK, DOCUMENT, RULE = uuid4(), uuid4(), uuid4()
NOW = {"sparse": 0.6, "dense": 0.4}


def told(change: Change) -> WhyNot:
    changes = Counterfactual(10, 12, (change,))
    return WhyNot("fusion", "It lost.", "", CHUNK, DOCUMENT, 12, (), changes)


@pytest.mark.parametrize(
    ("change", "words", "offered"),
    [
        (
            Change("expansion", "bulb", 0.12345, 3, True),
            "with weight 0.123",
            {"kind": "expansion", "chunk_id": CHUNK, "text": "bulb", "factor": 0.124},
        ),
        (
            Change("term", "bulb", 1.5, 3, True),
            "1.5 times as much",
            {"kind": "term", "text": "bulb", "factor": 1.5},
        ),
        (
            Change("term", "bulb", 0.4567, 3, True),
            "0.457 times as much",
            {"kind": "term", "text": "bulb", "factor": 0.456},
        ),
        (
            Change("weight", "dense", 0.9, 3, True),
            "the meaning arm the weight 0.9",
            {"kind": "settings", "settings": {"weights": {"sparse": 0.6, "dense": 0.9}}},
        ),
        (Change("page", "bulb", 1.0, 3, False), "Write “bulb” on the page", None),
        (
            Change("rerank", "", 0.0, 3, True),
            "Search without the reranker",
            {"kind": "settings", "settings": {"rerank": False}},
        ),
        (
            Change("rerank_candidates", "", 4.0, 3, True),
            "Have 4 passages reranked",
            {"kind": "settings", "settings": {"rerank_candidates": 4}},
        ),
        (
            Change("diversity", "", 0.25, 3, True),
            "Set diversity to 0.25",
            {"kind": "settings", "settings": {"diversity": 0.25}},
        ),
        (
            Change("per_document", "", 2.0, 3, True),
            "Allow 2 passages of one document",
            {"kind": "settings", "settings": {"per_document": 2}},
        ),
        (
            Change("without", "document hidden", 0.0, 3, True, str(RULE)),
            "End the rule “document hidden”",
            RULE,
        ),
        (Change("term", "bulb", 200.0, 3, True), "200 times", None),
    ],
)
def test_a_change_in_words_and_on_its_button(
    change: Change, words: str, offered: dict[str, object] | UUID | None
) -> None:
    found = told(change)
    assert words in str(verdict(found))
    *own, (_, pin) = tries(found, "a question", NOW)
    assert isinstance(pin, RuleBody)
    assert pin.document_id == DOCUMENT
    if offered is None:
        assert own == []
    elif isinstance(offered, UUID):
        assert [offer for _, offer in own] == [offered]
    else:
        ((_, body),) = own
        assert isinstance(body, RuleBody)
        assert body == RuleBody(query="a question", **offered)
        body.rule()  # search would take it


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_its_words(stage: str) -> None:
    lines = (Cutoff("place", 12, 10, 2), Cutoff("diversity", 0.5, 0.75, 0.25))
    shown = str(verdict(WhyNot(stage, "It lost.", cutoffs=lines)))
    assert f">{stage}<" not in shown
    assert ">2<" in shown
    assert ">0.2500<" in shown
