"""A site's robots.txt (RFC 9309)."""

from __future__ import annotations

import re

from protego import Protego

from ingestion.fetch import Fetcher
from knowledge.errors import FetchError, FetchRejected, SiteUnavailable

_LONGEST_DELAY_S = 30.0
_MOST_BYTES = 512_000
_COMMENT = re.compile(r"#.*")


class Robots:
    """What a site allows a crawler of a name to read.

    ``lines``: what the file says, but for comments and spaces.
    """

    def __init__(self, text: str, user_agent: str) -> None:
        self._rules = Protego.parse(text)
        lines = (" ".join(_COMMENT.sub("", line).split()) for line in text.splitlines())
        self.lines = tuple(line for line in lines if line)
        self._name = user_agent.split("/")[0]

    @classmethod
    async def load(cls, fetcher: Fetcher, origin: str) -> Robots:
        """Read a site's rules; a site without a robots.txt allows everything.

        Raises :class:`SiteUnavailable` where the site is down or answers with a server error:
        what is forbidden is then unknown, and everything has to wait.
        """
        name = fetcher.limits.user_agent
        try:
            page = await fetcher.fetch(f"{origin}/robots.txt")
        except FetchRejected as error:
            if error.status >= 500 or error.status == 429:
                raise SiteUnavailable(
                    f"{origin}/robots.txt answered with status {error.status}.",
                    "Try again later: without it nobody knows what may be read.",
                ) from error
            return cls("", name)
        except SiteUnavailable:
            raise
        except FetchError:
            return cls("", name)
        if page.media_type == "text/html":
            return cls("", name)
        return cls(page.data[:_MOST_BYTES].decode("utf-8", "replace"), name)

    def allows(self, address: str) -> bool:
        """Whether the address may be read."""
        return bool(self._rules.can_fetch(address, self._name))

    @property
    def crawl_delay_s(self) -> float:
        """Seconds to leave between two requests, 0 where the site does not say."""
        return min(float(self._rules.crawl_delay(self._name) or 0.0), _LONGEST_DELAY_S)

    @property
    def sitemaps(self) -> list[str]:
        """Addresses of the site's sitemaps."""
        return list(self._rules.sitemaps)
