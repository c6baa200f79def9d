"""Feeds as sources of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ingestion.fetch import Fetcher
from ingestion.sources.pages import MOST_NOTES, read_page
from ingestion.sources.sitemap import ListFault, read_lists
from ingestion.sources.source import Content, OwnList
from ingestion.sources.website import FoundPage, Website
from knowledge.crawl_limits import DEFAULT_ENTRIES, Limit, RunNote
from knowledge.crawl_rules import CrawlRules, canonical_address, origin_of
from knowledge.errors import AddressRefused
from knowledge.store.tables import Document


class FeedSource(OwnList):
    """An RSS or Atom feed, or an OPML list of feeds: every entry's page, and no links from it.

    Entries may be on any site; each site's robots.txt is kept to. ``only``: entries that alone are
    read again, where there are any; the feed is left alone then.
    """

    def __init__(
        self, config: dict[str, Any], fetcher: Fetcher, only: Sequence[FoundPage] = ()
    ) -> None:
        self._start = str(config.get("start", ""))
        self._room = int(config.get("max_pages") or DEFAULT_ENTRIES)
        self._fetcher = fetcher
        self._only = only
        self._sites: dict[str, Website] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._faults: list[ListFault] = []

    async def pages(self) -> AsyncIterator[FoundPage]:
        """The entries of the feed. Raises :class:`FetchError` where it cannot be read."""
        for page in self._only:
            yield page
        if self._only:
            return
        feed = await self._fetcher.fetch(self._start)
        lists = read_lists(
            self._fetcher,
            [self._start],
            feed,
            lambda address, error: self._faults.append(ListFault(address, error)),
        )
        async for entry in lists:
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

    @property
    def limits(self) -> Mapping[Limit, int]:
        """The most entries of a run."""
        return {Limit.PAGES: self._room}

    @property
    def received_bytes(self) -> int:
        """What came in all responses, unpacked."""
        return self._fetcher.received_bytes

    @property
    def notes(self) -> list[RunNote]:
        """Feeds of an OPML list that could not be read."""
        return [
            RunNote(
                "feed-unreadable",
                f"The feed {fault.address} could not be read: {fault.error.detail}"[:1000],
                fault.error.action,
            )
            for fault in self._faults[:MOST_NOTES]
        ]

    async def close(self) -> None:
        """Close the connections."""
        await self._fetcher.close()
