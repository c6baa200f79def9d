"""What is printed on every page: running heads, running feet and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingestion.parse.layout.lines import Line

_ZONE = 0.12
_FEWEST_PAGES = 3
_SHARE = 0.25
_NUMBERS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)


def without_furniture(
    pages: Sequence[tuple[float, Sequence[Line]]],
) -> list[list[Line]]:
    """The lines of pages, each with its height, less those that come again at the edges of many."""
    seen: Counter[str] = Counter()
    for height, lines in pages:
        seen.update({_shape(line) for line in lines if _is_at_edge(line, height)})
    least = max(_FEWEST_PAGES, _SHARE * len(pages))
    return [
        [n for n in lines if not (_is_at_edge(n, height) and seen[_shape(n)] >= least)]
        for height, lines in pages
    ]


def _is_at_edge(line: Line, height: float) -> bool:
    return line.box.middle < _ZONE * height or line.box.middle > (1 - _ZONE) * height


def _shape(line: Line) -> str:
    """The line with every number as the same sign, for numbers count the pages."""
    return _NUMBERS.sub("#", " ".join(line.text.split()))
