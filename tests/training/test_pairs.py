import gzip
import json
import random
from pathlib import Path

from training.corpus import Pair, Section, clean, read_answers, read_dictionary, read_sections
from training.pairs import dictionary_pairs, heading_pairs, sentence_pairs, without

LONG = "You can reset your password at any time. Open the settings and choose the word Reset."
SYNSETS = """00000001-v:
  definition:
  - make secure by a
    secret word
  example:
  - Log in before you begin
  members:
  - log in
  - sign on
  partOfSpeech: v
00000002-n:
  definition:
  - a bill
  members:
  - invoice
"""


def test_markup_is_removed() -> None:
    assert clean("## [Reset](https://x.example/a) your <b>password</b>") == "Reset your password"


def test_sections_and_answers_are_read(tmp_path: Path) -> None:
    rows = [
        {"title": "Help", "headings": ["Help", "Reset"], "text": LONG},
        {"title": "Help", "headings": [], "text": "Too short."},
        {"question": "What is (are) gout ?", "answer": "word " * 9},
    ]
    with gzip.open(tmp_path / "site.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    assert list(read_sections(tmp_path)) == [Section("site", ("Help", "Reset"), LONG)]
    assert [pair.query for pair in read_answers(tmp_path)] == ["What is gout?"]


def test_a_dictionary_is_read(tmp_path: Path) -> None:
    (tmp_path / "verb.all.yaml").write_text(SYNSETS, encoding="utf-8")
    assert list(read_dictionary(tmp_path)) == [
        (["log in", "sign on"], "make secure by a secret word", ["Log in before you begin"]),
        (["invoice"], "a bill", []),
    ]
    glosses, synonyms = dictionary_pairs(tmp_path, random.Random(0))
    assert len(glosses) == 2
    assert [pair.passage.split(":")[1].strip() for pair in synonyms] == [
        "make secure by a secret word"
    ]


def test_headings_become_queries() -> None:
    section = Section("site", ("Help", "Accounts", "Reset"), LONG)
    assert list(heading_pairs([section])) == [Pair("site", "Help Reset", LONG)]


def test_a_sentence_is_taken_out_of_its_section() -> None:
    text = " ".join(f"Sentence number {n} says something new." for n in range(5))
    (pair,) = sentence_pairs([Section("site", (), text)], 1, random.Random(0))
    assert pair.query not in pair.passage
    assert len(pair.passage) + len(pair.query) == len(text) - 1


def test_the_words_of_the_query_are_taken_out_in_every_form() -> None:
    text = "Resetting passwords: a password is reset here."
    assert without(text, "reset password", 0.0, random.Random(0)) == " : a  is  here."
