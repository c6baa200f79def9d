"""Asking, reading the answer, and judging it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.widget.content import ANSWER, GARDEN
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import answered, ask, names_seen, seen, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_ask_and_open_a_citation(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.get_by_role("button", name="Chat with Garden Centre").click()
    await expect(page.get_by_role("dialog", name="Garden Centre")).to_be_visible()
    await answered(page)
    await expect(page.locator(".answer .prose strong")).to_have_text("30 days")

    cite = page.get_by_role("button", name="Source 1: Returns and refunds")
    assert await cite.count() == 2
    await cite.nth(1).click()
    passage = page.get_by_role("complementary", name="Returns and refunds")
    await expect(passage.locator("mark")).to_have_text("Bring the receipt, or send it along.")
    await expect(passage).to_contain_text("Help › Returns")
    link = passage.get_by_role("link", name="Open the page")
    address = "https://garden.example/returns#plants:~:text="
    await expect(link).to_have_attribute(
        "href", f"{address}Bring%20the%20receipt%2C%20or%20send%20it%20along."
    )
    await expect(link).to_have_attribute("rel", "noopener")

    assert await names_seen(page) == ["ready", "open", "message", "answer", "citation"]
    details = dict(await seen(page))
    assert details["answer"]["answer"] == ANSWER
    assert details["answer"]["conversationId"] == "c1"
    assert details["citation"]["citation"]["id"] == 1


async def test_sources_mark_everything_quoted_from_a_passage(
    page: Page, scripted: ScriptedServer
) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.locator(".sources button").first.click()
    marks = page.locator(".passage mark")
    assert "".join(await marks.all_text_contents()) == (
        "Plants may be returned within 30 days of purchase, in their original pot."
        "Bring the receipt, or send it along."
    )


async def test_why_this_answer(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.get_by_text("Why this answer").click()
    found = page.locator(".why li")
    await expect(found).to_have_count(4)
    await expect(found.nth(1)).to_contain_text("place 2 by words")
    await expect(found.nth(1)).to_contain_text("place 4 by meaning")
    await expect(found.nth(1)).to_contain_text("quoted")
    await expect(found.nth(3)).not_to_contain_text("by words")
    await found.nth(2).get_by_role("button", name="Packing a plant").click()
    await expect(page.locator(".passage .label")).to_have_text("1:35")
    await expect(page.locator(".visit")).to_have_attribute(
        "href", "https://www.youtube.com/watch?v=abc&t=95"
    )


async def test_citations_come_while_the_answer_comes(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "wait")
    await expect(page.locator(".live .prose")).to_have_text("You can return plants within")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("Stopped.")).to_be_visible()
    await expect(page.get_by_role("log")).to_contain_text("You can return plants")
    await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_stop_then_retry(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "continue")
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(1)
    keys = {chat["idempotency-key"] for chat in scripted.record.chats}
    assert len(keys) == 2


async def test_at_the_limit_it_is_polite(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "limit")
    await expect(page.get_by_role("log")).to_contain_text("Too many questions for now.")
    assert (await seen(page))[-1] == (
        "error", {"title": "Refused", "detail": "Too many questions.", "status": 429, "action": ""},
    )  # fmt: skip


async def test_suggested_questions(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    questions = (
        await page.get_by_role("list", name="Suggested questions")
        .locator("button")
        .all_text_contents()
    )
    assert questions == GARDEN["suggestions"]
    await page.get_by_role("button", name="How long does a refund take?").click()
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await expect(page.locator(".suggestions")).to_be_hidden()
    assert scripted.record.chats[0]["question"] == "How long does a refund take?"


async def test_feedback_with_a_reason(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.get_by_role("button", name="Not helpful").click()
    await page.get_by_label("Something is missing").check()
    await page.get_by_label("Anything else? (optional)").fill("Opening hours")
    await page.locator(".feedback").get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Thank you.")).to_be_visible()
    pressed = page.get_by_role("button", name="Not helpful")
    await expect(pressed).to_have_attribute("aria-pressed", "true")
    await expect(pressed).to_be_focused()
    first, second = scripted.record.feedback
    visitor = scripted.record.chats[0]["visitor"]
    about = {"conversation_id": "c1", "message_id": "m1", "visitor": visitor, "helpful": False}
    assert first == {**about, "reason": "", "comment": ""}
    assert second == {**about, "reason": "incomplete", "comment": "Opening hours"}


async def test_copy(page: Page, scripted: ScriptedServer) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.get_by_role("button", name="Copy answer").click()
    await expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(ANSWER)
    assert copied.count("[1] Returns and refunds") == 1


async def test_what_is_done_with_a_citation_is_told(page: Page, scripted: ScriptedServer) -> None:
    """For the quality of the search, and without a word of who did it."""
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await answered(page)
    await page.locator(".cite").first.click()
    async with page.expect_response("**/events") as telling:
        await page.keyboard.press("Escape")
    assert (await telling.value).status == 204
    opened, read = scripted.record.acts
    assert opened == {"message_id": "m1", "kind": "citation", "chunk_id": "chunk-1", "rank": 1}
    assert (read["kind"], read["rank"]) == ("dwell", 1)
    assert 0 <= read["milliseconds"] < 60_000
