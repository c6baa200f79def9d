"""``candor eval`` over a stored set, as a pipeline runs it beside a server, and ``candor gaps``."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.cli.measuring import wanted
from knowledge.errors import InvalidInput
from tests.backend.cli.conftest import Candor

QUERIES = (
    "Within how many days can goods be returned?",
    "days to return goods",
    "return goods after delivery",
    "goods returned",
    "delivery days returned",
    "can goods be returned",
)


def test_a_significant_loss_fails_the_command(candor: Candor, tmp_path: Path) -> None:
    page, other = tmp_path / "returns.md", tmp_path / "shipping.md"
    page.write_text("# Returns\n\nGoods can be returned within 30 days of delivery.\n")
    other.write_text("# Shipping\n\nParcels to Norway travel by ship.\n")
    file = tmp_path / "questions.csv"
    rows = [f"{query},upload:///returns.md" for query in QUERIES]
    file.write_text("\n".join(["query,address", *rows, "a page to come,upload:///later.md"]))
    with candor.serving() as server, server.client as client:
        candor("add", page, other, "--kb", "shop", "--wait")
        first = candor("eval", file, "--kb", "shop", "--name", "main", "--json")
        assert first.code == 0, first.notes
        assert first.document["imported"]["added"] == 7
        assert first.document["unknown"] == ["upload:///later.md"]
        same = candor("eval", "--set", "questions", "--kb", "shop", "--baseline", "main")
        assert same.code == 0, same.notes
        assert "No significant difference" in same.out

        fresh = candor("freshness", "--kb", "shop", "--json").document
        assert {one["found"] for one in fresh["pages"]} == {True}
        assert fresh["on_time"] == len(fresh["pages"]) == 2
        shown = candor("freshness", "--kb", "shop", "--within", "5").out
        assert "2 of 2 pages were in the index within 5 minutes" in shown
        assert candor("freshness", "--kb", "none").code == 1

        documents = client.get("/api/v1/documents").json()["items"]
        hidden = next(one["id"] for one in documents if one["address"].endswith("returns.md"))
        base = client.get("/api/v1/knowledge-bases", params={"name": "shop"}).json()["items"][0]
        rule = {"kind": "hide", "document_id": hidden}
        saved = client.post(
            f"/api/v1/knowledge-bases/{base['id']}/rules", json={"rules": [rule], "reason": "Test."}
        )
        assert saved.status_code == 201, saved.text
        worse = candor("eval", "--set", "questions", "--kb", "shop", "--baseline", "main", "--json")
        assert worse.code == 6
        told = worse.document["comparison"]
        assert (told["verdict"], len(told["figures"]["hurt"])) == ("worse", 6)
        assert told["differences"] == ["Rules were saved or ended between the runs."]
        assert candor("ask", QUERIES[0], "--kb", "shop", "--json").document["abstained"]
        told = candor("gaps").out
        assert "content was missed" in told
        assert "returns.md A rule hides it" in told


@pytest.mark.parametrize(
    ("what", "query_set", "kb", "baseline", "named"),
    [
        (None, "", "shop", "", "what to measure"),
        (Path("no-such-file.csv"), "", "shop", "", "no-such-file.csv"),
        (None, "questions", "", "", "--kb"),
        (Path(), "", "", "main", "folder"),
    ],
)
def test_words_that_do_not_fit_are_refused(
    what: Path | None, query_set: str, kb: str, baseline: str, named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        wanted(what, query_set, kb, "", baseline)
