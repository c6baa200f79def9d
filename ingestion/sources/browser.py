"""Chromium without a network of its own: every request of a page is answered from outside.

The guard against private addresses must hold for whatever a page asks for, and a browser resolves
names by itself. So it is started with a proxy and names that lead nowhere: what is not answered by
whoever renders the page, reaches nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from knowledge.errors import BrowserUnavailable, MissingExtra

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright, WebSocketRoute

log = structlog.get_logger(__name__)

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",
)
_NOWHERE = "http://127.0.0.1:9"
_NO_OTHER_WAYS_OUT = "delete window.RTCPeerConnection; delete window.WebTransport;"
_CLOSING_S = 10.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR")


class ClosedBrowser:
    """A Chromium that is started when it is first needed, and again after it has died."""

    def __init__(self, executable: str = "", user_agent: str = "") -> None:
        self._executable = executable
        self._user_agent = user_agent
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> Browser:
        """The running browser.

        Raises :class:`MissingExtra` where Playwright is not installed, and
        :class:`BrowserUnavailable` where Chromium is not, or does not start.
        """
        async with self._starting:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            await self._stop()
            try:
                from playwright.async_api import Error, async_playwright
            except ImportError as error:
                raise MissingExtra(
                    "Pages that need JavaScript are read with Playwright, which is not installed.",
                    "Install candor[browser], or set `render` of the source to false.",
                ) from error
            try:
                self._playwright = await async_playwright().start()
                self._browser = await self._launch(self._playwright)
            except Error as error:
                await self._stop()
                raise BrowserUnavailable(
                    f"Chromium does not start: {_first_line(error)}.",
                    "Install it (`apt-get install chromium`, or `playwright install chromium`), or "
                    "name it in CANDOR_BROWSER.",
                ) from error
            return self._browser

    async def context(self) -> BrowserContext:
        """A context without cookies, downloads, service workers and web sockets."""
        browser = await self.start()
        context = await browser.new_context(
            user_agent=self._user_agent or None,
            accept_downloads=False,
            service_workers="block",
            ignore_https_errors=True,  # the certificate was verified where the page was fetched
        )
        await context.add_init_script(_NO_OTHER_WAYS_OUT)
        await context.route_web_socket("**/*", _refuse)
        return context

    async def discard(self, context: BrowserContext) -> None:
        """Close a context; where its page hangs, the browser goes with it."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_CLOSING_S):
                await context.close()
        except (TimeoutError, Error):
            log.warning("browser.hung")
            await self.close()

    async def close(self) -> None:
        """End the browser."""
        async with self._starting:
            await self._stop()

    async def _launch(self, playwright: Playwright) -> Browser:
        from playwright.async_api import Error

        found = self._executable or next(filter(None, map(shutil.which, _NAMES)), None)
        # As root Chromium's own sandbox cannot be used, nor in most containers.
        sandboxes = (False,) if os.geteuid() == 0 else (True, False)
        for sandbox in sandboxes:
            try:
                return await playwright.chromium.launch(
                    executable_path=found,
                    args=_ARGUMENTS,
                    chromium_sandbox=sandbox,
                    proxy={"server": _NOWHERE},
                    # No secret of this process reaches the browser.
                    env={name: os.environ[name] for name in _KEPT if name in os.environ},
                )
            except Error as error:
                if not sandbox or "sandbox" not in str(error).lower():
                    raise
                log.warning("browser.without_sandbox", detail=_first_line(error))
        raise AssertionError("unreachable")

    async def _stop(self) -> None:
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None:
            await _ended(browser.close)
        if playwright is not None:
            await _ended(playwright.stop)


async def _ended(end: Callable[[], Awaitable[None]]) -> None:
    from playwright.async_api import Error

    with contextlib.suppress(TimeoutError, Error):
        async with asyncio.timeout(_CLOSING_S):
            await end()


async def _refuse(socket: WebSocketRoute) -> None:
    await socket.close()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300].rstrip(".") if lines else type(error).__name__
