"""Lists of addresses: sitemaps and their indexes, RSS and Atom feeds, OPML, plain text."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import structlog
from lxml import etree

from ingestion.decompress import Decompressor
from ingestion.fetch import Fetched, Fetcher
from knowledge.errors import FetchError

log = structlog.get_logger(__name__)

_MOST_LISTS = 500
_MOST_BYTES = 60_000_000
_LISTS = frozenset({"sitemap"})
_ENTRIES = frozenset({"url", "item", "entry"})


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a list. ``is_list``: it leads to another list. ``modified`` is as written."""

    address: str
    modified: str = ""
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class ListFault:
    """A list that could not be read, and why."""

    address: str
    error: FetchError


def _ignore(address: str, error: FetchError) -> None:
    """A fault that nobody asked for is in the log."""


async def read_lists(
    fetcher: Fetcher,
    addresses: list[str],
    first: Fetched | None = None,
    on_fault: Callable[[str, FetchError], None] = _ignore,
) -> AsyncIterator[Listed]:
    """Every page that the lists name, with the lists they lead to.

    ``first``: the first list, where it has been fetched. A list that cannot be read is told to
    ``on_fault`` and left out: links lead to its pages as well.
    """
    queue, seen = deque(addresses), set(addresses)
    for _ in range(_MOST_LISTS):
        if not queue:
            return
        address = queue.popleft()
        try:
            page, first = first or await fetcher.fetch(address), None
            # Off the event loop: a list may have 50,000 entries.
            entries = await asyncio.to_thread(_entries, page)
        except FetchError as error:
            log.info("sitemap.unreadable", address=address, error=error.code)
            on_fault(address, error)
            continue
        for entry in entries:
            if not entry.is_list:
                yield entry
            elif entry.address not in seen:
                seen.add(entry.address)
                queue.append(entry.address)


def _entries(page: Fetched) -> list[Listed]:
    return list(parse_list(_unpacked(page.data), page.address))


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    decode = Decompressor("gzip", _MOST_BYTES)
    unpacked = decode.feed(data)
    decode.finish()
    return unpacked


def parse_list(data: bytes, base: str) -> Iterator[Listed]:
    """The entries of a list, with addresses made absolute; nothing from what is not a list."""
    start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"<"):
        yield from _plain(data, base)
        return
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
    )
    try:
        for _, element in events:
            name = _name(element)
            if name in _LISTS or name in _ENTRIES or name == "outline":
                yield from _entry(element, name, base)
                element.clear()
    except etree.XMLSyntaxError:
        return


def _plain(data: bytes, base: str) -> Iterator[Listed]:
    for line in data.decode("utf-8", "replace").splitlines():
        if line.strip().startswith(("http://", "https://")):
            yield Listed(urljoin(base, line.strip()))


def _entry(element: etree._Element, name: str, base: str) -> Iterator[Listed]:
    if name == "outline":
        feed, page = element.get("xmlUrl"), element.get("htmlUrl") or element.get("url")
        if feed or page:
            yield Listed(urljoin(base, feed or page or ""), is_list=bool(feed))
        return
    told: dict[str, str] = {}
    for child in element:
        text = (child.text or "").strip()
        if _name(child) == "link" and child.get("href"):
            if child.get("rel", "alternate") == "alternate":
                told.setdefault("link", child.get("href") or "")
        elif text:
            told.setdefault(_name(child), text)
    address = told.get("loc") or told.get("link")
    if address:
        modified = told.get("lastmod") or told.get("updated") or told.get("pubDate") or ""
        yield Listed(urljoin(base, address), modified, is_list=name in _LISTS)


def _name(element: etree._Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
