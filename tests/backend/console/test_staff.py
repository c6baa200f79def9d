"""Assistants, tokens and users through the acts of an owner."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    await page.get_by_label("Websites").fill("www.example.com")
    await page.get_by_role("button", name="Save").click()
    await expect(
        page.get_by_text("Websites: an origin is scheme, host and port alone")
    ).to_be_visible()
    await page.get_by_label("Websites").fill("https://www.example.com")
    await page.get_by_label("Accent colour", exact=True).fill("#b4231f")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. The preview")).to_be_visible()

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


async def test_a_token_is_shown_once_works_and_is_revoked(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open("/system/tokens")
    await page.get_by_role("button", name="New token").click()
    await page.get_by_label("Name").fill("shop backend")
    await page.get_by_role("button", name="Create").click()
    token = (await page.locator("#secret").inner_text()).strip()
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=served.origin, headers=bearer) as program:
        assert (await program.get("/api/v1/knowledge-bases")).status_code == 200
        assert (await program.get("/api/v1/tokens")).status_code == 403
        await page.get_by_role("button", name="Done").click()
        await expect(page.get_by_role("heading", name="shop backend")).to_be_visible()
        assert token not in await page.content()
        await page.get_by_role("button", name="Revoke").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(page.locator(".badge", has_text="Revoked")).to_be_visible()
        assert (await program.get("/api/v1/knowledge-bases")).status_code == 401


async def test_a_new_user_signs_in_with_the_link_that_is_shown(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open("/system/users")
    await page.get_by_role("button", name="New user").click()
    await page.get_by_label("E-mail address").fill("ada@example.com")
    await page.get_by_role("button", name="Create").click()
    link = (await page.locator("#secret").inner_text()).strip()
    other = await sign_in(Role.VIEWER)
    await other.context.clear_cookies()
    await other.page.goto(link)
    await other.page.get_by_role("button").click()
    await expect(other.page.get_by_role("heading", name="Content")).to_be_visible()
    await expect(other.page.locator(".who").first).to_have_text("ada@example.com")
    await expect(other.page.get_by_role("heading", name="shop")).to_be_visible()


async def test_an_admin_hands_out_no_role_above_their_own(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    await person.open("/system/users")
    await person.page.get_by_role("button", name="New user").click()
    await person.page.get_by_label("Role").click()
    options = person.page.get_by_role("option")
    await expect(options).to_have_count(3)
    assert not any("Owner" in text for text in await options.all_inner_texts())
