from __future__ import annotations

import json

import pytest

from knowledge.errors import InvalidInput, LimitExceeded
from knowledge.evaluation.query_file import (
    MAX_QUERIES,
    FileFormat,
    FileQuery,
    read_query_file,
    write_query_file,
)

LAMP, REFUNDS = "https://shop.example/lamp", "https://shop.example/refunds"

READ = {
    "grades": (json.dumps({"query": "bulb", "grades": {LAMP: 2, REFUNDS: 0}}), {LAMP: 2}),
    "addresses": (json.dumps({"query": "bulb", "addresses": [LAMP + "#watts"]}), {LAMP: 1}),
    "beir": ('{"_id": "q1", "text": "bulb"}', {}),
    "commas": (f"query,address,grade\nbulb,{LAMP},3\nbulb,{REFUNDS},", {LAMP: 3, REFUNDS: 1}),
    "semicolons": (f"\ufeffQuestion;URL\n  BULB? ;{LAMP}\nbulb;{REFUNDS}", {LAMP: 1, REFUNDS: 1}),
    "tabs": (f"query\tscore\taddress\nbulb\t2\t{LAMP}", {LAMP: 2}),
    "no judgment": ("query,address\nbulb,", {}),
}


@pytest.mark.parametrize(("text", "grades"), READ.values(), ids=READ)
def test_layouts(text: str, grades: dict[str, int]) -> None:
    (one,) = read_query_file(text)
    assert one.query.casefold().rstrip("?") == "bulb"
    assert one.grades == grades


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("  ", "empty"),
        ("question mark\nbulb", "column"),
        ('{"query": "bulb"}\n{"query": 3}', "Line 2"),
        (json.dumps({"query": "bulb", "grades": {LAMP: 9}}), "Line 1.*grade"),
        ('{"query": "bulb", "grades": 3}', "Line 1"),
        (f"query,address,grade\nbulb,{LAMP},good", "Line 2"),
        (f"query,address\n,{LAMP}", "Line 2.*empty"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        read_query_file(text)


def test_a_file_of_too_many_queries_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        read_query_file("query\n" + "\n".join(f"bulb {n}" for n in range(MAX_QUERIES + 1)))


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_what_is_written_is_read_back(format: FileFormat) -> None:
    queries = [
        FileQuery("bulb, 40 watts", {LAMP: 2, REFUNDS: 1}),
        FileQuery('=HYPERLINK("x")'),
        FileQuery("'quoted' glühbirne", {LAMP: 1}),
    ]
    text = write_query_file(queries, format)
    assert read_query_file(text) == queries
    assert "\n=" not in text
