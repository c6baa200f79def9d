"""Which addresses of a website belong to a source, and in which one spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from knowledge.crawl_limits import DEFAULT_BYTES, DEFAULT_DEPTH, DEFAULT_PAGES
from knowledge.crawl_preview import Rule, Verdict
from knowledge.errors import AddressRefused

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(
    r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|ref_src|phpsessid|jsessionid|sid|sessionid",
    re.IGNORECASE,
)
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_NOT_PAGES = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|tiff?|css|m?js|map|json|xml|rss|atom|woff2?|ttf|otf|eot"
    r"|mp[34]|m4[av]|webm|og[gv]|wav|avi|mov|mkv|zip|t?gz|bz2|xz|7z|rar|tar|exe|dmg|msi|deb|rpm|apk"
    r"|iso|jar|whl|bin|swf|psd|e?ps)$",
    re.IGNORECASE,
)
_LONGEST = 1900


@lru_cache(maxsize=1 << 16)
def canonical_address(address: str) -> str:
    """The one spelling of an address: sorted query, no fragment, tracking, or default port.

    Raises :class:`AddressRefused` for what is not an http(s) address.
    """
    try:
        parts = urlsplit(canonicalize_url(_SESSION_IN_PATH.sub("", address.strip())))
        port = parts.port
    except ValueError as error:
        raise AddressRefused(
            f"{address[:200]!r} is not a web address.", "Write it as https://host/path."
        ) from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise AddressRefused(
            f"{address[:200]!r} is not an http or https address.", "Write it as https://host/path."
        )
    host = parts.netloc.rsplit("@", 1)[-1]
    if port == _DEFAULT_PORTS[parts.scheme]:
        host = host.rsplit(":", 1)[0]
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name)
    ]
    return urlunsplit((parts.scheme, host.lower(), parts.path or "/", urlencode(query), ""))


def origin_of(address: str) -> str:
    """Scheme, host and port of a canonical address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class CrawlRules:
    """What a website source covers.

    ``start``: the address the crawl begins at; ``more_starts``: further ones, whose hosts belong
    to the source as well. ``include`` and ``exclude``: patterns of paths, with ``*`` for anything,
    or plain beginnings of paths; without ``include`` the folders of the starts are meant, each on
    its host. ``max_depth`` counts links from a start, ``max_bytes`` all that one crawl receives,
    unpacked. ``sitemap``: whether sitemaps are looked for; ``sitemaps``: those that are read
    anyway, wherever they are. ``render``: whether pages are read once their JavaScript has run.
    """

    start: str
    more_starts: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: int = DEFAULT_PAGES
    max_depth: int = DEFAULT_DEPTH
    max_bytes: int = DEFAULT_BYTES
    sitemap: bool = True
    sitemaps: tuple[str, ...] = ()
    render: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> CrawlRules:
        """Rules as a source's ``config`` holds them.

        Raises :class:`AddressRefused` for a start that is not a web address.
        """
        return cls(
            start=_address(str(config.get("start", ""))),
            more_starts=tuple(map(_address, _texts(config.get("more_starts")))),
            include=_texts(config.get("include")),
            exclude=_texts(config.get("exclude")),
            max_pages=int(config.get("max_pages") or DEFAULT_PAGES),
            max_depth=int(config.get("max_depth", DEFAULT_DEPTH)),
            max_bytes=int(config.get("max_bytes") or DEFAULT_BYTES),
            sitemap=bool(config.get("sitemap", True)),
            sitemaps=_texts(config.get("sitemaps")),
            render=bool(config.get("render", False)),
        )

    @property
    def starts(self) -> tuple[str, ...]:
        """Every address the crawl begins at, each once."""
        return tuple(dict.fromkeys((self.start, *self.more_starts)))

    def with_start_moved(self, start: str, to: str) -> CrawlRules:
        """The rules with one of the starts at another address."""
        more = tuple(to if one == start else one for one in self.more_starts)
        return replace(self, start=to if self.start == start else self.start, more_starts=more)

    def allows(self, address: str) -> bool:
        """Whether a canonical address belongs to the source."""
        return self.judge(address).is_in

    def judge(self, address: str) -> Verdict:
        """Whether a canonical address belongs to the source, and by which rule."""
        parts = urlsplit(address)
        folders = _folders(self.starts).get(parts.netloc)
        if folders is None:
            return Verdict(Rule.OTHER_HOST)
        if len(address) > _LONGEST:
            return Verdict(Rule.TOO_LONG)
        if address == self.start or address in self.more_starts:
            return Verdict(Rule.START)
        if kind := _NOT_PAGES.search(parts.path):
            return Verdict(Rule.FILE_TYPE, kind.group())
        path = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
        included = _match(path, self.include or folders)
        if included is None:
            return Verdict(Rule.NOT_INCLUDED)
        excluded = _match(path, self.exclude)
        if excluded is not None:
            return Verdict(Rule.EXCLUDE, excluded)
        return Verdict(Rule.INCLUDE if self.include else Rule.FOLDER, included)


def _address(told: str) -> str:
    return canonical_address(told if "//" in told else f"https://{told}")


@lru_cache(maxsize=256)
def _folders(starts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The folders of the starts, by host."""
    found: dict[str, tuple[str, ...]] = {}
    for start in starts:
        parts = urlsplit(start)
        folder = parts.path.rsplit("/", 1)[0] + "/"
        found[parts.netloc] = (*found.get(parts.netloc, ()), folder)
    return found


def _texts(told: object) -> tuple[str, ...]:
    if isinstance(told, str):
        told = told.split(",")
    if not isinstance(told, Sequence):
        return ()
    return tuple(str(text).strip() for text in told if str(text).strip())


def _match(path: str, patterns: Sequence[str]) -> str | None:
    """The first pattern that a path (unquoted) matches."""
    for pattern in patterns:
        if fnmatchcase(path, pattern) if "*" in pattern else path.startswith(pattern):
            return pattern
    return None
