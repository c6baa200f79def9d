"""Pages as they are once their JavaScript has run.

Chromium renders them and fetches nothing: every request that a page makes is answered here, from
the same fetcher that reads all pages, within its limits and through its guard against private
addresses, on every redirect as well.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ingestion.fetch import Fetched, Fetcher
from ingestion.sources.browser import ClosedBrowser
from knowledge.errors import FetchError, RenderingFailed, ResponseTooLarge

if TYPE_CHECKING:
    from playwright.async_api import Page, Request, Route

log = structlog.get_logger(__name__)

_NEEDED = frozenset({"document", "script", "stylesheet", "xhr", "fetch", "other"})
_KEPT_TYPES = frozenset({"script", "stylesheet"})
_PASSED_BACK = ("content-type", "content-language", "content-security-policy")
_PASSED_ON = ("accept", "origin", "referer", "authorization")
_QUIET_MS = 5_000
_SHED = """() => {
  for (const node of document.querySelectorAll('script, style, noscript, template, iframe')) {
    node.remove();
  }
}"""
"""Takes away what is no content: it would make a page look changed on every crawl."""


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """For one page: ``seconds`` in all, ``requests``, and ``bytes`` of everything it asks for.

    ``at_once``: pages of one run. ``kept_bytes``: scripts and styles kept for the next pages.
    """

    seconds: float = 30.0
    requests: int = 300
    bytes: int = 40_000_000
    at_once: int = 2
    kept_bytes: int = 30_000_000


class Renderer:
    """Renders the pages of one run. ``may_read``: whether robots.txt allows an address."""

    def __init__(
        self,
        browser: ClosedBrowser,
        fetcher: Fetcher,
        may_read: Callable[[str], bool],
        limits: RenderLimits | None = None,
    ) -> None:
        self._browser = browser
        self._fetcher = fetcher
        self._may_read = may_read
        self.limits = limits or RenderLimits()
        self._slots = asyncio.Semaphore(self.limits.at_once)
        self._kept = _Kept(self.limits.kept_bytes)

    async def render(self, page: Fetched) -> Fetched:
        """A fetched page as it is once its JavaScript has run.

        Raises :class:`RenderingFailed`, :class:`ResponseTooLarge`, and what starting the browser
        raises.
        """
        from playwright.async_api import Error

        async with self._slots:
            context = await self._browser.context()
            try:
                async with asyncio.timeout(self.limits.seconds):
                    answers = _Answers(self, page)
                    await context.route("**/*", answers.answer)
                    html = await _settled(await context.new_page(), page.address)
            except TimeoutError as error:
                raise RenderingFailed(
                    f"{page.address} was not through with its JavaScript within "
                    f"{self.limits.seconds:g} s.",
                    "Let the site send its text with the page.",
                ) from error
            except Error as error:
                words = str(error).split("\n")[0][:300]
                raise RenderingFailed(
                    f"{page.address} could not be rendered: {words}.", "Look at it in a browser."
                ) from error
            finally:
                await asyncio.shield(self._browser.discard(context))
        data = html.encode("utf-8", "replace")
        if len(data) > self._fetcher.limits.max_bytes:
            raise ResponseTooLarge(
                f"{page.address} has {len(data):,} bytes once its JavaScript has run.",
                "Raise CANDOR_FETCH_MAX_BYTES if pages of this size are meant to be read.",
            )
        headers = page.headers.copy()
        headers["content-type"] = "text/html; charset=utf-8"
        # What the server says of its page is not true of what became of it.
        headers.pop("etag", None)
        headers.pop("last-modified", None)
        return Fetched(page.address, page.status, data, headers, page.redirects)

    async def fetch(self, request: Request) -> Fetched:
        """What a page asks for. Raises :class:`FetchError`."""
        address = request.url
        kept = self._kept.get(address)
        if kept is not None:
            return kept
        if not self._may_read(address):
            raise FetchError(f"The site's robots.txt forbids {address}.")
        told = {
            name: value
            for name, value in request.headers.items()
            if name in _PASSED_ON or name.startswith("x-")
        }
        fetched = await self._fetcher.fetch(address, headers=told)
        if request.resource_type in _KEPT_TYPES:
            self._kept.put(address, fetched)
        return fetched

    async def close(self) -> None:
        """End the browser."""
        await self._browser.close()


class _Answers:
    """The answers to the requests of one page, counted."""

    def __init__(self, renderer: Renderer, page: Fetched) -> None:
        self._renderer = renderer
        self._page = page
        self._requests = 0
        self._bytes = 0

    async def answer(self, route: Route) -> None:
        """Answer a request, or refuse it: reading a page must change nothing on any server."""
        request, limits = route.request, self._renderer.limits
        self._requests += 1
        if request.is_navigation_request():
            is_page = request.frame.parent_frame is None and request.url == self._page.address
            await (_fulfil(route, self._page) if is_page else route.abort())
            return
        is_wanted = request.method == "GET" and request.resource_type in _NEEDED
        if not is_wanted or self._requests > limits.requests or self._bytes > limits.bytes:
            await route.abort()
            return
        try:
            fetched = await self._renderer.fetch(request)
        except FetchError as error:
            log.debug("render.refused", address=request.url, error=error.code)
            await route.abort()
            return
        self._bytes += len(fetched.data)
        await _fulfil(route, fetched)


async def _fulfil(route: Route, fetched: Fetched) -> None:
    headers = {
        name: value
        for name, value in fetched.headers.items()
        if name in _PASSED_BACK or name.startswith("access-control-")
    }
    await route.fulfill(status=fetched.status, headers=headers, body=fetched.data)


async def _settled(page: Page, address: str) -> str:
    """Load a page, wait until it asks for nothing more, and return what became of it."""
    from playwright.async_api import TimeoutError as NotQuiet

    page.on("dialog", lambda dialog: dialog.dismiss())
    page.on("popup", lambda popup: popup.close())
    await page.goto(address, wait_until="load", timeout=0)
    try:
        await page.wait_for_load_state("networkidle", timeout=_QUIET_MS)
    except NotQuiet:
        log.debug("render.never_quiet", address=address)
    await page.evaluate(_SHED)
    return str(await page.content())


class _Kept:
    """Scripts and styles, which the pages of a site share: the least recently used go first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._pages: OrderedDict[str, Fetched] = OrderedDict()

    def get(self, address: str) -> Fetched | None:
        """What was kept for an address."""
        if address in self._pages:
            self._pages.move_to_end(address)
        return self._pages.get(address)

    def put(self, address: str, fetched: Fetched) -> None:
        """Keep a response, unless it alone is too large."""
        if address in self._pages or len(fetched.data) > self._most // 4:
            return
        self._pages[address] = fetched
        self._held += len(fetched.data)
        while self._held > self._most:
            _, gone = self._pages.popitem(last=False)
            self._held -= len(gone.data)
