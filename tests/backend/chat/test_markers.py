from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.chat.markers import Marker, MarkerFilter


def run(*deltas: str) -> tuple[str, list[tuple[int, int]]]:
    found = MarkerFilter()
    out = [part for delta in deltas for part in found.feed(delta)]
    out += list(found.end())
    said = "".join(part for part in out if isinstance(part, str))
    assert said == found.text
    return said, [(part.position, part.number) for part in out if isinstance(part, Marker)]


@pytest.mark.parametrize(
    ("written", "seen", "markers"),
    [
        ("Yes [1].", "Yes.", [(3, 1)]),
        ("Yes. [1] No [2, 3].", "Yes. No.", [(4, 1), (7, 2), (7, 3)]),
        ("A[1][12] b", "A b", [(1, 1), (1, 12)]),
        ("Eins【1】。", "Eins。", [(4, 1)]),
        ("See [the docs](https://a.example).", "See [the docs](https://a.example).", []),
        ("Link [1](https://a.example) stays", "Link [1](https://a.example) stays", []),
        ("Code `a[1]` and [2]", "Code `a[1]` and", [(15, 2)]),
        ("```\nx[1]\n```\nEnd [1]", "```\nx[1]\n```\nEnd", [(16, 1)]),
        ("  leading", "leading", []),
        ("one [1]\n\ntwo", "one\n\ntwo", [(3, 1)]),
        ("array [a] and [", "array [a] and [", []),
        ("[passage 2] said", "said", [(0, 2)]),
    ],
)
def test_markers_leave_the_text(written: str, seen: str, markers: list[tuple[int, int]]) -> None:
    assert run(written) == (seen, markers)


@given(st.lists(st.text("a1 [],.`(\n", max_size=4), max_size=12))
def test_pieces_do_not_matter(deltas: list[str]) -> None:
    assert run(*deltas) == run("".join(deltas))
