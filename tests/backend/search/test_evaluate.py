from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.search.evaluate import evaluate_folder
from backend.search.request import SearchSettings
from knowledge.errors import InvalidInput
from tests.fakes import HashingEncoder

CORPUS = {
    "lamp": "The desk lamp takes a bulb of 40 watts.",
    "loose": "A bulb that flickers is loose.",
    "refund": "A refund is paid within ten days.",
    "cable": "The cable is two metres long.",
}
QUERIES = {"q1": "which bulb for the desk lamp", "q2": "refund days", "q3": "not judged"}
JUDGMENTS = {"q1": "lamp", "q2": "refund"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    one = tmp_path / "shop"
    (one / "qrels").mkdir(parents=True)
    write(one / "corpus.jsonl", [{"_id": id, "text": text} for id, text in CORPUS.items()])
    write(one / "queries.jsonl", [{"_id": id, "text": text} for id, text in QUERIES.items()])
    rows = [f"{query}\t{document}\t1" for query, document in JUDGMENTS.items()]
    (one / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    return tmp_path


def write(file: Path, rows: Sequence[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


class FewWords:
    """Prefers short texts."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return [-float(len(text)) for text in texts]


async def test_every_arm_is_measured(folder: Path) -> None:
    seen = []
    sets = [
        one
        async for one in evaluate_folder(
            folder,
            HashingEncoder(),
            SearchSettings(),
            reranker=FewWords(),
            progress=lambda *report: seen.append(report),
        )
    ]
    (shop,) = (one.to_json() for one in sets)
    assert (shop["name"], shop["passages"], shop["queries"]) == ("shop", 4, 2)
    assert list(shop["arms"]) == ["bm25", "sparse", "dense", "hybrid", "hybrid+rerank"]
    perfect = {"ndcg@10": 1.0, "mrr@10": 1.0, "recall@100": 1.0}
    for arm in ("bm25", "sparse", "hybrid"):
        assert shop["arms"][arm] == perfect
    # The shortest text comes first ("cable", then "loose", "refund", "lamp").
    assert shop["arms"]["hybrid+rerank"]["mrr@10"] == (1 / 4 + 1 / 3) / 2
    assert shop["encode_passages_per_s"] > 0
    assert 0 < shop["query_ms"]["p50"] <= shop["query_ms"]["p95"]
    assert json.loads(json.dumps(shop)) == shop
    assert ("shop", "encode", 4, 4) in seen
    assert seen[-1] == ("shop", "search", 2, 2)


async def test_arms_can_be_chosen(folder: Path) -> None:
    one = await anext(
        evaluate_folder(folder / "shop", HashingEncoder(), SearchSettings(), ["sparse"])
    )
    assert (one.name, list(one.arms)) == ("shop", ["sparse"])


@pytest.mark.parametrize("arm", ["magic", "hybrid+rerank"])
async def test_an_arm_that_is_not_there_is_named(folder: Path, arm: str) -> None:
    with pytest.raises(InvalidInput, match=arm.replace("+", r"\+")):
        await anext(evaluate_folder(folder, HashingEncoder(), SearchSettings(), [arm]))


async def test_a_folder_without_a_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"corpus\.jsonl"):
        await anext(evaluate_folder(tmp_path, HashingEncoder(), SearchSettings()))
