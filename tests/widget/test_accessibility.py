"""axe finds nothing to object to, in any state, theme and brand colour."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import violations
from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def objections(page: Page, widget_alone: bool) -> list[str]:
    """All of axe, best practices too; on a host page only what the widget is answerable for."""
    await page.evaluate(
        """() => Promise.all(document.querySelector('candor-chat').shadowRoot.getAnimations()
          .filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished))"""
    )
    return await violations(page, "candor-chat" if widget_alone else "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "place",
    ["/host/plain", "/host/rtl", "/?assistant=garden", "/?assistant=yellow", "/?assistant=navy"],
)
async def test_no_violation(
    browser: Browser, scripted: ScriptedServer, scheme: Literal["light", "dark"], place: str
) -> None:
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    host = place.startswith("/host")
    found: dict[str, list[str]] = {}
    await page.goto(f"{scripted.website if host else scripted.origin}{place}")
    if host:
        await expect(page.locator(".launcher")).to_be_visible()
        found["closed"] = await objections(page, host)
        await page.locator(".launcher").click()
    await expect(page.get_by_role("textbox")).to_be_visible()
    found["empty"] = await objections(page, host)
    await page.get_by_role("textbox").fill("Can I return a plant?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why")).to_be_attached()
    found["answered"] = await objections(page, host)
    await page.locator(".actions button").last.click()
    await page.locator("summary").click()
    found["feedback, why"] = await objections(page, host)
    await page.locator(".cite").first.click()
    found["passage"] = await objections(page, host)
    await page.keyboard.press("Escape")
    await page.locator(".tools button").last.click()
    found["dialog"] = await objections(page, host)
    await context.close()
    assert {state: some for state, some in found.items() if some} == {}


async def test_while_an_answer_comes(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.origin}/?assistant=garden")
    await page.get_by_role("textbox").fill("wait")
    await page.keyboard.press("Enter")
    await expect(page.locator(".live .prose")).to_contain_text("You can")
    assert await objections(page, False) == []


async def test_after_a_failure(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.origin}/?assistant=garden")
    await page.get_by_role("textbox").fill("limit")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Too many questions")
    assert await objections(page, False) == []
