"""One file of 300 MB: the page lives meanwhile, and shows what became of it after a reload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")
UPLOAD_MAX_BYTES = 300_000_000


@pytest.fixture
def roomy(served: Served) -> Iterator[None]:
    """The server takes a file as large as this one."""
    before = served.state.options
    object.__setattr__(served.state, "options", replace(before, upload_max_bytes=UPLOAD_MAX_BYTES))
    yield
    object.__setattr__(served.state, "options", before)


@pytest.mark.usefixtures("roomy")
async def test_a_large_file_keeps_the_page_alive(
    served: Served, shop: Stocked, sign_in: Sign, tmp_path: Path
) -> None:
    large = tmp_path / "recording.bin"
    with large.open("wb") as file:
        file.truncate(UPLOAD_MAX_BYTES)  # of zeros, which take no room on the disk
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/knowledge-bases/{shop.base}")
    await page.get_by_role("button", name="Upload files").click()
    await page.locator("candor-drop input").set_input_files(large)
    await expect(page.locator(".words")).to_contain_text("of 300.0 MB")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Description").fill("Written while a file goes out.")
    await page.keyboard.press("Escape")
    await expect(page.locator(".words")).to_have_text("1 file uploaded", timeout=120_000)
    (place,) = [
        one
        for one in served.state.options.files_folder.rglob("*")
        if one.is_file() and one.stat().st_size == UPLOAD_MAX_BYTES
    ]
    assert place.stat().st_size == UPLOAD_MAX_BYTES
    await page.reload()
    row = page.get_by_role("row", name="Uploaded files")
    await expect(row.get_by_text("1 could not be read")).to_be_visible(timeout=120_000)


@pytest.mark.usefixtures("roomy")
async def test_a_large_file_goes_on_after_a_reload(
    shop: Stocked, sign_in: Sign, tmp_path: Path
) -> None:
    large = tmp_path / "video.bin"
    with large.open("wb") as file:
        file.truncate(UPLOAD_MAX_BYTES)
    base = (await shop.client.post("/knowledge-bases", json={"name": "reloaded"})).json()["id"]
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open(f"/knowledge-bases/{base}")
    await page.route("**/uploads", lambda route: None)  # it goes nowhere until the page is left
    await page.get_by_role("button", name="Upload files").click()
    await page.locator("candor-drop input").set_input_files(large)
    goes_on = page.get_by_text("the rest goes on when you open it again")
    await expect(goes_on).to_be_visible(timeout=60_000)
    await page.unroute("**/uploads")
    await page.reload()
    await page.wait_for_function("window.socket?.connected")
    await expect(page.locator(".words")).to_have_text("1 file uploaded", timeout=120_000)
    listed = await shop.client.get("/documents", params={"knowledge_base": base})
    assert [one["address"] for one in listed.json()["items"]] == ["upload:///video.bin"]
