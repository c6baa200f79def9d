"""A citation's link leads to the cited words, the PDF's page, or the video's second."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "https://a.example/help"
VIDEO = "https://www.youtube.com/watch?v=x"

CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"address": PAGE}, "Five words - no more.", f"{PAGE}#:~:text=Five%20words%20%2D%20no%20more."),
    (
        {"address": PAGE},
        "one two three four five six seven eight nine",
        f"{PAGE}#:~:text=one%20two%20three%20four,six%20seven%20eight%20nine",
    ),
    ({"address": f"{PAGE}#part"}, "**bold** [link](u)", f"{PAGE}#part:~:text=bold%20link"),
    ({"address": PAGE}, "", PAGE),
    ({"address": "https://a.example/x.pdf", "page": 3}, "w", "https://a.example/x.pdf#page=3"),
    ({"address": VIDEO, "seconds": 95.7}, "w", f"{VIDEO}&t=95"),
    ({"address": "https://a.example/x.mp4", "seconds": 5}, "w", "https://a.example/x.mp4#t=5"),
    ({"address": "javascript:alert(1)"}, "w", ""),
    ({"address": "handbook.docx"}, "w", ""),
]


@pytest.mark.parametrize(("passage", "cited", "expected"), CASES)
async def test_passage_address(
    lab: Page, scripted: ScriptedServer, passage: dict[str, Any], cited: str, expected: str
) -> None:
    address = await lab.evaluate(
        """async ([origin, passage, cited]) =>
          (await import(`${origin}/source/links.js`)).passageAddress(passage, cited)""",
        [scripted.origin, passage, cited],
    )
    assert address == expected
