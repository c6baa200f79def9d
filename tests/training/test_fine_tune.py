"""The whole path from pairs to an exported model, on the shipped weights and a few steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.encode.bundled import DEFAULT_MODEL
from knowledge.encode.model_files import load_config
from knowledge.errors import InvalidInput

if TYPE_CHECKING:
    from training.train import Report, Trainer

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore")

TOPICS = ["refund", "invoice", "password", "delivery", "discount", "warranty", "exchange", "login"]
PLACES = ["shop", "office", "portal", "app", "desk", "hotline"]


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [
        {
            "source": "judgment",
            "query": f"{topic} {place}",
            "passage": f"Ask the {place} about the {topic} you want.",
        }
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

    # a rate that ruins the head
    config = replace(GENTLE, steps=3, batch=16, warmup=1, sampled=200, rate=1.0)
    target = tmp_path / "tuned"
    result = fine_tune(pairs_file, DEFAULT_MODEL, target, tmp_path / "work", config)
    assert result.after["sparse"] < result.before["sparse"]
    assert result.after["judgment"] == result.after["sparse"]
    assert result.after["dense"] == result.before["dense"]
    assert (result.installed, target.exists()) == (False, False)


def test_a_run_goes_on_from_its_own_checkpoint_only(pairs_file: Path, tmp_path: Path) -> None:
    from training.fine_tune import GENTLE, fine_tune

    work = tmp_path / "work"
    config = replace(GENTLE, steps=4, batch=8, warmup=1, sampled=50)
    with pytest.raises(KeyboardInterrupt), interrupted_at(2):
        fine_tune(pairs_file, DEFAULT_MODEL, tmp_path / "tuned", work, config)
    assert (work / "fine-tune.pt").exists()
    with pytest.raises(InvalidInput, match="another run"):
        fine_tune(pairs_file, DEFAULT_MODEL, tmp_path / "tuned", work, replace(config, steps=5))
    with pytest.raises(InvalidInput, match="no device 'nowhere'"):
        fine_tune(pairs_file, DEFAULT_MODEL, tmp_path / "tuned", work, config, "nowhere")
    fine_tune(pairs_file, DEFAULT_MODEL, tmp_path / "tuned", work, config)
    assert not (work / "fine-tune.pt").exists()


@contextmanager
def interrupted_at(step: int) -> Iterator[None]:
    """The user's Ctrl-C, right after the checkpoint of a step."""
    from training import fine_tune

    def stopping(every: int, checkpoint: Path, trainer: Trainer) -> Report:
        report = progress(step, checkpoint, trainer)

        def stop(at: int, figures: dict[str, float]) -> None:
            report(at, figures)
            if at == step:
                raise KeyboardInterrupt

        return stop

    progress = fine_tune.progress
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tune, "progress", stopping)
        yield


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
