"""Trying changes to search, saving one as a rule, and taking it back, through a user's acts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from playwright.async_api import expect

from backend.console.what_if_panel import WhatIfPanel
from backend.search.rerank import TimedReranker
from backend.search.search import SearchRequest
from knowledge.store.query_sets import add_queries, create_query_set
from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")

MEASURING_MS = 120_000
"""A query set is measured beside everything else that the machine does."""

DELIVERY, RETURNS = "upload:///delivery.md", "upload:///returns.md"


def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the panel takes longer than its dialogs take to go from the page."""
    read = WhatIfPanel._read_active

    async def late(panel: WhatIfPanel, request: SearchRequest) -> None:
        await asyncio.sleep(1.0)
        await read(panel, request)

    monkeypatch.setattr(WhatIfPanel, "_read_active", late)


async def test_a_change_is_tried_measured_saved_and_taken_back(
    served: Served, shop: Stocked, sign_in: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served.state.database.writing() as session:
        made = await create_query_set(session, UUID(shop.base), "orders")
        queries = [("courier at the door", {DELIVERY: 1}), ("parcel goods", {RETURNS: 1})]
        await add_queries(session, made.id, queries)
        other = await create_query_set(session, UUID(shop.base), "deliveries")
        await add_queries(session, other.id, [("courier at the door", {DELIVERY: 1})])
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open("/explain?q=parcel+goods")
    await expect(page.locator(".hit").first).to_contain_text("Returns")
    await page.get_by_text("What if?").first.click()
    await page.get_by_role("button", name="Add a change").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Which").click()
    await page.get_by_role("option", name="Document: Delivery").click()
    await form.get_by_label("Times").fill("many")
    await form.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("Times is not a number: many.")).to_be_visible()
    await form.get_by_label("Times").fill("100")
    await form.get_by_label("For questions with").fill("goods")
    await expect(form.get_by_label("For questions with")).to_have_value("goods")
    await form.get_by_role("button", name="Try it").click()
    first = page.locator(".moves li").first
    await expect(first).to_contain_text("Delivery")
    await expect(first.locator(".badge")).to_contain_text("up from")
    await expect(page.locator(".hit").first).to_contain_text("Returns")  # nothing is saved

    orders = page.locator(".effect", has_text="orders")  # every set is measured, unasked
    await expect(orders).to_contain_text("0 helped, 1 hurt", timeout=MEASURING_MS)
    await expect(page.locator(".effect", has_text="deliveries")).to_contain_text("no change")
    await page.get_by_label("Query set").click()
    await page.get_by_role("option", name="orders (2 queries)").click()
    await expect(orders).to_have_count(0)
    hurt = page.get_by_role("region", name="Hurt queries")
    link = hurt.get_by_role("link", name="parcel goods")
    await expect(link).to_be_visible(timeout=MEASURING_MS)
    await expect(page.locator(".whatif .tiles")).to_contain_text("nDCG@10")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["set"] == [str(made.id)]

    shared = await sign_in(Role.VIEWER, shop.workspace_id)
    await shared.open(page.url.split("/console", 1)[1])
    await expect(shared.page.locator(".moves li").first).to_contain_text("Delivery")
    await expect(shared.page.get_by_role("region", name="Hurt queries")).to_be_visible()
    await expect(shared.page.get_by_role("button", name="Save as rule")).to_have_count(0)

    await page.get_by_label("Times", exact=True).fill("1")  # live: nothing moves any more
    await expect(page.get_by_text("Nothing would move for this question.")).to_be_visible()
    await page.get_by_label("Times", exact=True).fill("100")
    await expect(first).to_contain_text("Delivery")
    await page.get_by_role("button", name="Save as rule").click()
    save = page.get_by_role("dialog").get_by_role("button", name="Save")
    await save.click()
    await expect(page.get_by_text("Reason must not be empty.")).to_be_visible()
    await page.get_by_label("Reason").fill("The courier is what people mean.")
    await page.get_by_label("Until").fill("2099-12-31")
    _slow(monkeypatch)
    await save.click()
    await expect(page.get_by_text("Saved. It acts from the next search on.")).to_be_visible()
    await expect(page.locator(".hit").first).to_contain_text("Delivery")
    box = page.get_by_role("checkbox", name="Saved rule: Weigh all of")
    await box.click()  # left out for now, it would be as before
    await expect(page.locator(".moves li").first).to_contain_text("Returns")
    assert "without=" in page.url

    await person.open("/rules")
    row = page.get_by_role("listitem").filter(has_text="Weigh all of “Delivery” 100 times")
    await expect(row).to_contain_text("The courier is what people mean.")
    await expect(row).to_contain_text("31 Dec 2099")
    await expect(row).to_contain_text("For questions with “goods”")
    await row.get_by_role("button", name="End").click()
    await expect(page.get_by_text("No rule yet")).to_be_visible()
    await page.get_by_role("checkbox", name="Ended ones too").click()
    await expect(row).to_contain_text("Ended by editor-")
    await row.get_by_role("button", name="Bring back").click()
    await expect(page.get_by_role("listitem").locator(".badge.good")).to_have_count(1)
    rules = (await shop.client.get(f"/knowledge-bases/{shop.base}/rules")).json()["items"]
    assert [rule["kind"] for rule in rules] == ["boost"]
    await shop.client.delete(f"/knowledge-bases/{shop.base}/rules/{rules[0]['id']}")


