"""Query sets through a user's acts: filled, judged in place, measured, and two runs compared."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")

MEASURING_MS = 120_000
"""A query set is measured beside everything else that the machine does."""

FILE = (
    b"query,address,grade\nreturning goods,upload:///returns.md,3\ngone,https://gone.example/,1\n"
)


async def test_a_query_set_is_filled_judged_measured_and_compared(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open("/evaluation")
    await expect(page.get_by_text("No query set yet")).to_be_visible()
    await page.get_by_role("button", name="New query set").click()
    await page.get_by_label("Name").fill("Help desk")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_text("No query yet")).to_be_visible()
    await page.get_by_role("button", name="From a file").click()
    picker = page.get_by_label("File of queries")
    wrong = {"name": "q.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
    await picker.set_input_files(wrong)  # type: ignore[arg-type]
    await expect(page.get_by_text("does not name a column “query”")).to_be_visible()
    await picker.set_input_files({"name": "q.csv", "mimeType": "text/csv", "buffer": FILE})
    await expect(page.get_by_text("1 judged page not in the knowledge base")).to_be_visible()
    await page.get_by_role("button", name="Add queries").click()
    await page.get_by_label("Queries", exact=True).fill("when does the courier come\n\n")
    await page.get_by_role("button", name="Add", exact=True).click()
    line = page.locator(".judging", has_text="when does the courier come")
    await expect(line.get_by_text("Not judged")).to_be_visible()

    await line.locator("summary").click()
    await line.get_by_label("Grade of delivery.md").click()
    await page.get_by_role("option", name="2, answers it").click()
    await expect(line.get_by_text("1 page judged")).to_be_visible()
    gone = page.locator(".judging", has_text="gone")
    await gone.locator("summary").click()
    await gone.get_by_role("button", name="Take it out").click()
    await expect(page.locator(".judging")).to_have_count(2)
    set_id = urlsplit(page.url).path.rsplit("/", 1)[1]
    rows = (await shop.client.get(f"/query-sets/{set_id}/queries")).json()["items"]
    assert [row["grades"] for row in rows] == [
        {"upload:///returns.md": 3},
        {"upload:///delivery.md": 2},
    ]

    for name in ("before", "after"):
        await page.get_by_role("button", name="Run now").click()
        await page.get_by_label("Name").fill(name)
        await page.get_by_role("button", name="Run", exact=True).click()
        row = page.get_by_role("row", name=name)
        await expect(row).to_contain_text("1.000", timeout=MEASURING_MS)
        if name == "before":
            document = next(
                one["id"]
                for one in (await shop.client.get("/documents")).json()["items"]
                if one["address"] == "upload:///returns.md"
            )
            rule = {"kind": "hide", "document_id": document, "query": "returning"}
            body = {"rules": [rule], "reason": "To make it worse."}
            await shop.client.post(f"/knowledge-bases/{shop.base}/rules", json=body)
            await page.get_by_role("button", name="Run now").click()
            await page.get_by_role("button", name="Run", exact=True).click()
            await expect(page.get_by_role("table", name="Runs").locator("tbody tr")).to_have_count(
                2
            )
            for one in (await shop.client.get(f"/knowledge-bases/{shop.base}/rules")).json()[
                "items"
            ]:
                await shop.client.delete(f"/knowledge-bases/{shop.base}/rules/{one['id']}")
    links = page.get_by_role("link", name="Compare with the one before")
    await expect(links).to_have_count(2)
    await links.last.click()
    await expect(page.get_by_text("Rules were saved or ended between the runs.")).to_be_visible()
    row = page.get_by_role("table", name="Queries").get_by_role("row", name="returning goods")
    await expect(row).to_contain_text("1 → not found")
    await expect(row).to_contain_text("hurt")
    explain = row.get_by_role("link", name="returning goods")
    asked = parse_qs(urlsplit(await explain.get_attribute("href") or "").query)
    assert asked == {"q": ["returning goods"], "in": [shop.base]}

    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    await viewer.open(page.url.split("/console", 1)[1])  # shared by address
    await expect(viewer.page.get_by_text("1 → not found")).to_be_visible()
    await viewer.open(f"/evaluation/{set_id}")
    await expect(viewer.page.get_by_role("table", name="Runs")).to_be_visible()
    for name in ("Run now", "Add queries", "Delete"):
        await expect(viewer.page.get_by_role("button", name=name)).to_have_count(0)

    stranger = await sign_in()
    assert await stranger.open(f"/evaluation/{set_id}") == 404
    assert await stranger.open(f"/evaluation/{set_id}/compare") == 404
    await page.goto(f"{person.origin}/console/evaluation/{set_id}")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No query set yet")).to_be_visible()


async def test_what_was_read_last_is_found(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open("/evaluation")
    await page.get_by_role("link", name="Freshness").click()
    rows = page.get_by_role("table", name="Pages that changed last").locator("tbody tr")
    await expect(rows).to_have_count(2)
    row = rows.filter(has_text="delivery.md")
    await expect(row.locator("td").nth(3)).to_have_text("1")
    await expect(row).to_contain_text("< 1 min")
    await page.get_by_label("How soon").click()
    await page.get_by_role("option", name="Within a day").click()
    await page.wait_for_url("**within=1440**")
    stranger = await sign_in()
    await stranger.open(f"/freshness?in={shop.base}")
    await expect(stranger.page.get_by_text("No knowledge base yet")).to_be_visible()
