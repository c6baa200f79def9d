"""What a server asks of crawlers in ``X-Robots-Tag`` headers: for files of every type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAMED = re.compile(r"([\w-]+)\s*:\s*(.*)", re.DOTALL)
_WITH_VALUE = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)


@dataclass(frozen=True, slots=True)
class RobotsTag:
    """Whether what was fetched is to be left out of the index, and its links not followed."""

    noindex: bool = False
    nofollow: bool = False

    @classmethod
    def read(cls, headers: Sequence[str], crawler: str) -> RobotsTag:
        """What the values of all headers say to ``crawler``; the strictest counts.

        A name at the beginning of a value, or behind a comma, gives what follows it to the
        crawler of that name alone: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
        """
        rules: set[str] = set()
        for header in headers:
            is_ours = True
            for part in header.split(","):
                rule = part.strip().lower()
                named = _NAMED.fullmatch(rule)
                if named and named.group(1) not in _WITH_VALUE:
                    is_ours, rule = named.group(1) == crawler.lower(), named.group(2).strip()
                if is_ours:
                    rules.add(rule)
        is_none = "none" in rules
        return cls(is_none or "noindex" in rules, is_none or "nofollow" in rules)
