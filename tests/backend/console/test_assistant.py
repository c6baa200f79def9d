"""Assistants through the acts of an admin: look, behaviour, and how they search."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from knowledge.store.query_sets import add_queries, create_query_set
from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")

MEASURING_MS = 120_000
"""A query set is measured beside everything else that the machine does."""


async def test_an_assistant_is_made_and_answers_in_its_preview(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open("/assistants")
    await expect(page.get_by_text("No assistant yet")).to_be_visible()
    await page.get_by_role("button", name="New assistant").click()
    await page.get_by_label("Name").fill("Ask the shop")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="Ask the shop")).to_be_visible()
    await page.get_by_label("Welcome").fill("Ask about orders.")
    await page.get_by_label("Suggested questions").fill("How long may I return goods?")
    await page.get_by_role("button", name="Save", exact=True).first.click()
    await expect(page.get_by_text("Saved. The preview")).to_be_visible()
    await page.get_by_label("Websites").fill("www.example.com")
    await page.get_by_role("button", name="Save websites").click()
    await expect(
        page.get_by_text("Websites: an origin is scheme, host and port alone")
    ).to_be_visible()
    await page.get_by_label("Websites").fill("https://www.example.com")
    await page.get_by_role("button", name="Save websites").click()
    await expect(page.get_by_text("It appears on https://www.example.com.")).to_be_visible()
    await page.get_by_label("Accent colour", exact=True).fill("#b4231f")
    async with page.expect_request(lambda sent: "/a/" in sent.url):  # the preview, anew
        await page.get_by_role("button", name="Save", exact=True).first.click()

    made = (await shop.client.get("/assistants")).json()["items"][0]
    assert made["allowed_origins"] == ["https://www.example.com"]
    assert made["appearance"]["accent"] == "#b4231f"
    preview = page.frame_locator("iframe")
    await preview.get_by_role("button", name="How long may I return goods?").click()
    await expect(preview.get_by_text("within 30 days").first).to_be_visible()
    line = (await page.locator("#embed").inner_text()).strip()
    assert line == (
        f'<script async src="{person.origin}/widget/v1/loader.js" '
        f'data-assistant="{made["public_key"]}"></script>'
    )


async def test_behaviour_is_kept_in_parts(shop: Stocked, sign_in: Sign) -> None:
    body = {
        "name": "Behaving",
        "knowledge_base_ids": [shop.base],
        "behaviour": {"more": {"kept": True}},
    }
    made = (await shop.client.post("/assistants", json=body)).json()
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open(f"/assistants/{made['id']}")
    await page.get_by_label("Tone").fill("Short and friendly.")
    await page.get_by_role("button", name="Save behaviour").click()
    await expect(page.get_by_text("Saved.").last).to_be_visible()
    await page.get_by_label("When to ask").click()
    await page.get_by_role("option", name="When there was no answer").click()
    await page.keyboard.press("Escape")
    await page.get_by_label("Consent").fill("You may write to me.")
    await page.get_by_role("button", name="Save contact details").click()
    await page.get_by_role("checkbox", name="Visitors may ask for a person").click()
    await page.get_by_label("E-mail address").fill("help")
    await page.get_by_role("button", name="Save people").click()
    await expect(page.get_by_role("alert").or_(page.locator(".alarm")).first).to_be_visible()
    await page.get_by_label("E-mail address").fill("help@shop.example")
    await page.get_by_role("button", name="Save people").click()
    await page.get_by_label("Questions of one visitor").fill("some")
    await page.get_by_role("button", name="Save limits").click()
    await expect(page.get_by_text("Questions of one visitor is not a number")).to_be_visible()
    await page.get_by_label("Questions of one visitor").fill("50")
    await page.get_by_role("button", name="Save limits").click()

    async def kept() -> Any:
        return (await shop.client.get(f"/assistants/{made['id']}")).json()["behaviour"]

    async with asyncio.timeout(20):  # saved in their order, so that the last tells of all
        while (behaviour := await kept()).get("limits", {}).get("visitor_questions") != 50:
            await asyncio.sleep(0.05)
    assert behaviour["more"] == {"kept": True}
    assert behaviour["tone"] == "Short and friendly."
    assert behaviour["leads"]["when"] == ["abstained"]
    assert behaviour["handoff"] == {"enabled": True, "email": "help@shop.example"}

    await page.get_by_role("button", name="Make a new secret").click()
    await expect(page.locator(".secret")).to_contain_text("candor_id")
    await page.get_by_role("dialog").get_by_role("button", name="Done").click()
    await expect(page.get_by_text("There is a secret for tokens")).to_be_visible()

    preview = page.frame_locator("iframe").locator("candor-chat")
    await page.get_by_label("Accent colour", exact=True).fill("#123456")
    await expect(preview).to_have_attribute("accent", "#123456")  # before it is saved


async def saved_rule(client: httpx.AsyncClient, path: str) -> str:
    """The id of the one saved rule; empty without a rule."""
    found = (await client.get(path)).json()["items"]
    return str(found[0]["id"]) if found else ""


async def test_search_settings_show_their_effect_before_they_are_saved(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    async with served.state.database.writing() as session:
        made = await create_query_set(session, UUID(shop.base), "orders")
        queries = [("parcel goods", {"upload:///returns.md": 1})]
        await add_queries(session, made.id, queries)
    body = {"name": "Searching", "knowledge_base_ids": [shop.base]}
    assistant = (await shop.client.post("/assistants", json=body)).json()
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/assistants/{assistant['id']}")
    await expect(page.get_by_role("button", name="Save people")).to_have_count(0)
    await page.get_by_label("Weight of words").fill("0")
    await page.get_by_label("Weight of meaning").fill("1")
    await page.get_by_role("button", name="See the effect").click()
    hurt = page.get_by_role("region", name="Hurt queries")
    await expect(hurt).to_be_visible(timeout=MEASURING_MS)
    path = f"/knowledge-bases/{shop.base}/rules"
    assert (await shop.client.get(path)).json()["items"] == []  # nothing is saved
    saved = ""
    for weight in ("0", "0.5"):
        await page.get_by_label("Weight of words").fill(weight)
        await page.get_by_label("Reason").fill("Meaning counts more here.")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("It holds from the next search on.").last).to_be_visible()
        # the message of the first time may still stand there
        async with asyncio.timeout(20):
            while (now := await saved_rule(shop.client, path)) == saved:
                await asyncio.sleep(0.1)
        saved = now
    await person.open(f"/rules?in={shop.base}")
    await expect(page.get_by_role("listitem").filter(has_text="words × 0.5")).to_be_visible()
    await expect(page.get_by_text("1 rule", exact=True)).to_be_visible()
