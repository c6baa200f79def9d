"""Markdown with marks set into it: nothing gets in as HTML, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from backend.console.marks import marked
from backend.console.prose import prose


def test_markdown_is_read_and_html_is_text() -> None:
    shown = prose("**Bold** <script>alert(1)</script> ![pixel](https://t.example/p.gif)")
    assert "<strong>Bold</strong>" in shown
    assert "<script" not in shown
    assert "<img" not in shown


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_links_lead_to_pages_alone(address: str) -> None:
    assert "href" not in prose(f"[here]({address})")


def test_a_number_at_a_row_s_end_stays_in_its_cell() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    shown = prose(table, [(len(table), Markup("<i>9</i>"))])
    assert "<td>2 <i>9</i></td>" in shown or "<td>2<i>9</i></td>" in shown
    assert shown.count("<td>") == 2


def test_an_insert_inside_an_address_is_dropped_and_the_link_stays_whole() -> None:
    text = "[the page](https://shop.example/returns)"
    at = text.index("returns")
    shown = marked(text, [(at, at + 7)])
    assert '<a href="https://shop.example/returns">the page</a>' in shown
    assert "\ue000" not in shown
    assert "%EE" not in shown


def test_written_wins_over_added_and_spans_outside_mark_nothing() -> None:
    shown = marked("lamp and bulb", [(0, 4), (50, 60), (-9, -4)], [(0, 4), (9, 13)])
    assert '<mark class="written" title="written here">lamp</mark>' in shown
    assert shown.count("<mark") == 2


@given(st.text(max_size=200), st.lists(st.integers(-5, 210), max_size=6))
def test_no_text_and_no_offset_breaks_it(text: str, offsets: list[int]) -> None:
    shown = prose(text, [(offset, Markup("<b></b>")) for offset in offsets])
    assert "\ue000" not in shown
    assert "<script" not in shown
