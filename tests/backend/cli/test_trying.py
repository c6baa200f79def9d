"""``candor explain --change``: what a change would do, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from backend.cli.connection import Api
from backend.cli.draft import read_changes
from knowledge.errors import InvalidInput
from tests.backend.cli.conftest import Candor

QUERY = "Within how many days can goods be returned?"
HOURS = "upload:///handbook/hours.md"
RETURNS = "upload:///handbook/returns.md"


def test_changes_are_tried_measured_and_saved(candor: Candor, tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nGoods can be returned within 30 days.\n")
    (folder / "shipping.md").write_text("# Shipping\n\nParcels to Norway travel by ship.\n")
    (folder / "hours.md").write_text("# Hours\n\nThe shop is open on weekdays.\n")
    assert candor("add", folder, "--kb", "shop", "--json").code == 0
    asked = tmp_path / "asked.jsonl"
    asked.write_text(json.dumps({"query": QUERY, "addresses": [RETURNS]}) + "\n")
    file = tmp_path / "draft.json"
    file.write_text(json.dumps([{"kind": "term", "text": "goods", "factor": 0.5}]))
    with candor.serving():
        assert candor("eval", asked, "--kb", "shop", "--json").code == 0
        explain = ("explain", QUERY, "--kb", "shop")
        pinned = ("--change", f"pin:{HOURS}=1", "--for", "days")
        told = candor(*explain, *pinned, "--set", "asked", "--try", file, "--json").document
        first = told["moves"][0]
        assert (first["address"], first["after"]) == (HOURS, 1)
        (effect,) = told["query_sets"]
        assert effect["name"] == "asked"
        assert effect["before"]["mrr@10"] == 1.0
        assert effect["after"]["mrr@10"] == 0.5
        assert [change["query"] for change in effect["hurt"]] == [QUERY]
        assert told["saved"] == []

        every = candor(*explain, *pinned)  # every saved set
        assert "Measuring “asked” (1 queries), 1 of 1 ..." in every.notes
        words = every.out
        assert "mrr@10   1.0000 -> 0.5000  (-0.5000)" in words
        assert "1 queries, 0 helped, 1 hurt; p = " in words
        assert "Nothing was saved" in words

        save = ("--no-sets", "--save", "Asked on Mondays", "--until", "2099-12-31", "--json")
        kept = candor(*explain, *pinned, *save).document
        saved = kept["saved"]
        assert [(rule["query"], rule["reason"]) for rule in saved] == [("days", "Asked on Mondays")]
        assert saved[0]["expires_at"].startswith("2099-12-31T23:59:59")
        assert kept["query_sets"] == []
        assert "--save" in candor(*explain, *pinned, "--until", "2099-12-31").notes
        never = candor(*explain, *pinned, "--save", "x", "--until", "31.12.").notes
        assert "is not a date" in never
        hits = candor("search", QUERY, "--kb", "shop", "--json").document["hits"]
        assert hits[0]["address"] == HOURS
        without = candor(*explain, "--change", f"without:{saved[0]['id']}", "--json").document
        moved = {move["address"]: (move["before"], move["after"]) for move in without["moves"]}
        assert moved[RETURNS] == (2, 1)

        unknown = candor(*explain, "--change", "hide:upload:///none.md")
        assert (unknown.code, unknown.out) == (1, "")
        assert "upload:///none.md" in unknown.notes
        assert "--kb" in candor("explain", QUERY, "--change", "k:5", "--save", "why").notes
        assert candor(*explain, "--why-not", HOURS, "--change", "k:5").code == 2


@pytest.mark.parametrize(
    ("written", "add"),
    [
        ("term:old=0", {"kind": "term", "query": "w", "text": "old", "factor": 0.0}),
        ("term:refund", {"kind": "term", "query": "w", "text": "refund", "factor": 2.0}),
        ("synonym:refund=money back", {"kind": "synonym", "query": "refund", "text": "money back"}),
        ("k:20", {"kind": "settings", "query": "w", "settings": {"rrf_k": 20}}),
        ("fusion:linear", {"kind": "settings", "query": "w", "settings": {"fusion": "linear"}}),
        ("rerank:off", {"kind": "settings", "query": "w", "settings": {"rerank": False}}),
        (
            "reranked:5",
            {"kind": "settings", "query": "w", "settings": {"rerank_candidates": 5}},
        ),
        ("diversity:0.3", {"kind": "settings", "query": "w", "settings": {"diversity": 0.3}}),
        ("per-document:2", {"kind": "settings", "query": "w", "settings": {"per_document": 2}}),
        (
            "weight:dense=0.5",
            {"kind": "settings", "query": "w", "settings": {"weights": {"dense": 0.5}}},
        ),
    ],
)
async def test_what_a_change_says(written: str, add: dict[str, object]) -> None:
    assert (await read_changes(_nobody(), None, [written], "w", None)).add == [add]


@pytest.mark.parametrize(
    "written",
    [
        *("pin", "foo:bar", "synonym:refund", "term:a=b", "k:many", "fusion:none", "without:me"),
        *("rerank:perhaps", "diversity:1.5", "per-document:1.5"),
    ],
)
async def test_a_change_that_is_not_understood_is_named(written: str) -> None:
    with pytest.raises(InvalidInput, match=written.partition(":")[2] or written):
        await read_changes(_nobody(), None, [written], "", None)


@pytest.mark.parametrize(
    "content", ["{", "1", '{"added": []}', '{"add": 3}', '[{"kind": "pin"}]', '[{"what": 1}]']
)
async def test_a_file_that_holds_no_changes_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "draft.json"
    file.write_text(content)
    with pytest.raises(InvalidInput):
        await read_changes(_nobody(), file, [], "", None)


def _nobody() -> Api:
    """No API: what is tested here asks it nothing."""
    return Api(httpx.AsyncClient())
