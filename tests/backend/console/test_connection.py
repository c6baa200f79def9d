"""A connection that is lost: what was typed is still there, and is what is saved."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _cut(page: Page) -> None:
    await page.evaluate("window.socket.disconnect()")
    await expect(page.locator("#popup")).to_have_attribute("aria-hidden", "false")


async def test_what_is_typed_while_it_is_away_is_saved_after(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/knowledge-bases/{shop.base}")
    await page.get_by_role("button", name="Paste text").click()
    await page.get_by_label("Title").fill("Typed before")
    await _cut(page)
    await page.get_by_label("Text", exact=True).fill("Typed while the connection was away.")
    await page.evaluate("window.socket.connect()")
    await expect(page.locator("#popup")).to_have_attribute("aria-hidden", "true")
    await page.get_by_role("button", name="Add text").click()
    row = page.get_by_role("row", name="Typed before")
    await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
    found = await shop.client.get("/documents", params={"text": "Typed before"})
    document = found.json()["items"][0]["id"]
    text = (await shop.client.get(f"/documents/{document}")).json()["text"]
    assert "Typed while the connection was away." in text


async def test_a_page_that_has_to_load_again_still_has_it(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/knowledge-bases/{shop.base}")
    await page.get_by_role("button", name="Paste text").click()
    await page.get_by_label("Title").fill("A long thought")
    await page.get_by_label("Text", exact=True).fill("Nobody wants to type this twice.")
    await _cut(page)
    await page.reload()
    await page.get_by_role("button", name="Paste text").click()
    await expect(page.get_by_label("Title")).to_have_value("A long thought")
    await page.get_by_role("button", name="Add text").click()
    await expect(page.get_by_role("row", name="A long thought")).to_be_visible()
    # What was saved, or left on purpose, does not come again.
    await page.get_by_role("button", name="Paste text").click()
    await page.get_by_label("Title").fill("Given up")
    await page.reload()
    await page.get_by_role("button", name="Paste text").click()
    await expect(page.get_by_label("Title")).to_have_value("")


async def test_a_password_is_never_kept(sign_in: Sign) -> None:
    person = await sign_in(Role.EDITOR)
    page = person.page
    await person.open("/account")
    await page.get_by_label("New password").fill("words that nobody keeps")
    await _cut(page)
    kept = await page.evaluate("JSON.stringify(sessionStorage)")
    assert "nobody keeps" not in kept
