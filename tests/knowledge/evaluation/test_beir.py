from pathlib import Path

import pytest

from knowledge.errors import InvalidInput
from knowledge.evaluation.beir import find_sets, read_set

CORPUS = (
    '{"_id": "d1", "title": "Refunds", "text": "Money back."}\n{"_id": "d2", "text": "Bills."}\n'
)
QUERIES = '{"_id": "q1", "text": "refund"}\n{"_id": "q2", "text": "unjudged"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(CORPUS, encoding="utf-8")
    (folder / "queries.jsonl").write_text(QUERIES, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return folder


def test_a_set_is_read(folder: Path) -> None:
    found = read_set(folder)
    assert found.name == "shop"
    assert found.corpus == {"d1": "Refunds. Money back.", "d2": "Bills."}
    assert found.queries == {"q1": "refund"}
    assert found.judgments == {"q1": {"d1": 1}}


def test_sets_are_found_below_a_folder(folder: Path, tmp_path: Path) -> None:
    assert find_sets(tmp_path) == [folder]


def test_a_folder_that_is_no_set_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a retrieval set"):
        read_set(tmp_path)
