"""What a crawl would read: shared by who looks ahead (ingestion) and who asks (the API)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Rule(StrEnum):
    """What decides whether an address belongs to a website source; the first line lets it in."""

    START = "start"
    INCLUDE = "include"
    FOLDER = "folder"

    NOT_INCLUDED = "not-included"
    EXCLUDE = "exclude"
    OTHER_HOST = "other-host"
    FILE_TYPE = "file-type"
    TOO_LONG = "too-long"
    TOO_DEEP = "too-deep"
    ROBOTS = "robots"
    TRAP = "trap"
    NO_ADDRESS = "no-address"


LETS_IN = frozenset({Rule.START, Rule.INCLUDE, Rule.FOLDER})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rule that decides on an address, and the pattern of the source that it goes by."""

    rule: Rule
    pattern: str = ""

    @property
    def is_in(self) -> bool:
        """Whether the address belongs to the source."""
        return self.rule in LETS_IN


@dataclass(frozen=True, slots=True)
class JudgedAddress:
    """An address, where it was found (``sitemap`` or ``start``), and the verdict on it."""

    address: str
    found_in: str
    verdict: Verdict
    modified: str = ""


@dataclass(slots=True)
class CrawlPreview:
    """What a crawl with some rules begins with.

    ``start`` is where the start leads to, ``start_fault`` why it could not be read. ``addresses``
    holds some of each verdict, ``counts`` all of them by rule. ``stopped`` is ``""`` where
    everything was looked at, ``time`` or ``number`` where a limit ended it.
    """

    start: str
    sitemaps: list[str] = field(default_factory=list)
    crawl_delay_s: float = 0.0
    title: str = ""
    start_fault: str = ""
    noindex: bool = False
    nofollow: bool = False
    addresses: list[JudgedAddress] = field(default_factory=list)
    counts: dict[Rule, int] = field(default_factory=dict)
    stopped: str = ""

    @property
    def included(self) -> int:
        """How many addresses would be read, before the limit on pages."""
        return sum(count for rule, count in self.counts.items() if rule in LETS_IN)

    @property
    def excluded(self) -> int:
        """How many addresses would not be read."""
        return sum(self.counts.values()) - self.included


class Previewer(Protocol):
    """Looks at a website as a crawl would."""

    async def preview(self, config: Mapping[str, Any]) -> CrawlPreview:
        """What a website source with this ``config`` would begin with.

        Raises :class:`FetchError` where the site cannot be read at all.
        """
        ...
