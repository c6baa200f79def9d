"""What a visitor does with the widget, and what the website sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import Trouble
from tests.widget.content import ANSWER, GARDEN
from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTEN = """() => {
  window.seen = [];
  for (const name of ['ready', 'open', 'close', 'message', 'answer', 'citation', 'error']) {
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


async def test_the_profile_is_read_once(page: Page, scripted: ScriptedServer) -> None:
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url))
    await visit(page, scripted)
    assert len([address for address in read if address.endswith("/assistants/garden")]) == 1
    assert len([address for address in read if "/widget/v1/" in address]) == 3


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
    await page.get_by_role("button", name="Delete").click()
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


async def test_methods(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.evaluate("document.querySelector('candor-chat').open()")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await page.evaluate("document.querySelector('candor-chat').close()")
    await expect(page.locator(".panel")).to_be_hidden()
    await page.evaluate("document.querySelector('candor-chat').ask('Can I return a plant?')")
    await expect(page.locator(".panel")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(1)
    await page.evaluate("document.querySelector('candor-chat').identify('ann-5f2e')")
    await expect(page.locator(".turn")).to_have_count(0)
    await page.evaluate("document.querySelector('candor-chat').ask('And seeds?')")
    assert [chat["visitor"] for chat in scripted.record.chats][1:] == ["ann-5f2e"]
    await page.evaluate("document.querySelector('candor-chat').identify(null)")
    await expect(page.locator(".turn")).to_contain_text("Can I return a plant?")
    await page.evaluate("document.querySelector('candor-chat').clear()")
    await expect(page.locator(".turn")).to_have_count(0)


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


async def test_without_its_assistant_a_website_shows_nothing(
    page: Page, scripted: ScriptedServer, trouble: Trouble
) -> None:
    await page.add_init_script(f"({LISTEN})()")
    await page.goto(f"{scripted.website}/host/refused")
    await page.wait_for_function("window.seen.length > 0")
    assert (await seen(page))[0][1]["status"] == 404
    assert await page.locator(".launcher").count() == 0


async def test_the_full_page_says_that_its_assistant_is_absent(
    page: Page, scripted: ScriptedServer
) -> None:
    await page.goto(f"{scripted.origin}/?assistant=nobody")
    await expect(page.get_by_role("alert")).to_have_text("This assistant is not available here.")


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


async def test_languages_and_own_texts(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.website}/host/inline")
    await expect(page.get_by_placeholder("Stellen Sie eine Frage")).to_be_visible()
    element = "document.querySelector('candor-chat')"
    await page.evaluate(f"{element}.setAttribute('lang', 'ja-JP')")
    await expect(page.get_by_placeholder("質問を入力")).to_be_visible()
    await page.evaluate(f"""{element}.setAttribute('texts', '{{"ask": "Go on"}}')""")
    await expect(page.get_by_placeholder("Go on")).to_be_visible()
    await page.evaluate(f"{element}.setAttribute('assistant', 'arabic')")
    await page.evaluate(f"{element}.removeAttribute('lang')")
    await expect(page.locator(".frame")).to_have_attribute("dir", "rtl")


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


async def test_targets_are_large_enough(page: Page, scripted: ScriptedServer) -> None:
    """44 pixels, but for numbers inside a sentence, whose hit area is larger than their sign."""
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
    assert min(reach) >= 34
    assert reach[1] >= 44


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


async def test_the_theme_follows_the_system(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    colour = "(e) => getComputedStyle(e).backgroundColor"
    assert await page.locator(".panel").evaluate(colour) == "rgb(255, 255, 255)"
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator(".frame")).to_have_attribute("data-theme", "dark")
    assert await page.locator(".panel").evaluate(colour) == "rgb(27, 26, 24)"


async def test_the_website_sets_the_colour(page: Page, scripted: ScriptedServer) -> None:
    await page.goto(f"{scripted.website}/host/inline")
    send = page.get_by_role("button", name="Senden")
    assert await send.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(180, 35, 31)"


async def test_taken_out_of_the_page_and_put_back(page: Page, scripted: ScriptedServer) -> None:
    await visit(page, scripted)
    await page.locator(".launcher").click()
    await ask(page, "wait")
    await expect(page.locator(".live .prose")).to_contain_text("You can")
    await page.evaluate(
        """() => {
          const chat = document.querySelector('candor-chat');
          chat.remove();
          document.body.appendChild(chat);
        }"""
    )
    await expect(page.locator(".turn")).to_have_count(1)
    await expect(page.locator(".panel")).to_be_visible()
