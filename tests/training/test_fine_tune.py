"""The whole path from pairs to an exported model, on the shipped weights and a few steps."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge.encode.bundled import DEFAULT_MODEL, BundledEncoder
from knowledge.encode.model_files import load_config
from knowledge.errors import InvalidInput

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore")

TOPICS = ["refund", "invoice", "password", "delivery", "discount", "warranty", "exchange", "login"]
PLACES = ["shop", "office", "portal", "app", "desk", "hotline"]


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"query": f"{topic} {place}", "passage": f"Ask the {place} about the {topic} you want."}
        for topic in TOPICS
        for place in PLACES
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_head_survives_export(tmp_path: Path) -> None:
    from training.export import export_terms
    from training.fine_tune import read_head

    head = read_head(DEFAULT_MODEL, load_config(DEFAULT_MODEL))
    export_terms(head, tmp_path / "terms.onnx")
    again = (tmp_path / "terms.onnx").stat().st_size
    assert again == pytest.approx((DEFAULT_MODEL / "terms.onnx").stat().st_size, rel=0.01)


def test_a_worse_model_is_not_installed(pairs_file: Path, tmp_path: Path) -> None:
    from training.fine_tune import GENTLE, fine_tune

    target = tmp_path / "tuned"
    config = replace(GENTLE, steps=3, batch=16, warmup=1, sampled=200)
    result = fine_tune(pairs_file, DEFAULT_MODEL, target, tmp_path / "work", config)
    assert result.installed == (result.after["sparse"] > result.before["sparse"])
    assert target.exists() == result.installed
    if result.installed:
        assert np.isfinite(BundledEncoder(target).encode_passages(["x"])[0].dense).all()


def test_held_out_queries_are_the_same_every_time(pairs_file: Path) -> None:
    from training.fine_tune import read_pairs, split

    train, held = split(read_pairs(pairs_file))
    assert (len(train), len(held)) == (44, 4)
    assert split(read_pairs(pairs_file)) == (train, held)


def test_a_file_that_is_no_pairs_says_so(tmp_path: Path) -> None:
    from training.fine_tune import read_pairs

    path = tmp_path / "pairs.jsonl"
    path.write_text('{"query": "only"}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="Line 1"):
        read_pairs(path)
    path.write_text('{"query": "q", "passage": "p"}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="holds 1 pairs"):
        read_pairs(path)
