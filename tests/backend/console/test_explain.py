"""Explain and Conversations: what is shown is what the search and the answer really rest on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from playwright.async_api import expect

from backend.search.search import SearchRequest
from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked, stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_hit_says_why_it_stands_where_it_does(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open("/explain")
    await expect(page.get_by_text("Nothing asked yet")).to_be_visible()
    await page.get_by_label("Question").fill("returning goods")
    await page.keyboard.press("Enter")
    first = page.locator(".hit").first
    await expect(first.get_by_text("Where the score comes from")).to_be_visible()
    await expect(first.locator("mark.written").first).to_be_visible()

    (base,) = await shop.ids("knowledge-bases")
    result = await served.state.searcher.search(SearchRequest("returning goods", (UUID(base),)))
    ledger = first.get_by_role("region", name="Where the score comes from")
    adds = [float(text) for text in await ledger.locator("td:last-child").all_inner_texts()]
    *parts, fused = adds
    assert fused == pytest.approx(sum(parts), abs=2e-6)
    assert fused == pytest.approx(result.hits[0].fused, abs=1e-6)
    await first.get_by_text("Weights and pieces").click()
    weights = first.get_by_role("region", name="Weights and pieces")
    for row in await weights.locator("tbody tr").all():
        _, asked, _, given, product = await row.locator("td").all_inner_texts()
        if asked:
            assert float(product) == pytest.approx(float(asked) * float(given), abs=2e-3)
    *parts, whole = await weights.locator("td:last-child").all_inner_texts()
    assert float(whole) == pytest.approx(sum(map(float, parts)), abs=2e-3)
    shares = await first.locator(".bars .figure").all_inner_texts()
    assert sum(int(text.rsplit(" ", 1)[1].rstrip("%")) for text in shares) == pytest.approx(
        100, abs=len(shares)
    )


async def test_what_is_shown_can_be_shared_by_address(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open("/explain?q=parcel&arms=sparse")
    await person.page.locator(".hit").nth(1).locator("summary").click()
    second = person.page.locator(".hit[open]").nth(1)
    await expect(second.get_by_text("Where the score comes from")).to_be_visible()
    await person.page.get_by_label("Address that is missing").fill("https://shop.example/nowhere")
    await person.page.get_by_role("button", name="Why not?").click()
    await expect(person.page.get_by_text("Candor has never seen this address")).to_be_visible()
    asked = parse_qs(urlsplit(person.page.url).query)
    assert asked["q"] == ["parcel"]
    assert asked["arms"] == ["sparse"]

    other = await sign_in(Role.VIEWER, shop.workspace_id)
    await other.open(person.page.url.split("/console", 1)[1])
    await expect(other.page.get_by_text("Candor has never seen this address")).to_be_visible()
    opened = other.page.locator(".hit[open]")
    await expect(opened).to_have_count(1)
    await expect(opened.locator(".place")).to_have_text("2")


async def test_a_page_that_lost_is_told_by_how_much(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open("/explain?q=opening+hours&why=returns.md")
    verdict = person.page.locator(".verdict")
    await expect(verdict.locator(".badge").first).to_be_visible()
    await expect(verdict.get_by_role("link", name="See the document")).to_be_visible()


async def test_a_query_without_words_is_told_in_words(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open("/explain?q=%3F%3F%3F")
    await expect(person.page.get_by_role("alert")).to_contain_text("no letter and no digit")


async def test_a_conversation_shows_its_sources_and_leads_to_explain(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    await person.open("/conversations")
    await expect(person.page.get_by_text("Nobody has asked anything yet")).to_be_visible()
    ask = {"question": "How long may I return goods?", "stream": False}
    told = (await shop.client.post("/chat", json=ask)).json()
    ask = {"question": "Who painted the Mona Lisa?", "stream": False}
    missed = (await shop.client.post("/chat", json=ask)).json()
    assert not told["abstained"]
    assert missed["abstained"]

    await person.open("/conversations")
    await person.page.get_by_label("How it went").click()
    await person.page.get_by_role("option", name="Without an answer").click()
    await expect(person.page.locator("tbody tr")).to_have_count(1)
    await expect(person.page.get_by_text("1 without an answer")).to_be_visible()
    await person.open("/conversations?days=1")
    await expect(person.page.locator("tbody tr")).to_have_count(2)
    await person.page.get_by_role("link", name="How long may I return goods?").click()
    answer = person.page.locator(".turn.assistant")
    await expect(answer.locator(".cite").first).to_have_text("1")
    await expect(answer).to_contain_text("found by")
    await answer.get_by_role("link", name="Explain").click()
    await expect(person.page.locator(".hit").first).to_contain_text("Returns")
    await person.page.go_back()
    await person.page.get_by_role("button", name="Delete").click()
    await person.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(person.page.get_by_role("heading", name="Conversations")).to_be_visible()
    assert [one["id"] for one in (await shop.client.get("/conversations")).json()["items"]] == [
        missed["conversation_id"]
    ]


async def test_what_an_answer_quoted_is_read_after_the_document_is_gone(
    served: Served, sign_in: Sign
) -> None:
    shop = await stocked(served)
    ask = {"question": "How long may I return goods?", "stream": False}
    told = (await shop.client.post("/chat", json=ask)).json()
    (cited, *_) = told["citations"]
    quoted = told["answer"][slice(*cited["sentence"])]
    for one in (await shop.client.get("/documents")).json()["items"]:
        if one["address"] == cited["address"]:
            assert (await shop.client.delete(f"/documents/{one['id']}")).is_success
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    await person.open(f"/conversations/{told['conversation_id']}")
    await person.page.get_by_text("What each sentence rests on").click()
    rests = person.page.locator(".rests")
    await expect(rests.locator("blockquote").first).to_contain_text(quoted)
    await expect(rests).to_contain_text("The passage has been changed or removed since.")
    await shop.client.aclose()
