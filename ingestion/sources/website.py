"""One website as a source: where to begin, what may be read, and which links belong to it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ingestion.fetch import Fetched, Fetcher
from ingestion.parse.reading import PageFacts
from ingestion.sources.hosts import Hosts
from ingestion.sources.robots_tag import RobotsTag
from ingestion.sources.sitemap import Listed, ListFault, read_lists
from ingestion.sources.traps import TrapWatch
from knowledge.crawl_preview import Rule, Verdict
from knowledge.crawl_rules import CrawlRules, canonical_address
from knowledge.errors import AddressRefused, FetchError, FetchRejected

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


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a page: how to ask whether it has changed since, and the digest of the rules
    by which its links were followed.
    """

    etag: str
    last_modified: str
    followed: str


class Website:
    """A site within its rules. Make one with :meth:`open`; it holds no list of what was seen."""

    def __init__(self, rules: CrawlRules, fetcher: Fetcher, hosts: Hosts) -> None:
        self.rules = rules
        self.list_faults: list[ListFault] = []
        self.traps = TrapWatch()
        self._fetcher = fetcher
        self._hosts = hosts
        self._fetched: dict[str, Fetched | FetchError] = {}

    @classmethod
    async def open(
        cls, rules: CrawlRules, fetcher: Fetcher, held: Mapping[str, Held] | None = None
    ) -> Website:
        """Read each host's robots.txt, keep to its delay, and fetch the starts.

        A start that redirects to another host (with ``www.``, say) moves the source there: that
        is where the pages are. ``held``: what is known of the starts, which are asked for again
        only if they have changed. What is fetched here is kept for :meth:`visit`.

        Raises :class:`FetchError` where the first start cannot be read at all. Where another
        cannot, its pages fail.
        """
        website = cls(rules, fetcher, Hosts(fetcher))
        for start in rules.starts:
            try:
                await website._begin(start, (held or {}).get(start))
            except FetchError as error:
                if start == rules.start:
                    raise
                website._fetched[start] = error
        return website

    async def _begin(self, start: str, held: Held | None) -> None:
        """Fetch a start, and move there where it leads to another host."""
        await self._hosts.load(start)
        if not self._hosts.allow(start):
            return
        try:
            page = await self._ask(start, held)
        except FetchRejected as error:
            self._fetched[start] = error
            return
        final = canonical_address(page.address)
        if urlsplit(final).netloc != urlsplit(start).netloc:
            self.rules = self.rules.with_start_moved(start, final)
            await self._hosts.load(final)
        elif all(map(self._may_follow, (*page.redirects[1:], final))):
            self._fetched[start] = page
        if self._may_follow(final):
            self._fetched[final] = page

    async def _ask(self, start: str, held: Held | None) -> Fetched:
        """Fetch a start: only if it has changed, where its links need not be followed anew."""
        if held is None or held.followed != self.digest:
            return await self._fetcher.fetch(start)
        return await self._fetcher.fetch(start, etag=held.etag, last_modified=held.last_modified)

    @property
    def sitemaps(self) -> list[str]:
        """Addresses of sitemaps: those given, and those that each host names, or its usual one."""
        found = self._hosts.sitemaps if self.rules.sitemap else []
        return list(dict.fromkeys((*self.rules.sitemaps, *found)))

    @property
    def digest(self) -> str:
        """Stands for everything that decides which links are followed, and what a page holds."""
        told = repr((self.rules, self._hosts.lines)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(told, digest_size=8).hexdigest()

    @property
    def crawl_delay_s(self) -> float:
        """Seconds that the site asks a crawler to leave between two requests, at most."""
        return self._hosts.crawl_delay_s

    def listed(self) -> AsyncIterator[Listed]:
        """Everything that the sitemaps list, whether it belongs to the source or not."""
        return read_lists(self._fetcher, self.sitemaps, on_fault=self._note_fault)

    async def seeds(self) -> AsyncIterator[FoundPage]:
        """The starts, then every page of the sitemaps that belongs to the source."""
        for start in self.rules.starts:
            yield FoundPage(start)
        number = 0
        async for entry in self.listed():
            number += 1
            if number % _ENTRIES_BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            for page in self.within([entry.address], depth=1, is_listed=True):
                yield FoundPage(page.address, page.depth, entry.modified)

    def within(
        self, addresses: Iterable[str], depth: int, is_listed: bool = False
    ) -> Iterator[FoundPage]:
        """Those addresses that belong to the source, may be read, and lead into no trap.

        ``is_listed``: they are known, or named by a sitemap, which has an end.
        """
        if depth > self.rules.max_depth:
            return
        for address in addresses:
            page, verdict = self.judge(address, depth, is_listed)
            if verdict.is_in:
                yield FoundPage(page, depth)

    def judge(self, address: str, depth: int, is_listed: bool = False) -> tuple[str, Verdict]:
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
        if not self._hosts.allow(page):
            return page, Verdict(Rule.ROBOTS)
        if is_listed:
            self.traps.accept(page)
        elif self.traps.is_trap(page):
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
        self._hosts.check(address)
        if not self._hosts.allow(address):
            raise NotForCrawlers(
                f"The site's robots.txt forbids {address}.",
                "Allow CandorBot in the site's robots.txt if it is yours.",
            )
        kept = self._fetched.pop(address, None)
        if isinstance(kept, FetchError):
            raise kept
        # That nothing has changed is no answer to who does not have it.
        if kept is not None and (not kept.not_modified or etag or last_modified):
            return kept
        return await self._fetcher.fetch(
            address, etag=etag, last_modified=last_modified, may_follow=self._may_follow
        )

    def tag(self, page: Fetched) -> RobotsTag:
        """What the server asks of this crawler for a page, beside what the page says itself."""
        crawler = self._fetcher.limits.user_agent.split("/")[0]
        return RobotsTag.read(page.headers.get_list("x-robots-tag"), crawler)

    def may_read(self, address: str) -> bool:
        """Whether robots.txt allows what a page of the site asks for; it rules its host alone."""
        return self._hosts.allow(address)

    def _may_follow(self, address: str) -> bool:
        page = canonical_address(address)
        return self.rules.allows(page) and self._hosts.allow(page)

    def _note_fault(self, address: str, error: FetchError) -> None:
        """A list could not be read. That there is none where nobody said so is no fault."""
        is_guess = address not in self.rules.sitemaps and address in self._hosts.guessed_sitemaps
        if not (is_guess and isinstance(error, FetchRejected)):
            self.list_faults.append(ListFault(address, error))
