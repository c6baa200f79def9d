"""Acts of a visitor that several tests need, and what a website hears of them."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect

from tests.widget.scripted_server import ScriptedServer

LISTEN = """() => {
  window.seen = [];
  for (const name of ['ready', 'open', 'close', 'message', 'answer', 'citation', 'lead', 'error']) {
    document.addEventListener(`candor:${name}`, (event) => window.seen.push([name, event.detail]));
  }
}"""


async def visit(page: Page, scripted: ScriptedServer, host: str = "plain") -> None:
    await page.add_init_script(f"({LISTEN})()")
    await page.goto(f"{scripted.website}/host/{host}")
    await expect(page.locator(".launcher")).to_be_visible()


async def ask(page: Page, question: str) -> None:
    await page.get_by_role("textbox").fill(question)
    await page.keyboard.press("Enter")


async def answered(page: Page, question: str = "Can I return a plant?") -> None:
    await ask(page, question)
    await expect(page.get_by_text("Why this answer")).to_be_visible()


async def seen(page: Page) -> list[tuple[str, Any]]:
    return [(name, detail) for name, detail in await page.evaluate("window.seen")]


async def names_seen(page: Page) -> list[str]:
    return [name for name, _ in await seen(page)]
