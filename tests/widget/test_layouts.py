"""The full page, narrow screens, and lines from right to left."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import Trouble
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import answered, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_full_page(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.origin}/?assistant=garden")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Garden Centre")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await expect(page).to_have_title("Garden Centre")
    await answered(page)
    await page.locator(".cite").first.click()
    boxes = [await page.locator(part).bounding_box() for part in (".column", ".passage")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]  # side by side
    await page.goto(f"{scripted.origin}/?assistant=garden&q=And+seeds%3F")
    await expect(page.locator(".turn")).to_have_count(2)
    assert "q=" not in page.url


async def test_the_full_page_says_that_its_assistant_is_absent(
    page: Page, scripted: ScriptedServer
) -> None:
    await page.goto(f"{scripted.origin}/?assistant=nobody")
    await expect(page.get_by_role("alert")).to_have_text("This assistant is not available here.")


async def test_the_full_page_speaks_its_visitors_language(
    browser: Browser, scripted: ScriptedServer
) -> None:
    context = await browser.new_context(locale="fr-CA")
    page = await context.new_page()
    await page.goto(f"{scripted.origin}/")
    await expect(page.get_by_placeholder("Posez une question")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "fr")
    await context.close()


async def test_right_to_left(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted, "rtl")
    box = await page.locator(".launcher").bounding_box()
    assert box is not None
    assert box["x"] < 100  # the end of a line, in Arabic
    await page.locator(".launcher").click()
    await expect(page.locator(".welcome")).to_contain_text("اسألني")
    direction = await page.locator(".frame").evaluate("(e) => getComputedStyle(e).direction")
    assert direction == "rtl"


async def test_narrow_screen(browser: Browser, scripted: ScriptedServer, trouble: Trouble) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = await context.new_page()
    trouble.listen(page)
    await visit(page, scripted)
    await page.locator(".launcher").tap()
    box = await page.locator(".panel").evaluate(
        """async (e) => {
          await Promise.all(e.getAnimations().map((a) => a.finished));
          return e.getBoundingClientRect().toJSON();
        }"""
    )
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    await answered(page)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    await page.evaluate("document.querySelector('main').innerHTML += '<a href=#>behind</a>'")
    for _ in range(20):
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate("document.activeElement.localName") != "a"
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator(".launcher")).to_be_focused()
    await context.close()
