"""Assistants, tokens and users through the acts of an owner."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")


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
