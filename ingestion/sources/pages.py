"""Websites as sources of a run."""

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
from ingestion.sources.source import Content
from ingestion.sources.website import FoundPage, Held, Website
from knowledge.crawl_limits import Limit, RunNote
from knowledge.crawl_rules import CrawlRules, canonical_address
from knowledge.store.tables import Document, DocumentState

_PAGES_BETWEEN_BREATHS = 100
MOST_NOTES = 20
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
            for found in self._website.within([page.address], depth, is_listed=True):
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
    def limits(self) -> Mapping[Limit, int]:
        """The most pages of a run, and the most bytes."""
        rules = self._website.rules
        return {Limit.PAGES: rules.max_pages, Limit.BYTES: rules.max_bytes}

    @property
    def received_bytes(self) -> int:
        """What came in all responses, unpacked."""
        return self._fetcher.received_bytes

    @property
    def notes(self) -> list[RunNote]:
        """Addresses without end, and sitemaps that could not be read."""
        faults, traps = self._website.list_faults, self._website.traps
        notes = [
            RunNote(
                "sitemap-unreadable",
                f"The sitemap {fault.address} could not be read: {fault.error.detail}"[:1000],
                "Pages that no link leads to may be missing. " + fault.error.action,
            )
            for fault in faults[:MOST_NOTES]
        ]
        if traps.left_out:
            notes.append(RunNote.of_trap(traps.example, traps.left_out))
        return notes

    async def close(self) -> None:
        """Close the connections, and the browser."""
        if self._renderer is not None:
            await self._renderer.close()
        await self._fetcher.close()
