"""How much of a website or feed one crawl reads: the limits, their bounds, and words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DEFAULT_PAGES = 10_000
MOST_PAGES = 1_000_000
DEFAULT_ENTRIES = 1_000
DEFAULT_DEPTH = 20
MOST_DEPTH = 1_000
DEFAULT_BYTES = 10_000_000_000
LEAST_BYTES = 1_000
MOST_BYTES = 10_000_000_000_000
MOST_PATTERNS = 500
MOST_STARTS = 100

MOST_LEFT_OUT = 10_000
"""Addresses beyond a limit that a crawl records; what comes after them is not counted."""


TRAP = "trap"
"""The code of the note on addresses without end."""


class Limit(StrEnum):
    """What a crawl can come to the end of; the value is the code of its note."""

    PAGES = "page-limit"
    BYTES = "byte-limit"


@dataclass(frozen=True, slots=True)
class RunNote:
    """Something that who reads of a run should know; no error, and not of one document alone.

    ``left_out``: of a limit, how many addresses it kept out.
    """

    code: str
    detail: str
    action: str = ""
    limit: int | None = None
    left_out: int | None = None

    @classmethod
    def of_limit(cls, limit: Limit, most: int, left_out: int) -> RunNote:
        """The note of a limit that a crawl has reached."""
        many = f"more than {MOST_LEFT_OUT:,}" if left_out >= MOST_LEFT_OUT else f"{left_out:,}"
        noun = "address was" if left_out == 1 else "addresses were"
        detail = f"The limit of {_amount(limit, most)} was reached; {many} {noun} left out."
        return cls(limit, detail, _ACTIONS[limit], most, left_out)

    @classmethod
    def of_trap(cls, example: str, left_out: int) -> RunNote:
        """The note of addresses without end, which the crawl left alone after a while."""
        noun = "address" if left_out == 1 else "addresses"
        return cls(
            TRAP,
            f"{left_out:,} {noun} like {example[:300]} were left out: there seems to be no end of "
            "them, as of the pages of a calendar or a filter.",
            "Leave their paths out in the source's rules, or add those that are wanted to its "
            "sitemap or as further start addresses.",
            left_out=left_out,
        )

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> RunNote:
        """The note as a run's record holds it."""
        return cls(**json)


def beyond(limit: Limit, most: int) -> tuple[str, str]:
    """Why an address was not read, and what to do about it."""
    return f"The limit of {_amount(limit, most)} was reached before it.", _ACTIONS[limit]


_ACTIONS = {
    Limit.PAGES: "Raise the limit on pages in the source's rules (--max-pages), or leave paths "
    "out that are not wanted.",
    Limit.BYTES: "Raise the limit on bytes in the source's rules (--max-bytes), or leave paths "
    "out that are not wanted.",
}


def _amount(limit: Limit, most: int) -> str:
    if limit is Limit.PAGES:
        return f"{most:,} page{'' if most == 1 else 's'}"
    return _bytes(most)


def _bytes(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:,.6g} {unit}"
    return f"{number:,} bytes"
