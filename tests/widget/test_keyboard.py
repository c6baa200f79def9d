"""The keyboard, screen readers, and targets for fingers."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import answered, ask, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_keyboard_alone(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("Can I return")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("a plant?")
    assert await page.get_by_role("textbox").input_value() == "Can I return\na plant?"
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await expect(page.get_by_role("textbox")).to_be_focused()

    await page.locator(".cite").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".passage")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".passage")).to_be_hidden()
    await expect(page.locator(".cite").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_be_hidden()
    await expect(page.locator(".launcher")).to_be_focused()


async def test_a_word_being_composed_is_not_sent(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await page.get_by_role("textbox").fill("しつもん")
    await page.get_by_role("textbox").dispatch_event(
        "keydown", {"key": "Enter", "isComposing": True, "bubbles": True}
    )
    assert await page.get_by_role("textbox").input_value() == "しつもん"
    assert scripted.record.chats == []


async def test_only_finished_messages_enter_the_log(page: Page, scripted: ScriptedServer) -> None:
    scripted.pace = 0.03
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await page.evaluate(
        """() => {
          const log = document.querySelector('candor-chat').shadowRoot.querySelector('[role=log]');
          window.added = [];
          new MutationObserver((records) => {
            for (const record of records) {
              for (const node of record.addedNodes) window.added.push(node.textContent);
            }
          }).observe(log, { childList: true, subtree: true, characterData: true });
        }"""
    )
    await ask(page, "Can I return a plant?")
    await expect(page.locator(".live")).to_contain_text("You can return")
    await expect(page.get_by_role("log")).to_be_empty()
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    (added,) = await page.evaluate("window.added")
    assert "working days" in added
    await expect(page.locator(".live")).to_be_empty()


async def test_targets_are_large_enough(page: Page, scripted: ScriptedServer) -> None:
    """44 pixels; a number inside a sentence is smaller, and its hit area is not."""
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.get_by_role("button", name="Not helpful").click()
    small = await page.evaluate(
        """() => [...document.querySelector('candor-chat').shadowRoot
          .querySelectorAll('button:not(.cite), summary, .feedback label, textarea')]
          .filter((e) => e.checkVisibility() && !e.closest('details:not([open]) ol'))
          .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
          .filter(([, box]) => box.height < 44 || box.width < 44)
          .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
    )
    assert small == []
    reach = await page.locator(".cite").first.evaluate(
        """(e) => { const style = getComputedStyle(e, '::after');
          return [parseFloat(style.width), parseFloat(style.height)]; }"""
    )
    assert min(reach) >= 44


async def test_reduced_motion(browser: Browser, scripted: ScriptedServer) -> None:
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "wait")
    await expect(page.locator(".live .prose")).to_contain_text("You can")
    running = await page.locator(".panel").evaluate(
        "(e) => e.getAnimations({ subtree: true }).length"
    )
    assert running == 0
    await context.close()
