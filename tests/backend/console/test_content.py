"""Content through the acts of a user: adding, watching, reading, steering, removing."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked, ended
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_first_website_from_nothing(sign_in: Sign) -> None:
    async with Site() as site:
        site.html("/", page("Lamps", "/bulbs", "/gone"))
        site.html("/bulbs", page("Bulbs"))
        person = await sign_in(Role.EDITOR)
        await person.open("/")
        await expect(person.page.get_by_text("No knowledge base yet")).to_be_visible()
        await person.page.get_by_role("button", name="New knowledge base").click()
        await person.page.get_by_label("Name").fill("lamps")
        await person.page.get_by_role("button", name="Create").click()
        await expect(person.page.get_by_role("heading", name="lamps")).to_be_visible()
        await expect(person.page.get_by_text("Nothing to answer from yet")).to_be_visible()
        await person.page.get_by_role("button", name="Add website").click()
        add = person.page.get_by_role("dialog").get_by_role("button", name="Add website")
        await add.click()
        await expect(person.page.get_by_text("Address is not the address of a web")).to_be_visible()
        await person.page.get_by_label("Address").fill(site.url())
        await add.click()
        # The row changes by itself until the run has ended.
        row = person.page.get_by_role("row", name=site.host)
        await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
        await row.get_by_role("link").click()
        await expect(person.page.get_by_role("heading", name=site.url())).to_be_visible()
        await expect(person.page.get_by_text("2 indexed")).to_be_visible()


async def test_a_text_is_pasted_and_removed_with_what_it_brought(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    await person.open(f"/knowledge-bases/{shop.base}")
    await person.page.get_by_role("button", name="Paste text").click()
    await person.page.get_by_label("Title").fill("Opening <b>hours</b>")
    await person.page.get_by_label("Text", exact=True).fill("We are open from nine to five.")
    await person.page.get_by_role("button", name="Add text").click()
    row = person.page.get_by_role("row", name="Opening <b>hours</b>")
    await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
    await row.get_by_role("link").click()
    await person.page.get_by_role("button", name="Delete").click()
    said = person.page.get_by_role("dialog")
    await expect(said).to_contain_text("1 document with 1 passage")
    await said.get_by_role("button", name="Delete").click()
    await expect(person.page.get_by_role("heading", name="shop")).to_be_visible()
    await expect(person.page.get_by_role("row", name="Opening")).to_have_count(0)


async def test_a_source_is_paused_and_taken_up_again(shop: Stocked, sign_in: Sign) -> None:
    (source, *_) = await shop.ids("sources")
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    await person.open(f"/sources/{source}")
    await person.page.get_by_role("button", name="Pause source").click()
    await expect(person.page.locator(".badge", has_text="Paused")).to_be_visible()
    await person.page.get_by_role("button", name="Take up again").click()
    await expect(person.page.locator(".badge", has_text="Up to date")).to_be_visible()
    audit = (await shop.client.get("/audit")).json()["items"]
    assert [one["action"] for one in audit[:2]] == ["source.change", "source.change"]


async def test_a_document_shows_its_passages_and_their_terms(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    found = (await shop.client.get("/documents", params={"text": "returns"})).json()["items"][0]
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open(f"/documents/{found['id']}")
    passages = person.page.locator("article.pair")
    assert await passages.count() == found["chunks"]
    first = passages.first
    await expect(first).to_contain_text("within 30 days")
    written = await first.locator(".term:not(.added)").all_inner_texts()
    assert "purchase" in [text.split()[0] for text in written]
    assert await first.locator(".term.added").count() > 0
    chunk = (await shop.client.get(f"/documents/{found['id']}/chunks")).json()["items"][0]
    vector = (await served.state.index.retrieve([chunk["id"]])).popitem()[1].encoding.sparse
    assert vector is not None
    shown = float(await first.locator(".term small").first.inner_text())
    assert shown == pytest.approx(float(vector.values.max()), abs=0.006)


async def test_ten_thousand_documents_are_paged_and_searched(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    from tests.backend.console.many import many_documents

    base = (await shop.client.post("/knowledge-bases", json={"name": "many"})).json()["id"]
    await many_documents(served, base, 10_000)
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open(f"/documents?knowledge_base={base}")
    await expect(person.page.get_by_text("10,000 documents")).to_be_visible()
    assert await person.page.locator("tbody tr").count() == 50
    await person.page.get_by_role("button", name="Next").click()
    await expect(person.page.get_by_role("link", name="Page 50", exact=True)).to_be_visible()
    await expect(person.page).to_have_url(re.compile("after="))
    await person.page.get_by_role("button", name="Previous").click()
    await expect(person.page.get_by_role("link", name="Page 0", exact=True)).to_be_visible()
    await person.page.keyboard.press("/")
    await person.page.keyboard.type("page 9876")
    await expect(person.page.get_by_text("1 document", exact=True)).to_be_visible()
    await expect(person.page.get_by_role("link", name="Page 9876")).to_be_visible()
    await person.page.reload()
    await expect(person.page.get_by_role("link", name="Page 9876")).to_be_visible()


async def test_a_website_is_read_again_when_asked(sign_in: Sign, shop: Stocked) -> None:
    async with Site() as site:
        site.html("/", page("Home"))
        body = {"kind": "website", "start": site.url(), "name": "again"}
        made = await shop.client.post(f"/knowledge-bases/{shop.base}/sources", json=body)
        await ended(shop.client, made.json()["run"]["id"])
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        await person.open(f"/sources/{made.json()['source']['id']}")
        await person.page.get_by_role("button", name="Read now").click()
        await expect(person.page.get_by_text("1 unchanged")).to_be_visible(timeout=30_000)
