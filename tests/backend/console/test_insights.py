"""Insights through a user's acts: figures are those of what was asked, gaps lead to Explain."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from playwright.async_api import expect

from knowledge.store.queries.model_costs import ModelTokens, add_model_use
from knowledge.store.queries.visits import Use, add_use
from knowledge.store.tables import Role, utc_now
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")

ASKED = (
    "How long may I return goods?",
    "How long may I return goods?",
    "Who painted the Mona Lisa?",
)


async def test_figures_gaps_and_use_of_what_was_asked(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    for path in ("/insights", "/insights/questions", "/insights/gaps"):
        await person.open(path)
        await expect(page.locator(".empty")).to_be_visible()
    for question in ASKED:
        await shop.client.post("/chat", json={"question": question, "stream": False})

    await person.open("/insights")
    tiles = page.locator(".tiles > div")
    await expect(tiles.filter(has_text="Questions")).to_contain_text("3")
    await expect(tiles.filter(has_text="Without an answer")).to_contain_text("1 33%")
    chart = page.get_by_role("img", name="Questions: 3 from")
    await expect(chart).to_be_visible()
    await page.get_by_text("The numbers").first.click()
    cells = page.get_by_role("table", name="Questions").locator("tbody tr td")
    assert (await cells.all_inner_texts())[1:] == ["2", "1", "0"]
    await expect(page.get_by_role("table", name="Time of answers")).to_contain_text("extractive")
    link = page.get_by_role("link", name="CSV").first
    answer = await person.context.request.get(
        person.origin + (await link.get_attribute("href") or "")
    )
    assert "text/csv" in answer.headers["content-type"]
    assert ",2,1,0," in (await answer.text()).splitlines()[-1]

    await page.get_by_role("link", name="Questions").click()
    rows = page.get_by_role("table", name="Top questions").locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("How long may I return goods?")
    await expect(rows.first.locator("td").nth(1)).to_have_text("2")

    await page.get_by_role("link", name="Gaps").click()
    await expect(page.get_by_role("heading", name="No content (1)")).to_be_visible()
    gap = page.locator(".gaps li")
    await expect(gap).to_contain_text("Who painted the Mona Lisa?")
    asked = urlsplit(
        await gap.get_by_role("link", name="Explain").get_attribute("href") or ""
    ).query
    assert parse_qs(asked)["q"] == ["Who painted the Mona Lisa?"]

    await page.get_by_role("link", name="Sources").click()
    sources = page.get_by_role("table", name="By source")
    await expect(sources.get_by_role("link", name="Uploaded files")).to_be_visible()
    link = page.get_by_role("link", name="CSV").first
    answer = await person.context.request.get(
        person.origin + (await link.get_attribute("href") or "")
    )
    assert (await answer.text()).splitlines()[-1].endswith("Uploaded files")
    await page.get_by_label("Use", exact=True).click()
    await page.get_by_role("option", name="Cited", exact=True).click()
    documents = page.get_by_role("table", name="By document").locator("tbody tr")
    await expect(documents).to_have_count(1)
    await expect(documents).to_contain_text("Returns")
    assert "use=cited" in page.url

    await _costs(served, shop, sign_in)

    stranger = await sign_in()
    await stranger.open("/insights")
    await expect(stranger.page.get_by_text("Nothing was asked in this time")).to_be_visible()
    await stranger.open("/insights/sources")
    await expect(stranger.page.locator("#content")).not_to_contain_text("Returns")


async def _costs(served: Served, shop: Stocked, sign_in: Sign) -> None:
    """Nothing is assumed of a cost until an admin sets a price."""
    made = (await shop.client.post("/assistants", json={"name": "Ask the shop"})).json()
    assistant, today = UUID(made["id"]), utc_now().date()
    async with served.state.database.writing() as session:
        await add_use(session, assistant, today, Use(3, 1_500_000))
        tokens = ModelTokens(3, 1_000_000, 500_000)
        await add_model_use(session, assistant, today, "acme/talker", tokens)
    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    await viewer.open("/insights")
    costs = viewer.page.get_by_role("table", name="Cost").locator("tbody tr")
    await expect(costs).to_contain_text("no price set")
    await expect(viewer.page.get_by_role("button", name="Set prices")).to_have_count(0)
    admin = await sign_in(Role.ADMIN, shop.workspace_id)
    page = admin.page
    await admin.open("/insights")
    await page.get_by_role("button", name="Set prices").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("A million tokens read").fill("a lot")
    await form.get_by_role("button", name="Set price").click()
    await expect(page.get_by_text("is not an amount: a lot.")).to_be_visible()
    await form.get_by_label("A million tokens read").fill("0,50")
    await form.get_by_label("A million tokens written").fill("2")
    await form.get_by_role("button", name="Set price").click()
    row = page.get_by_role("table", name="Cost").locator("tbody tr")
    await expect(row).to_contain_text("1.50 EUR")
