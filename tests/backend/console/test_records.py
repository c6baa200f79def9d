"""What an administrator looks after: the index, the audit log, and who may do what."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Served, Stocked, client_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everything_is_indexed_again_and_the_audit_log_says_by_whom(
    shop: Stocked, sign_in: Sign
) -> None:
    admin = await sign_in(Role.ADMIN, shop.workspace_id)
    page = admin.page
    await admin.open("/system")
    stored = page.locator(".tiles > div", has_text="Uploaded files").locator("dd")
    await expect(stored).to_have_text(re.compile(r"\d+(\.\d)? (kB|MB)"))
    await page.get_by_role("button", name="Re-index everything").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("nothing is fetched")
    await dialog.get_by_role("button", name="Re-index").click()
    row = page.get_by_role("table", name="Runs").locator("tbody tr").first
    await expect(row).to_contain_text("Re-index")
    await expect(row).to_contain_text("Done", timeout=30_000)
    await page.screenshot(path=PICTURES / "system-reindexed-1280-light.png")

    await page.get_by_role("link", name="Audit log").click()
    entry = page.get_by_role("table", name="Audit log").locator("tbody tr").first
    await expect(entry).to_contain_text("Had everything indexed again")
    email = await page.locator(".side .who").first.text_content()
    await expect(entry).to_contain_text(email or "nobody")


@pytest.mark.parametrize(
    ("role", "path", "status", "asks"),
    [
        (Role.VIEWER, "/leads", 403, ("GET", "/leads")),
        (Role.VIEWER, "/system/users", 403, ("GET", "/users")),
        (Role.EDITOR, "/system/tokens", 403, ("GET", "/tokens")),
        (Role.EDITOR, "/system/audit", 403, ("GET", "/audit")),
        (Role.EDITOR, "/system", 200, ("POST", "/reindex")),
        (Role.ADMIN, "/system", 200, ("POST", "/backups")),
    ],
)
async def test_another_role_is_refused_in_the_page_and_in_the_api(
    served: Served,
    shop: Stocked,
    sign_in: Sign,
    role: Role,
    path: str,
    status: int,
    asks: tuple[str, str],
) -> None:
    person = await sign_in(role, shop.workspace_id)
    assert await person.open(path) == status
    if status == 403:
        await expect(person.page.get_by_text("This page needs the role")).to_be_visible()
    for name in ("Re-index everything", "Download a backup"):
        may = status == 200 and role == Role.ADMIN and name.startswith("Re-index")
        await expect(person.page.get_by_role("button", name=name)).to_have_count(int(may))
    async with await client_of(served, shop.workspace_id, role) as client:
        method, route = asks
        assert (await client.request(method, route)).status_code == 403


async def test_a_name_of_ones_own_is_explained_where_the_line_is(
    shop: Stocked, sign_in: Sign
) -> None:
    made = (await shop.client.post("/assistants", json={"name": "At home"})).json()
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    await person.open(f"/assistants/{made['id']}")
    await person.page.get_by_text("Your own domain").click()
    notes = person.page.locator("details", has_text="Your own domain")
    await expect(notes).to_contain_text("CANDOR_PUBLIC_URL")
    await expect(notes).to_contain_text(f"/a/{made['public_key']}")


async def test_a_query_set_is_filled_from_what_readers_liked(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    ask = {"question": "How long may I return goods?", "stream": False}
    body = {"name": "Ask the shop", "knowledge_base_ids": [shop.base]}
    assistant = (await shop.client.post("/assistants", json=body)).json()
    public = f"{served.origin}/api/v1/assistants/{assistant['public_key']}"
    async with httpx.AsyncClient(base_url=public, headers={"Origin": served.origin}) as visitor:
        session = (await visitor.get(public)).json()["session"]["token"]
        visitor.headers["Authorization"] = f"Bearer {session}"
        who = {"visitor": "a-secret-of-24-letters!"}
        told = (await visitor.post("/chat", json=who | ask)).json()
        verdict = {name: told[name] for name in ("conversation_id", "message_id")}
        judged = await visitor.post("/feedback", json=who | verdict | {"helpful": True})
        assert judged.status_code == 204
    made = await shop.client.post(
        f"/knowledge-bases/{shop.base}/query-sets", json={"name": "Liked"}
    )
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    await person.open(f"/evaluation/{made.json()['id']}")
    await person.page.get_by_role("button", name=re.compile("feedback", re.I)).click()
    await expect(person.page.get_by_text("How long may I return goods?").first).to_be_visible()
    rows = (await shop.client.get(f"/query-sets/{made.json()['id']}/queries")).json()["items"]
    assert [(one["query"], one["origin"]) for one in rows] == [(ask["question"], "feedback")]
