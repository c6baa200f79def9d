"""Content that people write or shape: rules with a preview, answers by hand, edited passages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Served, Stocked, ended
from tests.browser import WCAG, violations
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _found(shop: Stocked, base: str, query: str) -> list[str]:
    body = {"query": query, "knowledge_bases": [base]}
    hits: list[dict[str, Any]] = (await shop.client.post("/search", json=body)).json()["hits"]
    return [hit["text"] for hit in hits]


async def test_rules_are_seen_before_a_website_is_read_and_changes_after(
    shop: Stocked, sign_in: Sign
) -> None:
    async with Site() as site:
        site.html("/", page("Lamps", "/docs/bulbs", "/docs/shades", "/blog/news"))
        for path in ("/docs/bulbs", "/docs/shades", "/blog/news"):
            site.html(path, page(path))
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        base = (await shop.client.post("/knowledge-bases", json={"name": "rules"})).json()["id"]
        await person.open(f"/knowledge-bases/{base}")
        tab = person.page
        await tab.get_by_role("button", name="Add website").click()
        await tab.get_by_label("Address").fill(site.url())
        await tab.get_by_label("Without these paths").fill("/blog/*")
        await tab.get_by_role("button", name="Preview").click()
        box = tab.get_by_role("dialog")
        await expect(box.get_by_text("Would be read: 3 addresses")).to_be_visible(timeout=30_000)
        await expect(box.get_by_text("Would be left out: 1 address")).to_be_visible()
        await expect(box.get_by_text("fits a path that is left out: /blog/*")).to_be_visible()
        assert "/docs/bulbs" not in site.asked
        assert await violations(tab, ".sheet", WCAG) == []
        await tab.screenshot(path=PICTURES / "preview-1280-light.png")
        await box.get_by_role("button", name="Add website").click()
        row = tab.get_by_role("row", name=site.host)
        await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
        # Another rule, another page, and a link to a new one: the run says what it changed.
        site.html("/", page("Lamps", "/docs/bulbs", "/docs/new"))
        site.html("/docs/bulbs", page("Bulbs are other now"))
        site.html("/docs/new", page("New"))
        await row.get_by_role("link").click()
        await tab.get_by_role("button", name="Rules").click()
        await expect(tab.get_by_label("Without these paths")).to_have_value("/blog/*")
        await tab.get_by_label("Without these paths").fill("/docs/shades")
        await tab.get_by_role("button", name="Read it anew").click()
        await expect(tab.get_by_text("1 added, 2 changed, 1 removed")).to_be_visible(timeout=30_000)
        await tab.get_by_role("table", name="Runs").get_by_role("link").first.click()
        await expect(tab.get_by_role("heading", name="Read: what changed")).to_be_visible()
        changes = tab.get_by_role("table", name="Changes")
        for path, change in (("new", "Added"), ("bulbs", "Changed"), ("shades", "Removed")):
            await expect(changes.get_by_role("row", name=path)).to_contain_text(change)
        assert await violations(tab, tags=WCAG) == []
        await tab.screenshot(path=PICTURES / "run-1280-light.png")
        stranger = await sign_in()
        assert await stranger.open(tab.url.partition("/console")[2]) == 404


async def test_a_website_that_writes_its_text_with_javascript(shop: Stocked, sign_in: Sign) -> None:
    async with Site() as site:
        site.html("/", "<title>Lamps</title><script>document.write('Lamps ' + 'glow.')</script>")
        person = await sign_in(Role.EDITOR, shop.workspace_id)
        base = (await shop.client.post("/knowledge-bases", json={"name": "script"})).json()["id"]
        await person.open(f"/knowledge-bases/{base}")
        tab = person.page
        await tab.get_by_role("button", name="Add website").click()
        await tab.get_by_label("Address").fill(site.url())
        await tab.get_by_role("checkbox", name="Run the JavaScript of its pages").click()
        await tab.get_by_role("dialog").get_by_role("button", name="Add website").click()
        row = tab.get_by_role("row", name=site.host)
        await expect(row.get_by_text("Up to date")).to_be_visible(timeout=60_000)
        assert "Lamps glow." in (await _found(shop, base, "lamps"))[0]
        await row.get_by_role("link").click()
        await tab.get_by_role("button", name="Rules").click()
        box = tab.get_by_role("checkbox", name="Run the JavaScript of its pages")
        await expect(box).to_be_checked()


async def test_answers_are_typed_and_changed(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    base = (await shop.client.post("/knowledge-bases", json={"name": "answers"})).json()["id"]
    await person.open(f"/knowledge-bases/{base}")
    tab = person.page
    await tab.get_by_role("button", name="Add answers").click()
    await tab.get_by_label("Question 1").fill("Do you repair lamps?")
    await tab.get_by_label("Answer 1").fill("We repair lamps on Tuesdays.")
    await tab.get_by_role("button", name="One more").click()
    await tab.get_by_label("Question 2").fill("Where is the shop?")
    await tab.get_by_label("Answer 2").fill("At the harbour.")
    assert await violations(tab, ".sheet", WCAG) == []
    await tab.get_by_role("dialog").get_by_role("button", name="Add answers").click()
    row = tab.get_by_role("row", name="Questions and answers")
    await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
    assert any("on Tuesdays" in text for text in await _found(shop, base, "repair lamps"))
    await row.get_by_role("link").click()
    await tab.get_by_role("button", name="Edit").click()
    await tab.get_by_label("Answer 1").fill("We repair lamps on Fridays.")
    await tab.get_by_label("Question 2").fill("")
    await tab.get_by_label("Answer 2").fill("")
    await tab.get_by_role("button", name="Save").click()
    await expect(tab.get_by_text("1 changed")).to_be_visible(timeout=30_000)
    source = tab.url.rpartition("/")[2]
    pairs = (await shop.client.get(f"/sources/{source}/pairs")).json()["pairs"]
    assert pairs == [{"question": "Do you repair lamps?", "answer": "We repair lamps on Fridays."}]
    found = await _found(shop, base, "repair lamps harbour")
    assert any("on Fridays" in text for text in found)
    assert not any("harbour" in text for text in found)


async def test_a_passage_is_edited_hidden_and_restored(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    base = (await shop.client.post("/knowledge-bases", json={"name": "edited"})).json()["id"]
    body = {"kind": "text", "title": "Hours", "text": "We are open from nine to five."}
    made = (await shop.client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    await ended(shop.client, made["run"]["id"])
    listed = await shop.client.get("/documents", params={"knowledge_base": base})
    document = listed.json()["items"][0]["id"]
    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    await viewer.open(f"/documents/{document}")
    await expect(viewer.page.locator("article.pair")).to_be_visible()
    await expect(viewer.page.get_by_role("button", name="Hide")).to_have_count(0)
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    tab = person.page
    await person.open(f"/documents/{document}")
    await tab.get_by_role("button", name="Edit passage 1").click()
    await tab.get_by_label("Text").fill("We are open from ten to six.")
    assert await violations(tab, ".sheet", WCAG) == []
    await tab.get_by_role("button", name="Save").click()
    passage = tab.locator(".passage")
    await expect(passage.locator(".badge", has_text="Edited")).to_be_visible(timeout=30_000)
    await expect(passage.locator(".edited")).to_contain_text("ten to six")
    await expect(tab.locator(".pair > .reader")).to_contain_text("nine to five")
    assert await _found(shop, base, "open") == ["We are open from ten to six."]
    await tab.get_by_role("button", name="Hide passage 1").click()
    await expect(passage.locator(".badge", has_text="Hidden")).to_be_visible()
    assert await violations(tab, tags=WCAG) == []
    await tab.screenshot(path=PICTURES / "document-edited-1280-light.png")
    assert await _found(shop, base, "open") == []
    await tab.get_by_role("button", name="Show in search passage 1").click()
    await expect(passage.locator(".badge", has_text="Hidden")).to_have_count(0)
    await tab.get_by_role("button", name="Take the edit back passage 1").click()
    await expect(passage.locator(".badge")).to_have_count(0, timeout=30_000)
    assert await _found(shop, base, "open") == ["We are open from nine to five."]


async def test_an_edit_whose_words_are_gone_is_shown_and_discarded(
    shop: Stocked, sign_in: Sign
) -> None:
    base = (await shop.client.post("/knowledge-bases", json={"name": "lost"})).json()["id"]
    body = {"kind": "text", "title": "Hours", "text": "We are open from nine to five."}
    made = (await shop.client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    await ended(shop.client, made["run"]["id"])
    listed = await shop.client.get("/documents", params={"knowledge_base": base})
    document, source = listed.json()["items"][0]["id"], made["source"]["id"]
    chunk = (await shop.client.get(f"/documents/{document}/chunks")).json()["items"][0]["id"]
    edited = await shop.client.patch(f"/chunks/{chunk}", json={"text": "Open from ten to six."})
    await ended(shop.client, edited.json()["run"]["id"])
    text = {"text": "We are open on Mondays alone."}
    written = await shop.client.put(f"/sources/{source}/text", json=text)
    await ended(shop.client, written.json()["id"])
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    tab = person.page
    await person.open(f"/sources/{source}")
    await tab.locator(".note").get_by_role("link", name="Hours").click()
    await expect(tab.get_by_text("1 edit no longer applied")).to_be_visible()
    await expect(tab.locator(".edited")).to_contain_text("ten to six")
    assert await violations(tab, tags=WCAG) == []
    await tab.get_by_role("button", name="Discard").click()
    await expect(tab.get_by_text("no longer applied")).to_have_count(0)
    assert await _found(shop, base, "open") == ["We are open on Mondays alone."]
