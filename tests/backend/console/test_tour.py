"""The pictures of docs/console.md: a lamp shop's console, walked through once.

They go to ``artifacts/tour``; ``make pictures`` puts them into the documentation.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Person, Sign
from tests.backend.console.filling import Served, Stocked, ended

pytestmark = pytest.mark.asyncio(loop_scope="package")
ROOT = Path(__file__).parents[3]
TOUR = ROOT / "artifacts" / "tour"
TEXT = ROOT / "docs" / "console.md"
FILES = {
    "warranty.md": b"# Warranty\n\nEvery lamp has a warranty of three years. It covers the switch, "
    b"the cable and the housing, and not the bulb. Keep the receipt: without it we cannot repair a "
    b"lamp for free.\n",
    "care.md": b"# Care\n\nUnplug the lamp and let it cool down before you clean it. Use a dry "
    b"cloth; water must not reach the switch.\n",
    "bulbs.md": b"# Bulbs\n\nOur table lamps take bulbs with an E14 screw base of at most 40 "
    b"watts, floor lamps take E27. LED bulbs use a tenth of the electricity.\n",
}
PAIR = {"question": "Do you repair old lamps?", "answer": "Yes, on Tuesdays, in our workshop."}


async def _fill(shop: Stocked) -> str:
    """Content as a shop may have it. Returns the document whose passage was edited."""
    parts = [("files", (name, content)) for name, content in FILES.items()]
    made = (await shop.client.post(f"/knowledge-bases/{shop.base}/uploads", files=parts)).json()
    await ended(shop.client, made["run"]["id"])
    body = {"kind": "pairs", "title": "Asked in the shop", "pairs": [PAIR]}
    made = await shop.client.post(f"/knowledge-bases/{shop.base}/sources", json=body)
    await ended(shop.client, made.json()["run"]["id"])
    (found,) = (await shop.client.get("/documents", params={"text": "warranty"})).json()["items"]
    chunk = (await shop.client.get(f"/documents/{found['id']}/chunks")).json()["items"][0]
    text = chunk["text"].replace("three years", "three years, and five for registered customers")
    made = await shop.client.patch(f"/chunks/{chunk['id']}", json={"text": text})
    await ended(shop.client, made.json()["run"]["id"])
    for question in ("How long may I return goods?", "Do you sell candles?"):
        await shop.client.post("/chat", json={"question": question, "stream": False})
    assistant = {"name": "Ask the lamp shop", "knowledge_base_ids": [shop.base]}
    await shop.client.post(
        "/assistants",
        json=assistant
        | {"welcome": "Ask about lamps.", "suggestions": ["How long may I return goods?"]},
    )
    return str(found["id"])


async def _picture(page: Page, name: str) -> None:
    await page.wait_for_timeout(200)  # the last fade
    await page.screenshot(path=TOUR / f"{name}.png")


async def _take(person: Person, name: str, path: str, sees: str) -> None:
    assert await person.open(path) == 200
    await expect(person.page.locator("#content").get_by_text(sees).first).to_be_visible()
    await _picture(person.page, name)


async def test_the_tour(served: Served, shop: Stocked, sign_in: Sign) -> None:
    shutil.rmtree(TOUR, ignore_errors=True)
    TOUR.mkdir(parents=True)
    document = await _fill(shop)
    person = await sign_in(Role.OWNER, shop.workspace_id)
    page = person.page
    await page.set_viewport_size({"width": 1280, "height": 760})
    await _take(person, "content", "/", "shop")
    await _take(person, "knowledge-base", f"/knowledge-bases/{shop.base}", "Up to date")
    await page.get_by_role("button", name="Add website").click()
    await page.get_by_label("Address").fill("https://www.example.com/")
    await _picture(page, "add-website")
    await page.keyboard.press("Escape")
    await _take(person, "document", f"/documents/{document}", "Edited")
    await _take(person, "explain", "/explain?q=something+in+my+lamp+broke", "Warranty")
    talk = (await shop.client.get("/conversations")).json()["items"]
    asked = next(one["id"] for one in talk if "return" in str(one))
    await _take(person, "conversation", f"/conversations/{asked}", "30 days")
    await _take(person, "insights", "/insights", "Questions")
    assistant = (await shop.client.get("/assistants")).json()["items"][0]["id"]
    await _take(person, "assistant", f"/assistants/{assistant}", "Welcome")
    await _take(person, "users", "/system/users", "Owner")
    await _take(person, "account", "/account", "This browser")
    await person.context.clear_cookies()
    await page.goto(f"{served.origin}/console/")
    await expect(page.get_by_label("Password")).to_be_visible()
    await _picture(page, "sign-in")
    shown = re.findall(r"\(images/console/([\w-]+)\.png\)", TEXT.read_text("utf-8"))
    assert set(shown) == {picture.stem for picture in TOUR.glob("*.png")}
