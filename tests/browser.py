"""A real Chromium for the tests of pages, axe in it, and what goes wrong in a page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

_FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_RUN_AXE = """async ([within, tags]) => {
  const found = await axe.run(within || document, tags.length ? { runOnly: tags } : {});
  return found.violations.flatMap(({ id, nodes }) => (
    nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)));
}"""

# A busy machine is slow, not wrong.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Axe's rules for WCAG 2.2 AA, without its best practices."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this machine, until the end of the block."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.fail("These tests need Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=executable, args=_FLAGS)


async def violations(page: Page, within: str = "", tags: Sequence[str] = ()) -> list[str]:
    """What axe finds in a page, or in one element of it; of all its rules where none are named."""
    await page.evaluate(_AXE)
    found: list[str] = await page.evaluate(_RUN_AXE, [within, list(tags)])
    return found


class Trouble(list[str]):
    """What went wrong in a page: errors on the console, exceptions, refusals by its policy."""

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself reports every 4xx; host pages have no favicon.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.append(message.text)