async def test_a_contradiction_is_refused_and_saved_only_knowingly(
    shop: Stocked, sign_in: Sign
) -> None:
    (document,) = (
        one["id"]
        for one in (await shop.client.get("/documents")).json()["items"]
        if one["address"] == RETURNS
    )
    rule = {"kind": "pin", "document_id": document, "query": "money"}
    body = {"rules": [rule], "reason": "It is about money."}
    path = f"/knowledge-bases/{shop.base}/rules"
    assert (await shop.client.post(path, json=body)).status_code == 201
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open("/explain?q=money+paid+back")
    await page.locator(".hit[open]").get_by_role("button", name="Leave it out").click()
    await expect(page.locator(".moves .out")).to_contain_text("Returns")
    await page.get_by_role("button", name="Clear").click()
    await page.get_by_role("button", name="Add a change").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("What").click()
    await page.get_by_role("option", name="Leave out").click()
    await form.get_by_label("Which").click()
    await page.get_by_role("option", name="Document: Returns").click()
    await form.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("one pins what the other hides")).to_be_visible()
    await page.get_by_role("button", name="Save as rule").click()
    saving = page.get_by_role("dialog")
    await saving.get_by_label("Reason").fill("Out of date.")
    await saving.get_by_role("button", name="Save").click()
    await saving.get_by_role("checkbox", name="Save it all the same").click()
    await saving.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. It acts from the next search on.")).to_be_visible()
    await person.open("/rules")
    await expect(page.get_by_text("Two rules contradict each other")).to_be_visible()
    for one in (await shop.client.get(path)).json()["items"]:
        await shop.client.delete(f"{path}/{one['id']}")


async def test_what_brings_a_missing_page_in_is_tried_with_a_button(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open("/explain?q=returning+goods&arms=sparse&why=delivery.md")
    verdict = page.locator(".verdict")
    await expect(verdict.locator(".badge").first).to_be_visible()
    await expect(verdict).to_contain_text("on the page: it becomes hit")
    await page.get_by_role("button", name="Try it in the first place").click()
    await expect(page.locator(".moves li").first).to_contain_text("Delivery")

    pages = (await shop.client.get("/documents")).json()["items"]
    returns = next(one["id"] for one in pages if one["address"] == RETURNS)
    await person.open(f"/explain?q=money+paid+back&why={returns}")
    await expect(page.locator(".verdict")).to_contain_text("It was found")
    await person.open(f"/explain?q=money+paid+back&why={shop.base}")
    await expect(page.get_by_text("There is no passage or document")).to_be_visible()


async def test_weights_and_broken_addresses(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open('/explain?q=parcel&try={"kind":"pin"}&try=nonsense&set=' + shop.base)
    await expect(page.get_by_text("Some changes in the address cannot be read")).to_be_visible()
    await page.get_by_role("button", name="Add a change").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("What").click()
    await page.get_by_role("option", name="Change how it is searched").click()
    await form.get_by_label("Weight of words").fill("0")
    await form.get_by_label("Weight of meaning").fill("1.5")
    await form.get_by_role("button", name="Try it").click()
    words = page.locator(".change", has_text="Search with words × 0, meaning × 1.5")
    await expect(words).to_contain_text("for every question")
    await page.get_by_role("button", name="Add a change").click()
    await form.get_by_label("What").click()
    await page.get_by_role("option", name="Change how it is searched").click()
    await expect(form.get_by_label("Reranker")).to_have_count(0)  # there is none
    await form.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("Nothing is changed.")).to_be_visible()
    await form.get_by_label("Diversity").fill("0.3")
    await form.get_by_role("button", name="Try it").click()
    await expect(page.locator(".change", has_text="Search with diversity 0.3")).to_be_visible()


async def test_the_reranker_is_tried_where_there_is_one(
    served: Served, shop: Stocked, sign_in: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards:
        def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
            return [float(number) for number in range(len(texts))]

    monkeypatch.setattr(served.state.searcher, "reranker", TimedReranker(Backwards()))
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open("/explain?q=parcel+goods")
    first = await page.locator(".hit summary b").first.inner_text()
    await page.get_by_text("What if?").first.click()
    await page.get_by_role("button", name="Add a change").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("What").click()
    await page.get_by_role("option", name="Change how it is searched").click()
    await form.get_by_label("Reranker").click()
    await page.get_by_role("option", name="Order the first passages again").click()
    await form.get_by_role("button", name="Try it").click()
    await expect(page.locator(".change", has_text="Search with the reranker")).to_be_visible()
    await expect(page.locator(".moves li").first).not_to_contain_text(first)


async def test_a_stranger_sees_no_rule_and_tries_nothing_elsewhere(
    shop: Stocked, sign_in: Sign
) -> None:
    chunk = (await shop.client.post("/search", json={"query": "parcel"})).json()["hits"][0]
    stranger = await sign_in()
    await stranger.open(
        f'/explain?q=parcel&in={shop.base}&try={{"kind":"pin","chunk_id":"{chunk["chunk_id"]}"}}'
    )
    await expect(stranger.page.locator("#content")).not_to_contain_text("Delivery")
    await expect(stranger.page.get_by_text("a passage that is gone")).to_be_visible()
    assert await stranger.open(f"/rules?in={shop.base}") == 200
    await expect(stranger.page.get_by_text("No rule yet")).to_be_visible()
