from pathlib import Path

from knowledge.encode.terms import FIRST_HASHED, TermTable, hashed
from knowledge.encode.words import words

ROWS = [
    ("return", "return", ()),
    ("organ", "organ", ()),
    ("organization", "", ("organization", "organizations")),
]


def ids(table: TermTable, text: str) -> list[int]:
    return [table.id(word) for word in words(text)]


def test_words_of_a_class_share_an_id() -> None:
    assert ids(TermTable(ROWS), "return returned RETURNS") == [0, 0, 0]


def test_a_split_stem_keeps_its_words_apart() -> None:
    assert ids(TermTable(ROWS), "organ organs organization") == [1, 1, 2]


def test_a_word_outside_the_table_has_an_id_of_its_own() -> None:
    first, second, third = ids(TermTable(ROWS), "kubernetes Kubernetes grafana")
    assert first == second != third
    assert min(first, third) >= FIRST_HASHED
    assert max(first, third) < 1 << 32


def test_hashes_stay_what_they_are() -> None:
    assert hashed("kubernet") == 2407558814


def test_words_are_read_back() -> None:
    table = TermTable(ROWS)
    text = "Kubernetes returned an error"
    kubernetes, returned, error = ids(table, text)
    assert table.words([kubernetes, returned, error], text) == {
        kubernetes: "Kubernetes",
        returned: "return",
        error: "error",
    }
    assert table.words([kubernetes], "something else") == {}


def test_saving_and_loading_changes_nothing(tmp_path: Path) -> None:
    table = TermTable(ROWS)
    table.save(tmp_path / "terms.tsv")
    loaded = TermTable.load(tmp_path / "terms.tsv")
    text = "returning organs of organizations beyond"
    assert ids(loaded, text) == ids(table, text)
    assert loaded.readable == table.readable
