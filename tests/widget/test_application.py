"""The widget and the application, as they are served together: ask, read the answer, see why."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser import Trouble
from tests.widget.installation import Installation
from tests.widget.scripted_server import ScriptedServer
from widget.served import digest, served_files

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "widget"


async def ask(page: Page, question: str) -> None:
    await page.get_by_role("textbox").fill(question)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log").get_by_text("Why this answer").last).to_be_visible()


async def test_the_ask_page(page: Page, candor: Installation) -> None:
    """From an empty page to the cited words on the website."""
    await page.goto(f"{candor.origin}/")
    await expect(page).to_have_title("The Garden")
    await page.get_by_role("button", name="When does the garden open?").click()
    await expect(page.get_by_text("Why this answer")).to_be_visible()
    await expect(page.locator(".answer .prose")).to_contain_text("open from nine to six")

    await page.locator(".prose .cite").first.click()
    passage = page.get_by_role("complementary", name="Visiting the garden")
    await expect(passage.locator("mark").first).to_contain_text("open")
    await expect(passage).to_contain_text("Opening hours")
    async with page.context.expect_page() as opening:
        await passage.get_by_role("link", name="Open the page").click()
    website = await opening.value
    await expect(website.get_by_role("heading", level=1)).to_have_text("Visiting the garden")
    link = await passage.get_by_role("link", name="Open the page").get_attribute("href")
    assert link is not None
    assert "/visiting#hours:~:text=" in link

    await page.get_by_text("Why this answer").click()
    await expect(page.locator(".why li").first).to_contain_text("place 1 by")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=ARTIFACTS / "application.png", animations="disabled")


async def test_it_says_when_it_does_not_know(page: Page, candor: Installation) -> None:
    await page.goto(f"{candor.origin}/a/{candor.key}")
    await ask(page, "Who wrote the Odyssey?")
    await expect(page.locator(".cite")).to_have_count(0)
    await expect(page.locator(".sources")).to_have_count(0)


@pytest.mark.parametrize("host", ["plain", "strict"])
async def test_on_an_allowed_website(
    page: Page, candor: Installation, scripted: ScriptedServer, host: str
) -> None:
    query = urlencode({"candor": candor.origin, "assistant": candor.key})
    await page.goto(f"{scripted.website}/host/{host}?{query}")
    await page.get_by_role("button", name="Chat with The Garden").click()
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.locator(".answer .prose")).to_contain_text("Dogs are welcome on a lead.")
    await page.locator(".prose .cite").first.click()
    await expect(page.locator(".passage mark").first).to_be_visible()
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="Not helpful").click()
    await page.get_by_label("Not correct").check()
    async with page.expect_response("**/feedback") as judging:
        await page.locator(".feedback").get_by_role("button", name="Send").click()
    assert (await judging.value).status == 204

    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("Dogs are welcome")
    await ask(page, "And in the glass house?")
    await expect(page.locator(".turn")).to_have_count(2)


async def test_on_a_website_that_is_not_allowed(
    page: Page, candor: Installation, scripted: ScriptedServer, trouble: Trouble
) -> None:
    query = urlencode({"candor": candor.origin, "assistant": candor.key})
    stranger = scripted.website.replace("localhost", "127.0.0.1")
    await page.add_init_script(
        "document.addEventListener('candor:error', () => { document.title = 'refused'; })"
    )
    await page.goto(f"{stranger}/host/plain?{query}")
    await expect(page).to_have_title("refused")
    assert await page.locator(".launcher").count() == 0
    assert any("blocked by CORS policy" in line for line in trouble)
    trouble.clear()


async def test_a_frame_on_an_allowed_website(
    page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    await page.goto(f"{scripted.website}/lab")
    await page.evaluate(
        """(address) => {
          const frame = document.createElement('iframe');
          Object.assign(frame, { src: address, title: 'Ask us', width: 600, height: 600 });
          document.body.appendChild(frame);
        }""",
        f"{candor.origin}/a/{candor.key}",
    )
    frame = page.frame_locator("iframe")
    await frame.get_by_role("textbox").fill("When does it close in winter?")
    await frame.get_by_role("textbox").press("Enter")
    await expect(frame.locator(".answer .prose")).to_contain_text("closes at four")


async def test_the_files_are_compressed_and_kept(candor: Installation) -> None:
    async with httpx.AsyncClient(base_url=candor.origin) as browser:
        address, sizes = "/widget/v1/define.js", []
        for accepted, encoding in (
            ("gzip, deflate, br, zstd", "br"), ("gzip, br;q=0", "gzip"), ("identity", None),
        ):  # fmt: skip
            first = await browser.get(address, headers={"Accept-Encoding": accepted})
            assert first.headers.get("content-encoding") == encoding
            assert first.headers["vary"] == "Accept-Encoding"
            assert first.content == served_files()["define.js"]
            sizes.append(int(first.headers["content-length"]))
        assert sizes == sorted(sizes)
        assert first.headers["access-control-allow-origin"] == "*"
        assert first.headers["content-type"] == "text/javascript; charset=utf-8"
        again = await browser.get(
            "/widget/v1/define.js", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
        pinned = await browser.get(f"/widget/{digest()}/loader.js")
        assert "immutable" in pinned.headers["cache-control"]
        assert (await browser.get("/widget/000000000000/loader.js")).status_code == 404
