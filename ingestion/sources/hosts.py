"""The hosts of a website: what each one's robots.txt says, and which of them are down."""

from __future__ import annotations

from urllib.parse import urlsplit

from ingestion.fetch import Fetcher
from ingestion.sources.robots import Robots
from knowledge.crawl_rules import origin_of
from knowledge.errors import SiteUnavailable


class Hosts:
    """What the hosts of one source ask of crawlers, by host and port."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._robots: dict[str, Robots] = {}
        self._origins: dict[str, str] = {}
        self._down: dict[str, SiteUnavailable] = {}

    async def load(self, address: str) -> None:
        """Read the robots.txt of an address's host, once, and keep to its delay.

        Raises :class:`SiteUnavailable`, now and from :meth:`check`, where the host is down.
        """
        parts = urlsplit(address)
        if parts.netloc in self._robots:
            return
        self.check(address)
        origin = origin_of(address)
        try:
            robots = await Robots.load(self._fetcher, origin)
        except SiteUnavailable as error:
            self._down[parts.netloc] = error
            raise
        self._robots[parts.netloc], self._origins[parts.netloc] = robots, origin
        if robots.crawl_delay_s:
            self._fetcher.slow_down(parts.hostname or "", robots.crawl_delay_s)

    def check(self, address: str) -> None:
        """Raise the :class:`SiteUnavailable` of an address whose host is down."""
        error = self._down.get(urlsplit(address).netloc)
        if error is not None:
            raise SiteUnavailable(error.detail, error.action)

    def allow(self, address: str) -> bool:
        """Whether the robots.txt of an address's host allows it; nothing is said of other hosts."""
        robots = self._robots.get(urlsplit(address).netloc)
        return robots is None or robots.allows(address)

    @property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """What each robots.txt says."""
        return {host: robots.lines for host, robots in sorted(self._robots.items())}

    @property
    def crawl_delay_s(self) -> float:
        """The longest delay that one of them asks for, in seconds."""
        return max((robots.crawl_delay_s for robots in self._robots.values()), default=0.0)

    @property
    def sitemaps(self) -> list[str]:
        """The sitemaps that each host names, or the usual one of a host that names none."""
        named = (robots.sitemaps for robots in self._robots.values())
        return [*(one for of_host in named for one in of_host), *sorted(self.guessed_sitemaps)]

    @property
    def guessed_sitemaps(self) -> frozenset[str]:
        """Sitemaps that nobody names."""
        return frozenset(
            f"{self._origins[host]}/sitemap.xml"
            for host, robots in self._robots.items()
            if not robots.sitemaps
        )
