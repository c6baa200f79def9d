"""A real browser, and a scripted server for it to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser import PATIENCE_MS, Trouble, chromium
from tests.widget.installation import Installation, installed
from tests.widget.scripted_server import ScriptedServer, serving


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
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def candor(
    tmp_path_factory: pytest.TempPathFactory, scripted_session: ScriptedServer
) -> AsyncIterator[Installation]:
    """The application. It ends with this folder's tests: a process has one job engine at a time."""
    data = tmp_path_factory.mktemp("candor")
    async with installed(data, scripted_session.website) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(browser: Browser, scripted_session: ScriptedServer) -> AsyncIterator[Page]:
    """One page for all tests of modules that keep no state."""
    page = await browser.new_page()
    await page.goto(f"{scripted_session.origin}/lab")
    yield page
    await page.close()


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
