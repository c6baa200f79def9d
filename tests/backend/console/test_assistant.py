"""Assistants through the acts of an admin: look, behaviour, and how they search."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from backend.chat.language_models import LanguageModels, ModelAccess, origin_of
from knowledge.store.query_sets import add_queries, create_query_set
from knowledge.store.tables import Role
from tests.backend.chat.openai_server import OpenAIServer
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

    async def kept() -> Any:
        return (await shop.client.get(f"/assistants/{made['id']}")).json()["behaviour"]

    async def save(words: str, part: str, value: Any) -> None:
        await page.get_by_role("button", name=words).click()
        async with asyncio.timeout(20):
            while (await kept()).get(part) != value:
                await asyncio.sleep(0.05)

    await person.open(f"/assistants/{made['id']}/people")
    await expect(page.get_by_label("E-mail address")).to_be_hidden()
    await page.get_by_role("checkbox", name="Visitors may ask for a person").click()
    await page.get_by_label("E-mail address").fill("help")
    await page.get_by_role("button", name="Save people").click()
    await expect(page.locator(".alarm").first).to_be_visible()
    await page.get_by_label("E-mail address").fill("help@shop.example")
    await page.get_by_label("After how many questions without").fill("2")
    await page.get_by_label("When a question has one").fill("complaint\nspeak to somebody")
    await page.get_by_label("What visitors read then").fill("We are back on Monday.")
    await page.get_by_label("Time zone").fill("Europe/Berl")
    await page.get_by_role("option", name="Europe/Berlin").click()
    for day in ("Monday", "Tuesday"):
        await page.get_by_role("checkbox", name=day).click()
    await page.get_by_label("Monday, until").fill("08:00")
    await page.get_by_role("button", name="Save people").click()
    await expect(page.get_by_text("On Monday, people cannot answer from 09:00")).to_be_visible()
    await page.get_by_label("Monday, until").fill("17:00")
    week = {"days": ["mon", "tue"], "opens": "09:00", "closes": "17:00"}
    people = {
        "enabled": True,
        "after_unanswered": 2,
        "words": ["complaint", "speak to somebody"],
        "message": "We are back on Monday.",
        "email": "help@shop.example",
        "hours": {"time_zone": "Europe/Berlin", "times": [week]},
    }
    await save("Save people", "handoff", people)
    await page.get_by_label("When to ask").click()
    await page.get_by_role("option", name="When there was no answer").click()
    await page.keyboard.press("Escape")
    await page.get_by_label("Consent").fill("You may write to me.")
    leads = {
        "when": ["abstained"],
        "fields": ["name", "email"],
        "after": 3,
        "required": False,
        "consent": "You may write to me.",
    }
    await save("Save contact details", "leads", leads)
    await page.get_by_role("button", name="Make a new secret").click()
    await expect(page.locator(".secret")).to_contain_text("candor_id")
    await page.get_by_role("dialog").get_by_role("button", name="Done").click()
    await expect(page.get_by_text("There is a secret for tokens")).to_be_visible()

    await page.get_by_role("link", name="Answers", exact=True).click()
    await page.get_by_label("How it speaks").fill("Short and friendly.")
    await save("Save tone", "tone", "Short and friendly.")
    await page.get_by_label("Questions of one visitor").fill("some")
    await page.get_by_role("button", name="Save limits").click()
    await expect(page.get_by_text("Questions of one visitor is not a number")).to_be_visible()
    await page.get_by_label("Questions of one visitor").fill("50")
    await save("Save limits", "limits", {"visitor_questions": 50, "questions": 0, "tokens": 0})
    now = await kept()
    assert now["more"] == {"kept": True}
    assert (now["handoff"], now["leads"]) == (people, leads)

    await page.get_by_role("link", name="Look and place").click()
    preview = page.frame_locator("iframe").locator("candor-chat")
    await page.get_by_label("Accent colour", exact=True).fill("#123456")
    await expect(preview).to_have_attribute("accent", "#123456")  # before it is saved
    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    assert await viewer.open(f"/assistants/{made['id']}") == 200
    await expect(viewer.page.get_by_role("link", name="Answers", exact=True)).to_have_count(0)
    assert await viewer.open(f"/assistants/{made['id']}/people") == 403


async def test_a_language_model_of_its_own_is_tried_and_saved(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    body = {"name": "Modelled", "knowledge_base_ids": [shop.base]}
    made = (await shop.client.post("/assistants", json=body)).json()
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    chat = served.state.chat
    before = chat.models
    async with OpenAIServer() as endpoint:
        endpoint.say("You can reach me.")
        chat.models = LanguageModels(None, ModelAccess({origin_of(endpoint.url): "a-key"}))
        await person.open(f"/assistants/{made['id']}/answers")
        await expect(page.get_by_text("Now: quoted sentences")).to_be_visible()
        await expect(page.get_by_role("button", name="Try it")).to_be_hidden()
        await page.get_by_label("Answers are").click()
        await page.get_by_role("option", name="a language model of its own").click()
        await expect(page.get_by_text("no key for https://api.openai.com")).to_be_visible()
        await page.get_by_role("textbox", name="Endpoint").fill(endpoint.url)
        await expect(page.get_by_text(f"has a key for {origin_of(endpoint.url)}")).to_be_visible()
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_text("The language model has no name.")).to_be_visible()
        await page.get_by_label("Model", exact=True).fill("scripted-1")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_text("“You can reach me.”")).to_be_visible()
        await page.get_by_role("button", name="Save what writes").click()
        await expect(page.get_by_text(f"Now: scripted-1 at {endpoint.url}")).to_be_visible()
        assert set(endpoint.keys) == {"bearer a-key"}
    chat.models = before


async def test_a_threshold_shows_its_effect_before_it_is_saved(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    async with served.state.database.writing() as session:
        made = await create_query_set(session, UUID(shop.base), "visitors ask")
        asked = ["How long may I return goods?", "Who wrote Hamlet?"]
        await add_queries(session, made.id, [(one, {}) for one in asked])
    body = {"name": "Careful", "knowledge_base_ids": [shop.base]}
    assistant = (await shop.client.post("/assistants", json=body)).json()
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open(f"/assistants/{assistant['id']}/answers")
    await page.get_by_label("How sure it must be").fill("1")
    await page.get_by_role("button", name="See the effect").first.click()
    table = page.get_by_role("table", name="Questions that change")
    await expect(table.locator("tbody tr")).to_have_count(1, timeout=MEASURING_MS)
    await expect(table).to_contain_text("How long may I return goods?")
    await expect(table).to_contain_text("Not answered")
    await page.get_by_role("button", name="Save threshold").click()
    await expect(page.get_by_text("Saved.").last).to_be_visible()
    kept = (await shop.client.get(f"/assistants/{assistant['id']}")).json()["behaviour"]
    assert kept["answers"] == {"confidence": 1.0}


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
    await person.open(f"/assistants/{assistant['id']}/answers")
    await expect(page.get_by_role("button", name="Save tone")).to_have_count(0)
    await page.get_by_label("Search by").click()
    await page.get_by_role("option", name="Meaning alone").click()
    await expect(page.get_by_label("Weight of words")).to_be_hidden()
    await page.get_by_role("button", name="See the effect").click()
    hurt = page.get_by_role("region", name="Hurt queries")
    await expect(hurt).to_be_visible(timeout=MEASURING_MS)
    path = f"/knowledge-bases/{shop.base}/rules"
    assert (await shop.client.get(path)).json()["items"] == []  # nothing is saved
    await page.get_by_label("Search by").click()
    await page.get_by_role("option", name="Words and meaning").click()
    await page.get_by_label("Weight of meaning").fill("1")
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
