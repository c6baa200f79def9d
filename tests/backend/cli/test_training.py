"""``candor train`` as a user runs it: on a knowledge base, and with bad input."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from knowledge.encode.bundled import BundledEncoder
from tests.backend.cli.conftest import Candor

pytest.importorskip("torch")
pytest.importorskip("onnx")

TOPICS = ["refund", "invoice", "password", "delivery", "discount", "warranty", "exchange", "login"]
PLACES = ["shop", "office", "portal", "app", "desk", "hotline"]


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    made = tmp_path / "handbook"
    made.mkdir()
    for topic, (days, place) in itertools.product(TOPICS, enumerate(PLACES, start=2)):
        text = f"Ask someone there about it; they look up your {topic} and write in {days} days."
        (made / f"{topic}-{place}.md").write_text(f"# {topic}\n\n## {place}\n\n{text}\n")
    return made


def test_a_knowledge_base_is_learned_from(candor: Candor, handbook: Path, tmp_path: Path) -> None:
    assert candor("add", handbook, "--kb", "shop").code == 0
    target = tmp_path / "tuned"
    train = ("train", "--kb", "shop", "--model", target, "--steps", "2", "--json")
    done = candor(*train)
    assert done.code == 0, done.notes
    told = done.document
    assert told["installed"] == (told["after"]["sparse"] > told["before"]["sparse"])
    assert target.exists() == told["installed"]
    if told["installed"]:
        assert BundledEncoder(target).spec.id.startswith("candor-minilm-")
    pairs = (tmp_path / "tuned-checkpoint" / "pairs.jsonl").read_text().splitlines()
    assert len(pairs) == len(TOPICS) * len(PLACES)
    assert {json.loads(line)["source"] for line in pairs} == {"heading"}


def test_what_cannot_be_learned_from_says_so(candor: Candor, tmp_path: Path) -> None:
    for arguments, said in (
        ((), "a file of pairs, or a knowledge base"),
        (("--kb", "nowhere"), "no knowledge base nowhere"),
    ):
        done = candor("train", *arguments, "--model", tmp_path / "tuned")
        assert done.code != 0
        assert said in " ".join(done.notes.split())
