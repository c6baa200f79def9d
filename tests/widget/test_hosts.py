"""The widget on websites of every kind: it works, and leaves them as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import Trouble
from tests.widget.scripted_server import JQUERY, ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "widget"

VIOLATIONS = """() => {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
}"""

LOOKS = """() => [...document.querySelectorAll('main, main *')].map((e) => {
  const style = getComputedStyle(e);
  const box = JSON.stringify(e.getBoundingClientRect());
  return [box, style.color, style.fontFamily, style.fontSize].join();
})"""


@pytest.mark.parametrize("host", ["plain", "strict", "named", "dark", "rtl", "hostile"])
async def test_works_and_leaves_no_trace(
    page: Page, scripted: ScriptedServer, trouble: Trouble, host: str
) -> None:
    await page.add_init_script(f"({VIOLATIONS})()")
    # A website that inspects itself before the widget is there, and again when it is open.
    await page.route("**/define.js", lambda route: route.abort())
    await page.goto(f"{scripted.website}/host/{host}")
    before = await page.evaluate(LOOKS)
    await page.unroute("**/define.js")
    await page.wait_for_timeout(100)
    trouble.clear()
    await page.goto(f"{scripted.website}/host/{host}")

    await page.locator(".launcher").click()
    await page.get_by_role("textbox").fill("Can I return a plant?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why")).to_be_attached()
    await page.locator(".cite").first.click()
    await expect(page.locator(".passage mark").first).to_be_visible()
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"host-{host}.png", animations="disabled")

    assert await page.evaluate(LOOKS) == before
    assert await page.evaluate("window.violations") == []
    assert await page.evaluate("window.errors ?? []") == []


@pytest.mark.skipif(
    not JQUERY.exists(), reason="The old jQuery is not installed: npm install --prefix widget"
)
async def test_beside_an_old_jquery(page: Page, scripted: ScriptedServer) -> None:
    """jQuery 1.12 sees that the element was clicked, and gets no further."""
    await page.goto(f"{scripted.website}/host/jquery")
    await expect(page.get_by_text("jQuery 1.12.4 was here.")).to_be_visible()
    await page.locator(".launcher").click()
    await page.get_by_role("textbox").fill("Can I return a plant?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why")).to_be_attached()
    await page.locator(".cite").first.click()
    await expect(page.locator(".passage mark").first).to_be_visible()
    await page.screenshot(path=ARTIFACTS / "host-jquery.png", animations="disabled")
    heard = await page.evaluate("window.heard")
    assert "click CANDOR-CHAT" in heard
    assert {line.split()[1] for line in heard} <= {"CANDOR-CHAT", "BODY", "#document"}
    assert await page.evaluate("window.errors ?? []") == []
    inside = "document.querySelector('candor-chat').shadowRoot.querySelectorAll('.seen').length"
    assert await page.evaluate(inside) == 0


async def test_hostile_styles_do_not_reach_in(page: Page, scripted: ScriptedServer) -> None:
    looks = []
    await page.emulate_media(reduced_motion="reduce")
    for host in ("plain", "hostile"):
        await page.goto(f"{scripted.website}/host/{host}")
        await expect(page.locator("[data-theme]")).to_be_attached()
        await page.evaluate("document.querySelector('candor-chat').open()")
        await expect(page.get_by_role("textbox")).to_be_focused()
        looks.append(
            await page.evaluate(
                """() => [...document.querySelector('candor-chat').shadowRoot.querySelectorAll('*')]
                  .map((e) => {
                    const s = getComputedStyle(e);
                    return [e.className, s.display, s.color, s.fontSize, s.fontFamily, s.opacity,
                      s.width, s.height, s.visibility].map(String).join(' | ');
                  })"""
            )
        )
    assert looks[0] == looks[1]


async def test_a_conversation_survives_a_broken_json(page: Page, scripted: ScriptedServer) -> None:
    """Prototype.js gives arrays a ``toJSON``; what is kept must still be arrays."""
    await page.goto(f"{scripted.website}/host/hostile")
    await page.locator(".launcher").click()
    await page.get_by_role("textbox").fill("Can I return a plant?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why")).to_be_attached()
    await page.reload()
    await expect(page.locator(".sources li")).to_have_count(2)
    await page.locator(".cite").first.click()
    await expect(page.locator(".passage mark").first).to_have_text("Plants may be returned within ")


async def test_no_layout_shift(page: Page, scripted: ScriptedServer) -> None:
    await page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });"""
    )
    await page.goto(f"{scripted.website}/host/plain")
    await expect(page.locator(".launcher")).to_be_visible()
    await page.wait_for_timeout(200)
    assert await page.evaluate("window.shift") == 0
