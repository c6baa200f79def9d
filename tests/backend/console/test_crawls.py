"""Crawls in the console: further starts, the limits they come to, and one page tried again."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Stocked, ended
from tests.browser import WCAG, violations
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_limit_is_told_and_raised_where_the_rules_are(shop: Stocked, sign_in: Sign) -> None:
    async with Site() as site, Site() as other:
        site.html("/", page("Home", "/a"))
        site.html("/a", page("A"))
        other.html("/", page("Help"))
        body = {"kind": "website", "start": site.url(), "max_pages": 1}
        made = await shop.client.post(f"/knowledge-bases/{shop.base}/sources", json=body)
        await ended(shop.client, made.json()["run"]["id"])
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        await person.open(f"/runs/{made.json()['run']['id']}")
        told = person.page.get_by_text("The limit of 1 page was reached; 1 address was left out.")
        await expect(told).to_be_visible()
        await person.page.get_by_label("Change", exact=True).click()
        await person.page.get_by_role("option", name="Left out").click()
        row = person.page.get_by_role("row", name=site.url("/a"))
        await expect(row).to_contain_text("The limit of 1 page was reached before it.")
        await expect(person.page).to_have_url(re.compile("state=left-out"))
        await person.open(f"/sources/{made.json()['source']['id']}")
        await expect(told).to_be_visible()
        await expect(person.page.get_by_text("Raise the limit on pages")).to_be_visible()
        await person.page.get_by_role("button", name="Rules").click()
        form = person.page.get_by_role("dialog")
        await expect(form.get_by_label("At most how many megabytes")).to_have_value("10000")
        assert await violations(person.page, ".sheet", WCAG) == []
        await form.get_by_label("At most how many pages").fill("10")
        await form.get_by_label("At most how many megabytes").fill("2.5")
        await form.get_by_label("More start pages").fill(other.url())
        await form.get_by_role("button", name="Read it anew").click()
        await expect(person.page.get_by_text("2 added")).to_be_visible(timeout=30_000)
        await expect(told).to_have_count(0)
    config = (await shop.client.get(f"/sources/{made.json()['source']['id']}")).json()["config"]
    assert (config["max_pages"], config["max_bytes"]) == (10, 2_500_000)
    assert config["more_starts"] == [other.url()]


async def test_one_page_is_tried_again(shop: Stocked, sign_in: Sign) -> None:
    async with Site() as site:
        site.html("/", page("Home", "/a", "/b"))
        for path in ("/a", "/b"):
            site.reply(path, b"", status=500)
        body = {"kind": "website", "start": site.url()}
        made = await shop.client.post(f"/knowledge-bases/{shop.base}/sources", json=body)
        await ended(shop.client, made.json()["run"]["id"])
        source = made.json()["source"]["id"]
        for path in ("/a", "/b"):
            site.html(path, page(f"Repaired {path}"))
        viewer = await sign_in(Role.VIEWER, shop.workspace_id)
        await viewer.open(f"/documents?source={source}")
        await expect(viewer.page.get_by_text("Could not be read")).to_have_count(2)
        await expect(viewer.page.get_by_role("button", name="Try again")).to_have_count(0)
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        await person.open(f"/documents?source={source}")
        row = person.page.get_by_role("row", name=site.url("/a"))
        await row.get_by_role("button", name="Try again").press("Enter")
        await expect(row.get_by_text("Searchable")).to_be_visible(timeout=30_000)
        failed = person.page.get_by_role("row", name=site.url("/b"))
        await expect(failed.get_by_text("Could not be read")).to_be_visible()
        await failed.get_by_role("link").click()
        await person.page.get_by_role("button", name="Try again").click()
        # The page opens anew with what was read.
        heading = person.page.get_by_role("heading", name="Repaired /b", level=1)
        await expect(heading.first).to_be_visible(timeout=30_000)
        await expect(person.page).to_have_url(re.compile("/documents/"))
