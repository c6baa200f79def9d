"""Uploads in a real browser: many files, a large one, what is refused, and a page that is left."""

from __future__ import annotations

import pytest
from playwright.async_api import Dialog, Page, Route, expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Person, Sign
from tests.backend.console.filling import RETURNS, Stocked
from tests.browser import WCAG, violations

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _at_a_fresh_base(shop: Stocked, sign_in: Sign, name: str) -> tuple[Person, str]:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    base: str = (await shop.client.post("/knowledge-bases", json={"name": name})).json()["id"]
    await person.open(f"/knowledge-bases/{base}")
    return person, base


async def _choose(page: Page, files: object) -> None:
    await page.get_by_role("button", name="Upload files").click()
    await page.locator("candor-drop input").set_input_files(files)  # type: ignore[arg-type]
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_is_refused_is_named_and_the_rest_goes_on(shop: Stocked, sign_in: Sign) -> None:
    person, _ = await _at_a_fresh_base(shop, sign_in, "uploads")
    page = person.page
    await _choose(
        page,
        [
            {"name": "good.md", "mimeType": "text/markdown", "buffer": RETURNS},
            {"name": "large.txt", "mimeType": "text/plain", "buffer": b"word " * 11_000},
            {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 nothing"},
        ],
    )
    await expect(page.get_by_text("2 files uploaded, 1 refused").first).to_be_visible()
    await expect(page.get_by_text("large.txt is over 50,000 bytes.")).to_be_visible()
    assert await violations(page, "candor-uploads", WCAG) == []
    await page.screenshot(path=PICTURES / "uploaded-1280-light.png")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator(".uploading")).to_have_count(0)
    row = page.get_by_role("row", name="Uploaded files")
    await expect(row.get_by_text("1 could not be read")).to_be_visible(timeout=30_000)
    await row.get_by_role("link").click()
    await expect(page.get_by_role("row", name="broken.pdf")).to_be_visible()
    await page.get_by_role("button", name="Retry failed").click()
    await expect(page.get_by_text("Retry of failures")).to_be_visible()


async def test_two_hundred_files_are_dropped_and_a_reload_loses_none(
    shop: Stocked, sign_in: Sign
) -> None:
    person, _ = await _at_a_fresh_base(shop, sign_in, "many files")
    page = person.page
    await page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          for (let n = 0; n < 200; n += 1) {
            const text = `# Page ${n}\\n\\nLamp number ${n} is lit.`;
            dropped.items.add(new File([text], `page-${n}.md`));
          }
          const place = document.querySelector('h1');
          const options = { dataTransfer: dropped, bubbles: true, cancelable: true };
          for (const kind of ['dragover', 'drop']) {
            place.dispatchEvent(new DragEvent(kind, options));
          }
        }"""
    )
    await expect(page.locator(".words")).to_contain_text("of 200 files")
    # The page answers while files go out.
    await page.get_by_role("button", name="Paste text").click()
    await expect(page.get_by_label("Title")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".words")).to_have_text("200 files uploaded", timeout=60_000)
    await page.reload()
    row = page.get_by_role("row", name="Uploaded files")
    await expect(row.locator("td").nth(2)).to_have_text("200", timeout=120_000)
    await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
    actions = [one["action"] for one in (await shop.client.get("/audit")).json()["items"]]
    assert actions.count("source.upload") < 40, "small files go together"


async def test_a_page_that_is_left_goes_on_when_it_is_opened_again(
    shop: Stocked, sign_in: Sign
) -> None:
    person, base = await _at_a_fresh_base(shop, sign_in, "goes on")
    page = person.page
    await page.route("**/uploads", lambda route: None)  # on its way for as long as the page lives
    names = [f"slow-{number}.md" for number in range(20)]
    await _choose(
        page,
        [
            {"name": name, "mimeType": "text/markdown", "buffer": RETURNS + name.encode()}
            for name in names
        ],
    )
    await expect(page.get_by_text("the rest goes on when you open it again")).to_be_visible()
    await page.reload()  # asks nothing
    await expect(page.locator(".words")).to_contain_text("0 of 20 files")
    await person.open("/documents")
    await page.unroute("**/uploads")
    await person.open(f"/knowledge-bases/{base}")
    await expect(page.locator(".words")).to_have_text("20 files uploaded")
    await page.reload()
    await expect(page.locator(".uploading")).to_have_count(0)  # nothing is kept any longer
    listed = await shop.client.get("/documents", params={"knowledge_base": base})
    assert len(listed.json()["items"]) == 20
    left = await page.evaluate(
        """() => new Promise((done) => {
          const opening = indexedDB.open('candor-uploads', 1);
          opening.onsuccess = () => {
            const counting = opening.result.transaction('files').objectStore('files').count();
            counting.onsuccess = () => done(counting.result);
          };
        })"""
    )
    assert left == 0


async def test_leaving_asks_where_the_browser_keeps_nothing(shop: Stocked, sign_in: Sign) -> None:
    person, _ = await _at_a_fresh_base(shop, sign_in, "interrupted")
    page = person.page
    await person.context.add_init_script("IDBFactory.prototype.open = null")
    await page.reload()
    await page.route("**/uploads", lambda route: None)
    await _choose(page, [{"name": "slow.md", "mimeType": "text/markdown", "buffer": RETURNS}])
    await expect(page.get_by_text("Stay on this page")).to_be_visible()
    asked: list[str] = []

    async def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", leave)
    await page.reload()
    await page.unroute("**/uploads")
    assert asked == ["beforeunload"]
    await expect(page.get_by_text("1 file had not arrived when this page was left")).to_be_visible()
    await _choose(page, [{"name": "slow.md", "mimeType": "text/markdown", "buffer": RETURNS}])
    await expect(page.locator(".words")).to_have_text("1 file uploaded")
    await expect(page.get_by_text("had not arrived")).to_be_hidden()


async def test_a_connection_that_is_lost_is_taken_up_again(shop: Stocked, sign_in: Sign) -> None:
    person, base = await _at_a_fresh_base(shop, sign_in, "lost")
    page = person.page
    lost = 0

    async def lose(route: Route) -> None:
        nonlocal lost
        lost += 1
        if lost > 1:
            await route.continue_()
        else:
            await route.abort("connectionreset")

    await page.route("**/uploads", lose)
    await _choose(page, [{"name": "once.md", "mimeType": "text/markdown", "buffer": RETURNS}])
    await expect(page.locator(".words")).to_have_text("1 file uploaded")
    assert lost == 2
    listed = (await shop.client.get("/documents", params={"knowledge_base": base})).json()["items"]
    assert len(listed) == 1
