"""axe finds nothing to object to, in any state, theme and brand colour."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

# All of axe, best practices too; on a host page only what the widget is answerable for.
RUN = """async (widgetAlone) => {
  const found = await axe.run(widgetAlone ? 'candor-chat' : document);
  return found.violations.map(({ id, nodes }) => (
    `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`));
}"""


async def violations(page: Page, widget_alone: bool) -> list[str]:
    await page.evaluate(
        """() => Promise.all(document.querySelector('candor-chat').shadowRoot.getAnimations()
          .filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished))"""
    )
    await page.evaluate(AXE)
    found: list[str] = await page.evaluate(RUN, widget_alone)
    return found


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
        found["closed"] = await violations(page, host)
        await page.locator(".launcher").click()
    await expect(page.get_by_role("textbox")).to_be_visible()
    found["empty"] = await violations(page, host)
    await page.get_by_role("textbox").fill("Can I return a plant?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why")).to_be_attached()
    found["answered"] = await violations(page, host)
    await page.locator(".actions button").last.click()
    await page.locator("summary").click()
    found["feedback, why"] = await violations(page, host)
    await page.locator(".cite").first.click()
    found["passage"] = await violations(page, host)
    await page.keyboard.press("Escape")
    await page.locator(".tools button").last.click()
    found["dialog"] = await violations(page, host)
    await context.close()
    assert {state: some for state, some in found.items() if some} == {}


async def test_while_an_answer_comes(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.origin}/?assistant=garden")
    await page.get_by_role("textbox").fill("wait")
    await page.keyboard.press("Enter")
    await expect(page.locator(".live .prose")).to_contain_text("You can")
    assert await violations(page, False) == []


async def test_after_a_failure(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.origin}/?assistant=garden")
    await page.get_by_role("textbox").fill("limit")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Too many questions")
    assert await violations(page, False) == []
