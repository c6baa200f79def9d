"""Pages without end: calendars, filters, and paths that repeat themselves."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:[-/]\d{1,2}|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))(?!\d)"
    r"|[?&](?:date|month|year|day|week)="
)
_MOST_SEGMENTS = 24
_MOST_QUERIES_PER_PATH = 100
_MOST_DATES_PER_SHAPE = 200


class TrapWatch:
    """Counts shapes of addresses, so that a calendar or a filter cannot make pages without end.

    ``left_out``: how many addresses were one too many; ``example``: the first of them.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self.example = ""
        self._judged: dict[str, bool] = {}
        self._queries: Counter[str] = Counter()
        self._dates: Counter[str] = Counter()

    def is_trap(self, address: str) -> bool:
        """Whether one more address of this shape is one too many. The same one counts once."""
        if address not in self._judged:
            is_trap = self._judged[address] = self._is_one_too_many(address)
            self.left_out += is_trap
            self.example = self.example or (address if is_trap else "")
        return self._judged[address]

    def accept(self, address: str) -> None:
        """An address that is wanted whatever its shape: it counts, and is never one too many."""
        if address not in self._judged:
            self._is_one_too_many(address)
        self._judged[address] = False

    def _is_one_too_many(self, address: str) -> bool:
        parts = urlsplit(address)
        segments = [segment for segment in parts.path.split("/") if segment]
        if len(segments) > _MOST_SEGMENTS:
            return True
        if segments and max(Counter(segments).values()) > 3:
            return True
        if parts.query:
            self._queries[parts.path] += 1
            if self._queries[parts.path] > _MOST_QUERIES_PER_PATH:
                return True
        path = f"{parts.path}?{parts.query}"
        if _DATE.search(path):
            shape = re.sub(r"\d+", "0", path)
            self._dates[shape] += 1
            return self._dates[shape] > _MOST_DATES_PER_SHAPE
        return False
