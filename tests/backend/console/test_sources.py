"""A source through the acts of an editor: its row, its name, its schedule, pausing, copies."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import RETURNS, Stocked, ended
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_source_is_named_scheduled_and_paused(shop: Stocked, sign_in: Sign) -> None:
    base = (await shop.client.post("/knowledge-bases", json={"name": "garden"})).json()["id"]
    async with Site() as site:
        site.html("/", page("Garden", "/tools", "/shed"))
        site.html("/tools", page("Tools"))
        site.reply("/shed", b"no", status=403)
        body = {"kind": "website", "start": site.url()}
        made = (await shop.client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
        await ended(shop.client, made["run"]["id"])
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    shown = person.page
    await person.open(f"/knowledge-bases/{base}")
    row = shown.get_by_role("row", name=site.host)
    await expect(row).to_contain_text("1 could not be read")
    await expect(row).to_contain_text("403")  # why, beside the state
    await expect(row.locator("[data-label='Documents']")).to_have_text("2")
    await expect(row.locator("[data-label='Last change']")).to_have_text("just now")
    await expect(row.locator("[data-label='Read again']")).to_have_text("when asked")
    await row.get_by_role("link").click()

    await shown.get_by_role("button", name="Rename").click()
    await shown.get_by_role("textbox", name="Name").fill("The garden")
    await shown.get_by_role("button", name="Save").click()
    await expect(shown.get_by_role("heading", name="The garden")).to_be_visible()

    await shown.get_by_role("button", name="Schedule").click()
    await shown.get_by_label("How often").click()
    await shown.get_by_role("option", name="At other times").click()
    await shown.get_by_role("textbox", name="Schedule").fill("every day")
    await shown.get_by_role("button", name="Save").click()
    await expect(shown.get_by_text("is not a schedule").first).to_be_visible()
    await shown.get_by_label("How often").click()
    await shown.get_by_role("option", name="Every night at three").click()
    await expect(shown.get_by_role("textbox", name="Schedule")).to_have_value("0 3 * * *")
    await shown.get_by_role("button", name="Save").click()
    await expect(shown.get_by_text(re.compile(r"03:00 UTC")).first).to_be_visible()
    await shown.screenshot(path=PICTURES / "source-scheduled-1280-light.png")

    await shown.get_by_role("link", name="garden", exact=True).click()
    row = shown.get_by_role("row", name="The garden")
    again = row.locator("[data-label='Read again']")
    await expect(again).to_contain_text("Every night at three UTC")
    await expect(again).to_contain_text(re.compile(r"in \d+ (min|h)"))
    await shown.screenshot(path=PICTURES / "sources-1280-light.png")
    await row.get_by_role("link").click()
    await shown.get_by_role("button", name="Pause source").click()
    await expect(shown.locator(".badge", has_text="Paused")).to_be_visible()
    await shown.get_by_role("link", name="garden", exact=True).click()
    await expect(again).to_have_text("not while paused")


async def test_a_run_is_paused_and_goes_on(shop: Stocked, sign_in: Sign) -> None:
    async with Site() as site:
        opened = site.hold_pages(3)
        body = {"kind": "website", "start": site.url(), "name": "slow"}
        made = (await shop.client.post(f"/knowledge-bases/{shop.base}/sources", json=body)).json()
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        await person.open(f"/sources/{made['source']['id']}")
        await site.until_asked("/p0")
        await person.page.get_by_role("button", name="Pause", exact=True).click()
        await expect(person.page.get_by_text("Paused on the way").first).to_be_visible(
            timeout=30_000
        )
        opened.set()
        await person.page.get_by_role("button", name="Go on").click()
        await expect(person.page.locator(".badge", has_text="Up to date")).to_be_visible(
            timeout=30_000
        )


async def test_copies_are_named_as_such(shop: Stocked, sign_in: Sign) -> None:
    parts = [("files", ("copy-of-returns.md", RETURNS))]
    made = await shop.client.post(f"/knowledge-bases/{shop.base}/uploads", files=parts)
    await ended(shop.client, made.json()["run"]["id"])
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    shown = person.page
    await person.open("/documents?q=copy-of")
    await expect(shown.get_by_role("row", name="copy-of-returns.md")).to_contain_text("Duplicate")
    await shown.screenshot(path=PICTURES / "duplicates-1280-light.png")
    await shown.get_by_role("row", name="copy-of-returns.md").get_by_role("link").first.click()
    await expect(shown.locator("#content")).to_contain_text("returns.md")
