"""Whether a page that changed is found, and how soon.

What the records tell: the minutes between a page's own date of change, or its fetching, and its
being in the index. What only a search tells: at which place the page is found by its title, and by
a sentence of its newest passage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from backend.search.search import Searcher, SearchRequest
from knowledge.errors import InvalidInput, InvalidQuery
from knowledge.store.queries.freshness import IndexedDocument, read_last_indexed
from knowledge.store.tables.base import utc_now

MOST = 50
FOUND_WITHIN = 10
"""A page at one of the first ten places is found."""

_DEPTH = 30
_WORDS = 16
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_MOST_DAYS = 90


@dataclass(frozen=True, slots=True)
class FreshPage:
    """A page that was indexed of late.

    ``change_minutes``: from the page's own date of change to its being in the index, ``None`` where
    it tells none or a wrong one; ``fetch_minutes``: from fetching. ``title_place`` and
    ``text_place``: where a search for its title and for ``text`` finds it, ``None`` where not among
    the first 30.
    """

    document_id: UUID
    title: str
    address: str
    version: int
    modified_at: datetime | None
    fetched_at: datetime | None
    indexed_at: datetime
    change_minutes: float | None
    fetch_minutes: float | None
    text: str
    title_place: int | None
    text_place: int | None

    @property
    def minutes(self) -> float | None:
        """Those that count: from the change where the page tells it, else from fetching.

        A page that is read for the first time may have changed long before anybody added it.
        """
        if self.version > 1 and self.change_minutes is not None:
            return self.change_minutes
        return self.fetch_minutes

    @property
    def found(self) -> bool:
        """Whether one of the searches finds it."""
        places = (self.title_place, self.text_place)
        return any(place is not None and place <= FOUND_WITHIN for place in places)


@dataclass(frozen=True, slots=True)
class Freshness:
    """The pages of a knowledge base that were indexed last.

    ``on_time``: how many were in the index ``within_minutes`` after they changed, or after they
    were fetched where they tell no date, and are found. ``p50`` and ``p95``: of those minutes.
    """

    within_minutes: float
    pages: tuple[FreshPage, ...]
    found: int
    on_time: int
    p50: float | None
    p95: float | None


async def check_freshness(
    searcher: Searcher,
    knowledge_base_id: UUID,
    within_minutes: float = 60.0,
    days: int = 7,
    limit: int = 20,
) -> Freshness:
    """Check the pages indexed in the last ``days`` days, at most ``limit``, with two searches each.

    Raises :class:`InvalidInput` where a number is out of its range.
    """
    if not (1 <= limit <= MOST and 1 <= days <= _MOST_DAYS and within_minutes > 0):
        raise InvalidInput(
            f"A check is of 1 to {MOST} pages of the last 1 to {_MOST_DAYS} days, within some "
            "minutes."
        )
    async with searcher.database.reading() as session:
        documents = await read_last_indexed(
            session, knowledge_base_id, utc_now() - timedelta(days=days), limit
        )
    pages = [await _check(searcher, knowledge_base_id, one) for one in documents]
    waits = [page.minutes for page in pages]
    known = [minutes for minutes in waits if minutes is not None]
    p50, p95 = np.percentile(known, [50, 95]).tolist() if known else (None, None)
    return Freshness(
        within_minutes=within_minutes,
        pages=tuple(pages),
        found=sum(page.found for page in pages),
        on_time=sum(
            page.found and minutes is not None and minutes <= within_minutes
            for page, minutes in zip(pages, waits, strict=True)
        ),
        p50=p50,
        p95=p95,
    )


async def _check(searcher: Searcher, base: UUID, document: IndexedDocument) -> FreshPage:
    text = own_words(document.text)
    return FreshPage(
        document_id=document.id,
        title=document.title,
        address=document.address,
        version=document.version,
        modified_at=document.modified_at,
        fetched_at=document.fetched_at,
        indexed_at=document.indexed_at,
        change_minutes=_minutes(document.modified_at, document.indexed_at),
        fetch_minutes=_minutes(document.fetched_at, document.indexed_at),
        text=text,
        title_place=await _place(searcher, base, document.id, document.title),
        text_place=await _place(searcher, base, document.id, text),
    )


async def _place(searcher: Searcher, base: UUID, document_id: UUID, query: str) -> int | None:
    """At which place, counted in pages, a search finds a document."""
    try:
        result = await searcher.search(SearchRequest(query, (base,), _DEPTH))
    except InvalidQuery:
        return None
    pages = list(dict.fromkeys(hit.document_id for hit in result.hits))
    return pages.index(document_id) + 1 if document_id in pages else None


def own_words(text: str) -> str:
    """The words of a passage's longest line, at most sixteen: a query that is its own."""
    line = max(text.splitlines() or [""], key=len)
    return " ".join(_WORD.findall(line)[:_WORDS])


def _minutes(before: datetime | None, after: datetime) -> float | None:
    """A page's own date may lie: one after its indexing counts as none."""
    if before is None or before > after:
        return None
    return (after - before).total_seconds() / 60
