"""Websites and feeds as sources of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

from ingestion.fetch import Fetcher
from ingestion.parse.reading import FileToRead, PageFacts
from ingestion.sources.browser import ClosedBrowser
from ingestion.sources.listed_times import ListedTimes
from ingestion.sources.rendering import Renderer
from ingestion.sources.sitemap import read_lists
from ingestion.sources.source import Content
from ingestion.sources.website import FoundPage, Held, Website
from knowledge.crawl_rules import CrawlRules, canonical_address, origin_of
from knowledge.errors import AddressRefused
from knowledge.store.tables import Document, DocumentState

_PAGES_BETWEEN_BREATHS = 100
_PAGES = ("text/html", "application/xhtml+xml")
_READ = (DocumentState.INDEXED, DocumentState.DUPLICATE)


async def read_page(
    website: Website,
    address: str,
    known: Document | None,
    renderer: Renderer | None = None,
    rules: str = "",
) -> Content | None:
    """A page of a website, asked for conditionally where it is known; rendered where asked for.

    ``rules``: the digest of those by which its links are followed.
    """
    # What a 304 confirms must be what is indexed, or set aside as a copy, and its links must
    # have been followed by the rules of today.
    held = held_of(known) if known else None
    fresh = held is not None and held.followed == rules
    page = await website.visit(
        address,
        etag=held.etag if held and fresh else "",
        last_modified=held.last_modified if held and fresh else "",
    )
    tag = website.tag(page)
    if page.not_modified and tag.noindex:
        page = await website.visit(address)
    if page.not_modified:
        return None
    if renderer is not None and page.media_type in _PAGES:
        page = await renderer.render(page)
    file = FileToRead(page.data, name=address, content_type=page.content_type, address=page.address)
    return Content(
        file,
        canonical_address(page.address),
        page.etag,
        page.last_modified,
        page.modified_at,
        tag=tag,
    )


def held_of(known: Document) -> Held | None:
    """How to ask whether a page has changed, where what was read of it is indexed or a copy."""
    if not known.content_hash or known.state not in _READ:
        return None
    return Held(known.etag, known.last_modified, known.followed)


async def open_renderer(website: Website, fetcher: Fetcher, browser: str) -> Renderer | None:
    """What renders the pages of a site, if they are to be, with its browser running.

    Raises :class:`MissingExtra` and :class:`BrowserUnavailable`.
    """
    if not website.rules.render:
        return None
    chromium = ClosedBrowser(browser, fetcher.limits.user_agent)
    await chromium.start()
    return Renderer(chromium, fetcher, website.may_read)


class WebsiteSource:
    """A crawl of one site.

    ``known``: pages of earlier runs, which are asked for again. ``whole``: whether the run begins
    with the start and the sitemaps as well, and not with the known pages alone. ``recheck``: how
    long a sitemap is believed that says nothing has changed.
    """

    def __init__(
        self,
        website: Website,
        fetcher: Fetcher,
        known: list[FoundPage],
        whole: bool = True,
        recheck: timedelta = timedelta(0),
        renderer: Renderer | None = None,
    ) -> None:
        self._website = website
        self._renderer = renderer
        self._fetcher = fetcher
        self._known = known
        self._listed = ListedTimes(recheck, website.rules.max_pages)
        self.rules = website.digest
        self.whole = whole

    @classmethod
    async def open(
        cls,
        config: dict[str, Any],
        fetcher: Fetcher,
        known: list[FoundPage],
        whole: bool = True,
        recheck: timedelta = timedelta(0),
        browser: str = "",
        starts: Mapping[str, Held] | None = None,
    ) -> WebsiteSource:
        """Begin a crawl. ``browser``: where Chromium is, for pages that are rendered; ``starts``:
        what is held of the pages it begins with.

        Raises :class:`SiteUnavailable` where the site is down, :class:`MissingExtra` and
        :class:`BrowserUnavailable` where pages cannot be rendered.
        """
        website = await Website.open(CrawlRules.from_config(config), fetcher, starts)
        renderer = await open_renderer(website, fetcher, browser)
        return cls(website, fetcher, known, whole, recheck, renderer)

    async def pages(self) -> AsyncIterator[FoundPage]:
        """The starts, what is known from before, and what the sitemaps list."""
        if self.whole:
            for start in self._website.rules.starts:
                yield FoundPage(start)
        for number, page in enumerate(self._known):
            if number % _PAGES_BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            # What was found before the depth was limited is kept up to date, and leads no further.
            depth = min(page.depth, self._website.rules.max_depth)
            for found in self._website.within([page.address], depth):
                yield found
        if not self.whole:
            return
        async for found in self._website.seeds():
            self._listed.note(found.address, found.modified)
            yield found

    async def read(self, address: str, known: Document | None) -> Content | None:
        """A page, or ``None`` where the server says it has not changed."""
        return await read_page(self._website, address, known, self._renderer, self.rules)

    def vouches_for(self, known: Document) -> bool:
        """Whether the sitemap says that a page has not changed, and is to be believed."""
        return known.followed == self.rules and self._listed.vouch_for(known)

    def listed_modified(self, address: str) -> str:
        """The time that the sitemap gives for an address."""
        return self._listed.of(address)

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """The pages of this site that a page leads to."""
        return self._website.links(facts, depth)

    def canonical(self, facts: PageFacts, address: str) -> str:
        """The address that a page says is its own."""
        return self._website.canonical(facts, address)

    def belongs(self, address: str) -> bool:
        """Whether an address is within the rules of the source as they are now."""
        return self._website.rules.allows(address)

    @property
    def room(self) -> int:
        """The most pages of a run."""
        return self._website.rules.max_pages

    async def close(self) -> None:
        """Close the connections, and the browser."""
        if self._renderer is not None:
            await self._renderer.close()
        await self._fetcher.close()


class FeedSource:
    """An RSS or Atom feed, or an OPML list of feeds: every entry's page, and no links from it.

    Entries may be on any site; each site's robots.txt is kept to.
    """

    rules = ""

    def __init__(self, config: dict[str, Any], fetcher: Fetcher) -> None:
        self._start = str(config.get("start", ""))
        self._room = int(config.get("max_pages") or 1000)
        self._fetcher = fetcher
        self._sites: dict[str, Website] = {}
        self._opening: dict[str, asyncio.Lock] = {}

    async def pages(self) -> AsyncIterator[FoundPage]:
        """The entries of the feed. Raises :class:`FetchError` where it cannot be read."""
        feed = await self._fetcher.fetch(self._start)
        async for entry in read_lists(self._fetcher, [self._start], feed):
            try:
                yield FoundPage(canonical_address(entry.address))
            except AddressRefused:
                continue

    async def read(self, address: str, known: Document | None) -> Content | None:
        """An entry's page."""
        return await read_page(await self._site(address), address, known)

    async def _site(self, address: str) -> Website:
        """The site of an entry, opened once."""
        origin = origin_of(address)
        async with self._opening.setdefault(origin, asyncio.Lock()):
            if origin not in self._sites:
                rules = CrawlRules(start=address, include=("/",))
                self._sites[origin] = await Website.open(rules, self._fetcher)
        return self._sites[origin]

    def vouches_for(self, known: Document) -> bool:
        """Never: a feed's dates are those of its entries, and not of their pages."""
        return False

    def listed_modified(self, address: str) -> str:
        """None that could be used: see :meth:`vouches_for`."""
        return ""

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """None: a feed names its pages itself."""
        return []

    def canonical(self, facts: PageFacts, address: str) -> str:
        """Never another: the feed's address is the one to cite."""
        return ""

    @property
    def room(self) -> int:
        """The most entries of a run."""
        return self._room

    async def close(self) -> None:
        """Close the connections."""
        await self._fetcher.close()
