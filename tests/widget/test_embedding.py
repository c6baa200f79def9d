"""What the website sees of the widget, and does with it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import Trouble
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import LISTEN, ask, seen, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_profile_is_read_once(page: Page, scripted: ScriptedServer) -> None:
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url))
    await visit(page, scripted)
    assert len([address for address in read if address.endswith("/assistants/garden")]) == 1
    assert len([address for address in read if "/widget/v1/" in address]) == 3


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
    assert "page" not in scripted.record.chats[1]
    about = {"title": "Seeds", "text": "Seeds are sown in spring."}
    await page.evaluate("(about) => { document.querySelector('candor-chat').page = about; }", about)
    await page.evaluate("document.querySelector('candor-chat').ask('When?')")
    assert scripted.record.chats[2]["page"] == about
    await page.evaluate("document.querySelector('candor-chat').identify(null)")
    await expect(page.locator(".turn")).to_contain_text("Can I return a plant?")
    await page.evaluate("document.querySelector('candor-chat').clear()")
    await expect(page.locator(".turn")).to_have_count(0)


async def test_without_its_assistant_a_website_shows_nothing(
    page: Page, scripted: ScriptedServer, trouble: Trouble
) -> None:
    await page.add_init_script(f"({LISTEN})()")
    await page.goto(f"{scripted.website}/host/refused")
    await page.wait_for_function("window.seen.length > 0")
    assert (await seen(page))[0][1]["status"] == 404
    assert await page.locator(".launcher").count() == 0


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
