"""``candor explain`` as a user runs it: alone, and beside a server."""

from __future__ import annotations

import math
from pathlib import Path
from uuid import uuid4

import pytest

from tests.backend.cli.conftest import Candor

QUERY = "Within how many days can goods be returned?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "handbook"
    made.mkdir()
    (made / "returns.md").write_text("# Returns\n\nGoods can be returned within 30 days.\n")
    (made / "shipping.md").write_text("# Shipping\n\nParcels to Norway travel by ship.\n")
    (made / "hours.md").write_text("# Hours\n\nThe shop is open on weekdays.\n")
    return made


def check(candor: Candor) -> None:
    told = candor("explain", QUERY, "--kb", "shop", "--limit", "2", "--json").document
    first = told["hits"][0]
    assert len(told["hits"]) == 2
    assert first["address"] == "upload:///handbook/returns.md"
    words = [word["contribution"] for word in first["terms"]["words"]]
    assert math.fsum([*words, first["terms"]["tail"]["contribution"]]) == first["terms"]["score"]
    shown = candor("explain", QUERY, "--kb", "shop", "--limit", "1").out
    assert f"{first['ledger']['score']:.6f}" in shown
    assert "written in both" in shown
    piece = first["terms"]["words"][0]["pieces"][0]
    assert f"{piece['query_weight']:.4f} x {piece['passage_weight']:.4f}" in shown
    assert "Goods can be returned within 30 days." in shown

    missed = "upload:///handbook/shipping.md"
    one = ("explain", QUERY, "--kb", "shop", "--limit", "1", "--why-not")
    why = candor(*one, missed, "--json").document
    assert why["stage"] == "fusion"
    by_document = candor(*one, why["document_id"], "--json").document
    assert by_document == candor(*one, why["chunk_id"], "--json").document == why
    lines = candor(*one, missed).out
    assert lines.startswith(f"{missed}: lost in fusion\n")
    smallest = why["changes"]["changes"][0]
    assert f"“{smallest['word']}” with the weight {smallest['value']:.3g}" in lines
    assert "never seen" in candor(*one, "https://elsewhere.example/").out
    unknown = candor(*one, str(uuid4()))
    assert (unknown.code, unknown.out) == (1, "")
    assert "There is no passage or document" in unknown.notes


def test_alone_and_beside_a_server(candor: Candor, folder: Path) -> None:
    assert candor("add", folder, "--kb", "shop", "--json").code == 0
    check(candor)
    with candor.serving():
        told = candor("explain", QUERY, "--kb", "shop", "--json").document
        assert len(told["hits"]) == 3
        assert (
            "lost in fusion"
            in candor(
                "explain", QUERY, "--limit", "1", "--why-not", told["hits"][2]["chunk_id"]
            ).out
        )
