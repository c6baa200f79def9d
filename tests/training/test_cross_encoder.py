"""The reranker's candidates, labels and loss, and a training run that ends in a usable folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.errors import InvalidInput
from training.corpus import Pair

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

SHOP = [
    Pair("shop", "money back", "A refund is sent to your card within five days."),
    Pair("shop", "forgot password", "Reset your password on the page where you sign in."),
    Pair("shop", "parcel late", "A delivery can be delayed by strikes and by weather."),
    Pair("shop", "reset sign in", "Sign in again after two minutes, or reset your phone."),
]


def test_negatives_are_the_passages_that_the_encoder_puts_first() -> None:
    from training.cross_encoder import mine

    found = {one.query: one for one in mine([*SHOP, Pair("alone", "x", "Nothing else.")], 2, 10)}
    assert set(found) == {pair.query for pair in SHOP}
    asked = found["forgot password"]
    assert asked.texts[0].startswith("Reset your password")
    assert asked.texts[1].startswith("Sign in again")
    assert asked.scores[1] >= asked.scores[2]


def test_labels_spread_as_the_first_stage_scores() -> None:
    from training.cross_encoder import Candidates, ranking_loss, soft_labels

    labels = soft_labels([Candidates("q", ("a", "b", "c"), (0.2, 0.9, 0.1))], right=0.8)
    assert labels.sum().item() == pytest.approx(1)
    assert labels[0, 0].item() == pytest.approx(0.8)
    assert labels[0, 1] > labels[0, 2] > 0
    told = ranking_loss(torch.tensor([[4.0, 1.0, 0.0]]), labels)
    assert told < ranking_loss(torch.tensor([[0.0, 1.0, 4.0]]), labels)


def test_it_learns_resumes_and_can_be_used(tmp_path: Path) -> None:
    from knowledge.encode.rerank import CrossEncoderReranker
    from tests.knowledge.encode.tiny_models import plain_encoder
    from training.cross_encoder import Candidates, RerankerConfig, train_reranker

    backbone, target, work = tmp_path / "tiny", tmp_path / "reranker", tmp_path / "work"
    plain_encoder(backbone)
    # a model too small to compare words can still learn which text is the right one
    texts, scores = ("your login", "reset your password"), (1.0, 1.0)
    rows = [Candidates(query, texts, scores) for query in ("login", "your login")]
    config = RerankerConfig(steps=40, queries=2, rate=5e-3, warmup=5, right=0.95, max_tokens=16)
    train_reranker(rows, backbone, target, work, config)
    reranker = CrossEncoderReranker(str(target))
    for row in rows:
        right, wrong = reranker.rerank(row.query, row.texts)
        assert right > wrong
    # the run is at its end: the same command writes the same model without a step
    train_reranker(rows, backbone, tmp_path / "again", work, config)
    assert CrossEncoderReranker(str(tmp_path / "again")).rerank("login", rows[0].texts) == (
        reranker.rerank("login", rows[0].texts)
    )
    with pytest.raises(InvalidInput, match="other settings"):
        train_reranker(rows, backbone, target, work, replace(config, steps=61))
    with pytest.raises(InvalidInput, match="1 queries"):
        train_reranker(rows[:1], backbone, target, work, config)
