"""One website as a source: where to begin, what may be read, and which links belong to it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ingestion.fetch import Fetched, Fetcher
from ingestion.parse.reading import PageFacts
from ingestion.sources.robots import Robots
from ingestion.sources.sitemap import Listed, read_lists
from ingestion.sources.traps import TrapWatch
from knowledge.crawl_preview import Rule, Verdict
from knowledge.crawl_rules import CrawlRules, canonical_address
from knowledge.errors import AddressRefused, FetchRejected

_ENTRIES_BETWEEN_BREATHS = 100


@dataclass(frozen=True, slots=True)
class FoundPage:
    """An address of the site, ``depth`` links away from the start.

    ``modified``: when the sitemap says that it was changed last, in its words.
    """

    address: str
    depth: int = 0
    modified: str = ""


class NotForCrawlers(FetchRejected):
    """The site's robots.txt forbids the address."""


class Website:
    """A site within its rules. Make one with :meth:`open`; it holds no list of what was seen."""

    def __init__(self, rules: CrawlRules, fetcher: Fetcher, robots: Robots) -> None:
        self.rules = rules
        self._fetcher = fetcher
        self._robots = robots
        self._traps = TrapWatch()

    @classmethod
    async def open(cls, rules: CrawlRules, fetcher: Fetcher) -> Website:
        """Read the site's robots.txt and keep to its delay.

        A start that redirects to another host (with ``www.``, say) moves the source there: that
        is where the pages are. Raises :class:`FetchError` where the start cannot be read at all.
        """
        robots = await Robots.load(fetcher, rules.origin)
        if robots.allows(rules.start):
            moved = await _moved(rules, fetcher)
            if moved.origin != rules.origin:
                robots = await Robots.load(fetcher, moved.origin)
            rules = moved
        if robots.crawl_delay_s:
            fetcher.slow_down(urlsplit(rules.start).hostname or "", robots.crawl_delay_s)
        return cls(rules, fetcher, robots)

    @property
    def sitemaps(self) -> list[str]:
        """Addresses of the site's sitemaps: those that robots.txt names, or the usual one."""
        return self._robots.sitemaps or [f"{self.rules.origin}/sitemap.xml"]

    @property
    def digest(self) -> str:
        """Stands for everything that decides which links are followed, and what a page holds."""
        told = repr((self.rules, self._robots.lines)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(told, digest_size=8).hexdigest()

    @property
    def crawl_delay_s(self) -> float:
        """Seconds that the site asks a crawler to leave between two requests."""
        return self._robots.crawl_delay_s

    def listed(self) -> AsyncIterator[Listed]:
        """Everything that the sitemaps list, whether it belongs to the source or not."""
        return read_lists(self._fetcher, self.sitemaps)

    async def seeds(self) -> AsyncIterator[FoundPage]:
        """The start, then every page of the sitemaps that belongs to the source."""
        yield FoundPage(self.rules.start)
        if not self.rules.sitemap:
            return
        number = 0
        async for entry in self.listed():
            number += 1
            if number % _ENTRIES_BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            for page in self.within([entry.address], depth=1):
                yield FoundPage(page.address, page.depth, entry.modified)

    def within(self, addresses: Iterable[str], depth: int) -> Iterator[FoundPage]:
        """Those addresses that belong to the source, may be read, and lead into no trap."""
        if depth > self.rules.max_depth:
            return
        for address in addresses:
            page, verdict = self.judge(address, depth)
            if verdict.is_in:
                yield FoundPage(page, depth)

    def judge(self, address: str, depth: int) -> tuple[str, Verdict]:
        """The one spelling of an address, and whether it is to be read."""
        try:
            page = canonical_address(address)
        except AddressRefused:
            return address, Verdict(Rule.NO_ADDRESS)
        verdict = self.rules.judge(page)
        if not verdict.is_in:
            return page, verdict
        if depth > self.rules.max_depth:
            return page, Verdict(Rule.TOO_DEEP)
        if not self._robots.allows(page):
            return page, Verdict(Rule.ROBOTS)
        if self._traps.is_trap(page):
            return page, Verdict(Rule.TRAP)
        return page, verdict

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """The pages that a page at ``depth`` leads to, each once."""
        return list({p.address: p for p in self.within(facts.links, depth + 1)}.values())

    def canonical(self, facts: PageFacts, address: str) -> str:
        """The address that a page says is its own, where that is another one of this source."""
        for page in self.within([facts.canonical] if facts.canonical else [], depth=0):
            if page.address != address:
                return page.address
        return ""

    async def visit(self, address: str, etag: str = "", last_modified: str = "") -> Fetched:
        """Read a page. Redirects are followed within the source alone.

        Raises :class:`NotForCrawlers` and other :class:`FetchError`.
        """
        if not self._robots.allows(address):
            raise NotForCrawlers(
                f"The site's robots.txt forbids {address}.",
                "Allow CandorBot in the site's robots.txt if it is yours.",
            )
        return await self._fetcher.fetch(
            address, etag=etag, last_modified=last_modified, may_follow=self._may_follow
        )

    def may_read(self, address: str) -> bool:
        """Whether robots.txt allows what a page of the site asks for; it rules its host alone."""
        is_here = urlsplit(address).netloc == urlsplit(self.rules.start).netloc
        return not is_here or self._robots.allows(address)

    def _may_follow(self, address: str) -> bool:
        page = canonical_address(address)
        return self.rules.allows(page) and self._robots.allows(page)


async def _moved(rules: CrawlRules, fetcher: Fetcher) -> CrawlRules:
    """The rules, with the start where it redirects to if that is on another host."""
    try:
        page = await fetcher.fetch(rules.start)
    except FetchRejected:
        return rules
    final = canonical_address(page.address)
    if urlsplit(final).netloc == urlsplit(rules.start).netloc:
        return rules
    return replace(rules, start=final)
