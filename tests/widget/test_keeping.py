"""What is kept in the browser, deleted and downloaded."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import answered, ask, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_kept_across_a_reload(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.reload()
    await expect(page.locator(".panel")).to_be_visible()  # it was open
    await expect(page.get_by_role("log")).to_contain_text("working days")
    await page.locator(".cite").first.click()
    await expect(page.locator(".passage")).to_contain_text("Cut flowers")
    assert len(scripted.record.chats) == 1
    await page.keyboard.press("Escape")
    await ask(page, "And seeds?")
    await expect(page.locator(".turn")).to_have_count(2)
    first, second = scripted.record.chats
    assert second["conversation_id"] == "c1"
    assert first["visitor"] == second["visitor"]
    assert len(first["visitor"]) == 32


async def test_an_answer_goes_on_after_a_reload(page: Page, scripted: ScriptedServer) -> None:
    scripted.pace = 0.05
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "Can I return a plant?")
    await expect(page.locator(".live .prose")).to_contain_text("You can return")
    await page.reload()
    scripted.pace = 0.0
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(1)
    text = await page.locator(".answer .prose").text_content()
    assert text is not None
    assert text.count("You can return plants") == 1
    first, second = scripted.record.chats
    assert first["idempotency-key"] == second["idempotency-key"]


async def test_clear(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Keep").click()
    await expect(page.locator(".turn")).to_have_count(1)
    await page.get_by_role("button", name="New conversation").click()
    async with page.expect_response("**/conversations/c1") as deleting:
        await page.get_by_role("button", name="Delete").click()
    assert (await deleting.value).status == 204
    assert scripted.record.deleted == ["c1"]  # on the server too
    await expect(page.locator(".turn")).to_have_count(0)
    await expect(page.get_by_role("button", name="Can I return a plant?")).to_be_visible()
    await page.reload()
    await expect(page.locator(".panel")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(0)


async def test_export(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download conversation").click()
    download = await downloading.value
    assert download.suggested_filename == "conversation.md"
    text = (await download.path()).read_text(encoding="utf-8")
    assert text.startswith("## Can I return a plant?\n\nYou can return plants")
    assert "[2] How refunds work https://garden.example/refunds" in text
