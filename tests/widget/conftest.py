"""A real browser, and a scripted server for it to talk to."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.widget.scripted_server import ScriptedServer, serving

FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# A busy machine is slow, not wrong.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def scripted_session() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    with serving(server.app) as port:
        server.port = port
        yield server


@pytest.fixture
def scripted(scripted_session: ScriptedServer) -> ScriptedServer:
    scripted_session.record.clear()
    scripted_session.pace = 0.0
    return scripted_session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.fail("These tests need Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=executable, args=FLAGS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(browser: Browser, scripted_session: ScriptedServer) -> AsyncIterator[Page]:
    """One page for all tests of modules that keep no state."""
    page = await browser.new_page()
    await page.goto(f"{scripted_session.origin}/lab")
    yield page
    await page.close()


class Trouble(list[str]):
    """What went wrong in a page: errors on the console, exceptions, refusals by its policy."""

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself reports every 4xx; host pages have no favicon.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.append(message.text)


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    """Fails the test at its end where something went wrong in a page; a test may clear it."""
    found = Trouble()
    yield found
    assert not found


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, trouble: Trouble) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = await context.new_page()
    trouble.listen(page)
    page.set_default_timeout(PATIENCE_MS)
    yield page
    await context.close()
