"""Webhooks through a user's acts: documents that come in signed, leads that go out signed."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from playwright.async_api import Page, expect

from backend.api.webhook_signature import sign, verify
from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Stocked
from tests.browser import WCAG, violations
from tests.receiver import Receiver

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _copied(page: Page) -> list[str]:
    """What a dialog shows once, in its order; the dialog is closed."""
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".secret").last).to_contain_text("whsec_")
    shown = await dialog.locator(".secret").all_inner_texts()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_have_count(0)
    return shown


async def _sent(address: str, secret: str, number: int) -> int:
    """The status that a message of the sender gets."""
    data = {"external_id": "shop/lamps", "title": "Lamps", "text": "Our lamps glow in green."}
    body = json.dumps({"type": "document.put", "data": data}).encode()
    now, name = int(time.time()), f"msg_{number}"
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, name, now, body),
    }
    async with httpx.AsyncClient() as sender:
        return (await sender.post(address, content=body, headers=headers)).status_code


async def test_a_webhook_takes_documents_until_it_is_closed(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/knowledge-bases/{shop.base}")
    await page.get_by_role("button", name="Add webhook").click()
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_text("Name must not be empty.")).to_be_visible()
    await page.get_by_label("Name").fill("Online shop")
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_role("dialog").locator(".secret")).to_have_count(2)
    await page.wait_for_timeout(350)  # the dialog's fade would blur contrast
    assert await violations(page, ".sheet", WCAG) == []
    await page.screenshot(path=PICTURES / "dialog-webhook-1280-light.png")
    address, secret = await _copied(page)
    assert await _sent(address, secret, 1) == 200
    row = page.get_by_role("row", name="Online shop")
    await page.reload()  # what others send is seen when one looks
    await expect(row.get_by_text("Up to date")).to_be_visible(timeout=30_000)
    await row.get_by_role("link").click()

    await page.get_by_role("button", name="Webhook").click()
    await expect(page.get_by_text("Takes messages")).to_be_visible()
    await page.get_by_role("button", name="Make a new secret").click()
    again, newer = await _copied(page)
    assert again == address
    assert [await _sent(address, secret, 2), await _sent(address, newer, 3)] == [401, 200]
    await page.get_by_role("button", name="Webhook").click()
    await page.get_by_role("button", name="Close webhook").click()
    await expect(page.get_by_text("takes no message any more")).to_be_visible()
    assert await _sent(address, newer, 4) == 401
    found = (await shop.client.post("/search", json={"query": "green lamps"})).json()["hits"]
    assert "green" in found[0]["text"]
    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    await viewer.open(page.url.partition("/console")[2])
    await expect(viewer.page.get_by_role("button", name="Webhook")).to_have_count(0)


async def test_leads_go_to_an_address_that_is_tried_first(shop: Stocked, sign_in: Sign) -> None:
    made = await shop.client.post("/assistants", json={"name": "Ask the shop"})
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    receiver = Receiver(410, 204)
    async with receiver.listening():
        await person.open(f"/assistants/{made.json()['id']}/people")
        await expect(page.get_by_role("button", name="Send a test")).to_be_hidden()
        await page.get_by_label("Address for new leads").fill("http://10.0.0.1/hook")
        await page.get_by_role("button", name="Save address").click()
        await expect(page.get_by_text("leads to the private address")).to_be_visible()
        await page.get_by_label("Address for new leads").fill(receiver.address)
        await page.get_by_role("button", name="Save address").click()
        (secret,) = await _copied(page)
        table = page.get_by_role("table", name="Last messages").locator("tbody tr")
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("The test was not taken.")).to_be_visible()
        await expect(table.first).to_contain_text("answered with status 410")
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("The test was taken.")).to_be_visible()
        await expect(table).to_have_count(2)
        await expect(table.first).to_contain_text("Taken")
        verify(secret, *receiver.got[-1])
    await page.get_by_role("button", name="Stop sending").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop sending").click()
    await expect(page.get_by_text("New leads are sent nowhere.")).to_be_visible()
    await expect(page.get_by_role("button", name="Send a test")).to_be_hidden()
    kept = (await shop.client.get(f"/assistants/{made.json()['id']}")).json()
    assert kept["lead_webhook"] == ""
