"""The real application on a loopback port, a real browser, and people who are signed in."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page

from backend.api.access import COOKIE
from backend.app import create_app
from backend.main import _make_poster, _make_previewer, _make_worker
from backend.models import open_encoder
from backend.services import Parts, open_parts
from knowledge.settings import Settings
from knowledge.store.tables import Role
from tests.backend.console.filling import Served, Stocked, stocked
from tests.browser import PATIENCE_MS, Trouble, chromium

PICTURES = Path(__file__).parents[3] / "artifacts" / "console"


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The application. Tests keep out of each other's way by a workspace of their own."""
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        allowed_private_hosts=("127.0.0.1",),
        upload_max_bytes=50_000,
        fusion="minmax",  # with three pages, a change of weights shows in the order of hits
    )
    parts = Parts(settings, _make_worker, open_encoder, _make_previewer, _make_poster, work=True)
    app = create_app(lambda: open_parts(parts), "1.2.3")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with app.router.lifespan_context(app):
            # On a busy machine a connection rests for longer than the server's usual patience.
            config = uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=120,
            )
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve(sockets=[listening]))
            yield Served(app.state.candor, f"http://127.0.0.1:{listening.getsockname()[1]}")
            server.should_exit = True
            await task


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def shop(served: Served) -> AsyncIterator[Stocked]:
    """A workspace of the module's own, with two files in it."""
    made = await stocked(served)
    yield made
    await made.client.aclose()


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    found = Trouble()
    yield found
    assert not found


@dataclass
class Person:
    """Somebody in front of a browser."""

    page: Page
    context: BrowserContext
    workspace_id: UUID
    origin: str

    async def open(self, path: str) -> int:
        """Open a page of the console, and wait until it can be used."""
        # As long as the console itself gives a page, and the browser on a busy machine on top.
        answer = await self.page.goto(f"{self.origin}/console{path}", timeout=60_000)
        await self.page.locator("h1, h2").first.wait_for()
        await self.page.wait_for_function("window.socket?.connected ?? true")
        assert answer is not None
        return answer.status


Sign = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture(loop_scope="package")
async def sign_in(
    served: Served, browser: Browser, trouble: Trouble, request: pytest.FixtureRequest
) -> AsyncIterator[Sign]:
    """Signs a new user in, in a workspace of its own or in that of another.

    What each page looks like at the end of its test is kept in ``artifacts/console/ends``.
    """
    contexts: list[BrowserContext] = []

    async def enter(
        role: Role = Role.OWNER, beside: UUID | None = None, width: int = 1280
    ) -> Person:
        workspace_id = beside or await served.workspace()
        context = await browser.new_context(
            viewport={"width": width, "height": 860},
            reduced_motion="reduce",
            locale="en-GB",
        )
        contexts.append(context)
        secret = await served.cookie(workspace_id, role)
        await context.add_cookies([{"name": COOKIE, "value": secret, "url": served.origin}])
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        trouble.listen(page)
        return Person(page, context, workspace_id, served.origin)

    yield enter
    name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")[:100]
    for number, context in enumerate(contexts, start=1):
        for page in context.pages:
            await page.screenshot(path=PICTURES / "ends" / f"{name}-{number}.png")
        await context.close()
