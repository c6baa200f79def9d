from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from backend.insights import clusters
from backend.insights.clusters import cluster
from backend.insights.questions import packed, text_key
from backend.models import open_encoder
from knowledge.settings import Settings
from knowledge.store.queries.question_groups import QuestionGroup
from tests.backend.insights.alike import SERVER, SHOP


def group(text: str, vector: Sequence[float], asked: int = 1) -> QuestionGroup:
    return QuestionGroup(
        text_key=text_key(text),
        text=text,
        message_id=UUID(int=1),
        conversation_id=UUID(int=2),
        assistant_id=None,
        last_asked=datetime(2026, 1, 1, tzinfo=UTC),
        asked=asked,
        badly=0,
        abstained=0,
        unhelpful=0,
        reformulated=0,
        unsure=0,
        vector=packed(np.asarray(vector, np.float32)) if len(vector) else b"",
    )


def texts(found: list[clusters.Cluster]) -> list[tuple[str, ...]]:
    return [tuple(group.text for group in one.groups) for one in found]


def test_near_questions_are_one_and_the_most_asked_stands_for_them() -> None:
    groups = [
        group("refund", (1, 0, 0), asked=9),
        group("parcel", (0, 1, 0)),
        group("money back", (0.9, 0.1, 0), asked=2),
        group("no vector", ()),
        group("another size", (1, 0)),
    ]
    found = cluster(groups, alike=0.8)
    assert texts(found) == [
        ("refund", "money back"),
        ("parcel",),
        ("no vector",),
        ("another size",),
    ]
    assert (found[0].main.text, found[0].total("asked")) == ("refund", 11)
    assert cluster([], alike=0.8) == []


def test_rare_questions_join_the_nearest_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_LINKED", 2)
    groups = [
        group("refund", (1, 0, 0), asked=9),
        group("parcel", (0, 1, 0), asked=5),
        group("money back", (0.9, 0.1, 0)),
        group("hours", (0, 0, 1)),
        group("open on Sunday", (0, 0, 1)),
    ]
    assert texts(cluster(groups, alike=0.8)) == [
        ("refund", "money back"),
        ("parcel",),
        ("hours",),
        ("open on Sunday",),
    ]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    encoder = open_encoder(Settings(data=Path(tmp_path_factory.mktemp("data"))))
    every = [text for kinds in (SHOP, SERVER) for of in kinds.values() for text in of]
    encoded = encoder.encode_queries(every)
    return {text: one.dense for text, one in zip(every, encoded, strict=True)}


@pytest.mark.parametrize("kinds", [SHOP, SERVER], ids=["shop", "server"])
def test_the_bundled_encoder_puts_together_what_asks_the_same(
    vectors: Mapping[str, np.ndarray], kinds: Mapping[str, list[str]]
) -> None:
    kind_of = {text: kind for kind, of in kinds.items() for text in of}
    found = cluster([group(text, vectors[text]) for text in kind_of])
    together = {pair for one in texts(found) for pair in combinations(sorted(one), 2)}
    same = {
        pair for pair in combinations(sorted(kind_of), 2) if len({*map(kind_of.get, pair)}) == 1
    }
    right = len(together & same)
    assert right / len(together) > 0.85
    assert right / len(same) > 0.55
    backwards = cluster([group(text, vectors[text]) for text in reversed(kind_of)])
    assert {frozenset(one) for one in texts(found)} == {frozenset(one) for one in texts(backwards)}
