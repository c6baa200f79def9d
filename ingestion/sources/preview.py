"""Looking ahead: what a crawl would read and leave out, and by which rule, in a few seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.fetch import Fetcher, FetchLimits
from ingestion.parse.pool import ParseLimits, ParserPool
from ingestion.sources.pages import open_renderer, read_page
from ingestion.sources.rendering import Renderer
from ingestion.sources.website import Website
from knowledge.crawl_preview import CrawlPreview, JudgedAddress, Rule
from knowledge.crawl_rules import CrawlRules
from knowledge.errors import FetchError, SiteUnavailable

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class PreviewLimits:
    """``seconds`` for the whole, ``addresses`` looked at, ``shown`` of each rule."""

    seconds: float = 15.0
    addresses: int = 100_000
    shown: int = 50


class SitePreviewer:
    """Reads robots.txt, the start page and the sitemaps of a site, and judges every address.

    No page but the start is fetched. Two previews at once at most: each may read many sitemaps.
    """

    def __init__(
        self,
        fetch: FetchLimits,
        allowed_private_hosts: tuple[str, ...],
        parse: ParseLimits,
        browser: str = "",
        limits: PreviewLimits | None = None,
    ) -> None:
        self._fetch = fetch
        self._allowed = allowed_private_hosts
        self._parse = parse
        self._browser = browser
        self._limits = limits or PreviewLimits()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def preview(self, config: Mapping[str, Any]) -> CrawlPreview:
        """What a website source with this ``config`` would begin with.

        Raises :class:`FetchError` where the site cannot be read at all.
        """
        rules = CrawlRules.from_config(config)
        async with self._slots, Fetcher(self._fetch, self._allowed) as fetcher:
            look = _Look(CrawlPreview(start=rules.start), self._limits)
            try:
                async with asyncio.timeout(self._limits.seconds):
                    website = await Website.open(rules, fetcher)
                    look.begin(website)
                    renderer = await open_renderer(website, fetcher, self._browser)
                    try:
                        await self._read_start(look, website, renderer)
                    finally:
                        if renderer is not None:
                            await renderer.close()
                    await _read_sitemaps(look, website)
            except TimeoutError as error:
                if look.website is None:
                    raise SiteUnavailable(
                        f"{rules.start} did not answer within {self._limits.seconds:g} s.",
                        "Try again later.",
                    ) from error
                look.preview.stopped = "time"
            look.finish()
            return look.preview

    async def _read_start(self, look: _Look, website: Website, renderer: Renderer | None) -> None:
        found = look.preview
        try:
            content = await read_page(website, website.rules.start, None, renderer)
        except FetchError as error:
            found.start_fault = error.detail
            return
        assert content is not None
        async with ParserPool(self._parse) as parser:
            reading = await parser.read(content.file)
        page = content.facts(reading.page)
        if reading.document is None:
            found.start_fault = reading.failure.detail if reading.failure else ""
        else:
            found.title = reading.document.title
        if page is not None:
            found.noindex, found.nofollow = page.noindex, page.nofollow
            for link in page.links:
                look.judge(link, "start")


async def _read_sitemaps(look: _Look, website: Website) -> None:
    look.preview.sitemaps = website.sitemaps
    number = 0
    async for entry in website.listed():
        look.judge(entry.address, "sitemap", entry.modified)
        number += 1
        if look.is_full:
            look.preview.stopped = "number"
            return
        if number % 100 == 0:
            await asyncio.sleep(0)


class _Look:
    """A preview while it is being made: every address is judged once."""

    def __init__(self, preview: CrawlPreview, limits: PreviewLimits) -> None:
        self.preview = preview
        self.website: Website | None = None
        self._limits = limits
        self._seen: set[str] = set()
        self._counts: Counter[Rule] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether as many addresses were judged as may be."""
        return len(self._seen) >= self._limits.addresses

    def begin(self, website: Website) -> None:
        """The site has answered."""
        self.website = website
        self.preview.start = website.rules.start
        self.preview.crawl_delay_s = website.crawl_delay_s
        for start in website.rules.starts:
            self.judge(start, "start", depth=0)

    def judge(self, address: str, found_in: str, modified: str = "", depth: int = 1) -> None:
        """Judge an address, unless it has been before."""
        assert self.website is not None
        page, verdict = self.website.judge(address, depth, is_listed=found_in == "sitemap")
        if page in self._seen or self.is_full:
            return
        self._seen.add(page)
        self._counts[verdict.rule] += 1
        if self._counts[verdict.rule] <= self._limits.shown:
            self.preview.addresses.append(JudgedAddress(page, found_in, verdict, modified))

    def finish(self) -> None:
        """Write down the counts."""
        self.preview.counts = dict(self._counts)
