"""A pinned build: the hash in the page's tag vouches for every script that the widget runs."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser import PATIENCE_MS, Trouble
from tests.widget.installation import Installation
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import LISTEN
from widget.served import digest, served_files

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _visit(page: Page, candor: Installation, scripted: ScriptedServer, host: str) -> None:
    await candor.behave({"handoff": {"enabled": True}})
    await page.add_init_script(f"({LISTEN})()")
    query = urlencode({"candor": candor.origin, "assistant": candor.key})
    await page.goto(f"{scripted.website}/host/{host}?{query}")


async def _tampered(route: Route) -> None:
    response = await route.fetch()
    await route.fulfill(response=response, body=await response.text() + "window.tampered = true;")


async def test_each_script_holds_the_hash_of_the_next() -> None:
    files = served_files()
    for holder, loaded in (("loader.js", "define.js"), ("define.js", "rare.js")):
        seal = b64encode(hashlib.sha256(files[loaded]).digest()).decode()
        assert f"'sha256-{seal}'" in files[holder].decode()


@pytest.mark.parametrize("host", ["pinned", "pinned-strict"])
async def test_a_pinned_build(
    page: Page, candor: Installation, scripted: ScriptedServer, host: str
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    await _visit(page, candor, scripted, host)
    await page.get_by_role("button", name="Chat with The Garden").click()
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_text("Nobody is here right now.")).to_be_visible()
    for script in ("define.js", "rare.js"):  # once each: what was checked is what runs
        assert loaded.count(f"{candor.origin}/widget/{digest()}/{script}") == 1


@pytest.mark.parametrize("script", ["define.js", "rare.js"])
@pytest.mark.parametrize("host", ["pinned", "pinned-strict"])
async def test_a_script_that_was_changed_does_not_run(
    page: Page,
    candor: Installation,
    scripted: ScriptedServer,
    trouble: Trouble,
    host: str,
    script: str,
) -> None:
    await page.route(f"**/{script}", _tampered)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    if script == "define.js":
        async with page.expect_console_message(lambda said: "could not be loaded" in said.text):
            await _visit(page, candor, scripted, host)
        assert await page.locator(".launcher").count() == 0
    else:
        await _visit(page, candor, scripted, host)
        await page.get_by_role("button", name="Chat with The Garden").click()
        await page.get_by_role("button", name="Talk to a person").click()
        async with asyncio.timeout(PATIENCE_MS / 1000):
            # Playwright's own waiting is an eval in the page, which a strict policy forbids.
            while not await page.evaluate("window.seen.some(([name]) => name === 'error')"):
                await asyncio.sleep(0.05)
    assert any("integrity" in line for line in said)
    assert await page.evaluate("window.tampered") is None
    trouble.clear()
