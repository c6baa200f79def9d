"""Every page in light and dark, wide and narrow: accessible, within the screen, without errors.

The pictures go to ``artifacts/console``.
"""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Stocked
from tests.browser import WCAG, violations

JUDGED = {(1280, "light"), (390, "dark")}
"""What axe looks at: colours change with the look alone, places and sizes with the width alone."""
LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
pytestmark = pytest.mark.asyncio(loop_scope="package")


async def paths(shop: Stocked) -> dict[str, str]:
    """Every page that there is, by name."""
    ask = {"question": "How long may I return goods?", "stream": False}
    await shop.client.post("/chat", json=ask)
    if not await shop.ids("assistants"):
        body = {"name": "Ask the shop", "knowledge_base_ids": [shop.base]}
        await shop.client.post("/assistants", json=body | {"welcome": "Ask about orders."})
        await shop.client.post("/tokens", json={"name": "shop backend", "role": "viewer"})
    first = {
        kind: (await shop.ids(kind))[0] for kind in ("documents", "sources", "assistants", "runs")
    }
    talk = (await shop.ids("conversations"))[0]
    return {
        "content": "/",
        "knowledge-base": f"/knowledge-bases/{shop.base}",
        "source": f"/sources/{first['sources']}",
        "run": f"/runs/{first['runs']}",
        "documents": "/documents",
        "document": f"/documents/{first['documents']}",
        "explain": "/explain?q=returning+goods&why=https://shop.example/none",
        "conversations": "/conversations",
        "conversation": f"/conversations/{talk}",
        "assistants": "/assistants",
        "assistant": f"/assistants/{first['assistants']}",
        "account": "/account",
        "system": "/system",
        "tokens": "/system/tokens",
        "users": "/system/users",
        "audit": "/system/audit",
    }


async def test_every_page(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.OWNER, shop.workspace_id)
    page = person.page
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, path in (await paths(shop)).items():
        assert await person.open(path) == 200, path
        for width, look in itertools.product((1280, 390), LOOKS):
            await page.set_viewport_size({"width": width, "height": 860})
            await page.emulate_media(color_scheme=look)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide"
            if (width, look) in JUDGED:
                found[name, width, look] = await violations(page, tags=WCAG)
            await page.screenshot(path=PICTURES / f"{name}-{width}-{look}.png")
        await page.set_viewport_size({"width": 1280, "height": 860})
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("path", "opens", "role"),
    [
        ("/", "New knowledge base", Role.OWNER),
        ("{base}", "Add website", Role.OWNER),
        ("{base}", "Upload files", Role.OWNER),
        ("{base}", "Paste text", Role.OWNER),
        ("{base}", "Add answers", Role.OWNER),
        ("{base}", "Add feed", Role.OWNER),
        ("{base}", "Add webhook", Role.OWNER),
        ("{base}", "Delete", Role.OWNER),
        ("/system/users", "New user", Role.OWNER),
        ("/system/tokens", "New token", Role.OWNER),
    ],
)
async def test_a_dialog_is_used_by_keyboard(
    shop: Stocked, sign_in: Sign, path: str, opens: str, role: Role
) -> None:
    person = await sign_in(role, shop.workspace_id, width=390)
    await person.open(path.format(base=f"/knowledge-bases/{shop.base}"))
    button = person.page.get_by_role("button", name=opens)
    await button.focus()
    await person.page.keyboard.press("Enter")
    dialog = person.page.get_by_role("dialog")
    await dialog.locator(".sheet").wait_for()
    await person.page.wait_for_timeout(350)  # the dialog's fade would blur contrast
    assert await violations(person.page, ".sheet", WCAG) == []
    assert await dialog.evaluate("box => box.contains(document.activeElement)")
    name = opens.lower().replace(" ", "-")
    await person.page.screenshot(path=PICTURES / f"dialog-{name}-390.png")
    await person.page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")


async def test_the_menu_of_a_narrow_screen(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id, width=390)
    await person.open("/")
    await person.page.get_by_role("button", name="Menu").click()
    await person.page.locator("#drawer").get_by_role("link", name="Explain").click()
    await person.page.get_by_label("Question").wait_for()


async def test_the_theme_is_chosen_and_kept(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    await person.open("/")
    button = person.page.get_by_role("button", name="Theme: system")
    await button.click()
    await person.page.get_by_role("button", name="Theme: light").click()
    await person.open("/documents")
    await person.page.get_by_role("button", name="Theme: dark").wait_for()
    ground = await person.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(20, 19, 17)"


async def test_an_address_that_no_page_has(shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    assert await person.open("/nothing/here") == 404
    await person.page.get_by_text("There is no such thing here").wait_for()


async def test_a_page_that_fails_keeps_the_words_of_its_error_to_the_log(
    shop: Stocked, sign_in: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("backend.console.pages.documents.documents", fail)
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    assert await person.open("/documents") == 500
    await person.page.get_by_text("This page cannot be shown").wait_for()
    assert "hunter2" not in await person.page.content()
