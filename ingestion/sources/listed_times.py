"""What a sitemap says about when pages were changed, and when that is to be believed.

A page whose ``lastmod`` is the one it had when it was fetched last need not be asked for. Sitemaps
are wrong often enough (a time that never moves, or one of a template) that none is believed for
ever: after ``recheck`` the page is asked for whatever the sitemap says.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from knowledge.store.tables import Document, DocumentState, utc_now

_LONGEST = 40
_DATE_ALONE = re.compile(r"\d{4}-\d\d-\d\d")
_DAY = timedelta(days=1)
_ZONES = timedelta(hours=14)


class ListedTimes:
    """The times that the sitemaps of one crawl list, for at most ``most`` addresses.

    They live as long as the crawl does: after a crash pages are asked for, as without a sitemap.
    """

    def __init__(self, recheck: timedelta, most: int) -> None:
        self._recheck = recheck
        self._most = most
        self._times: dict[str, str] = {}

    def note(self, address: str, modified: str) -> None:
        """A sitemap lists an address with this time."""
        if modified and len(modified) <= _LONGEST and len(self._times) < self._most:
            self._times[address] = modified

    def of(self, address: str) -> str:
        """The time listed for an address, or ``""``."""
        return self._times.get(address, "")

    def vouch_for(self, known: Document) -> bool:
        """Whether a page is as it was when it was fetched, by its time in the sitemap."""
        listed, fetched_at = self.of(known.address), known.fetched_at
        if not listed or listed != known.listed_modified or fetched_at is None:
            return False
        is_whole = known.state == DocumentState.INDEXED and not known.error_code
        if not is_whole or not known.content_hash or utc_now() - fetched_at >= self._recheck:
            return False
        over = _end_of(listed)
        return over is not None and over < fetched_at


def _end_of(listed: str) -> datetime | None:
    """The last moment that a listed time may mean: a date alone is a whole day, anywhere.

    A page that was fetched during it may have been changed once more afterwards.
    """
    try:
        time = datetime.fromisoformat(listed)
    except ValueError:
        return None
    if _DATE_ALONE.fullmatch(listed):
        return time.replace(tzinfo=UTC) + _DAY + _ZONES
    return time if time.tzinfo else time.replace(tzinfo=UTC) + _ZONES
