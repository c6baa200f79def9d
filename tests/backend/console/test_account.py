"""Signing in with a password, and one's own account."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from backend.api.openid import OpenIdProvider, OpenIdSettings
from backend.console.pages.account import browser_name
from knowledge.store.queries.credentials import create_link
from knowledge.store.queries.people import create_user
from knowledge.store.tables import Role
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Served
from tests.browser import PATIENCE_MS, WCAG, Trouble, violations
from tests.openid_provider import CLIENT, SECRET, openid_server

pytestmark = pytest.mark.asyncio(loop_scope="package")
LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WORDS = "lamps that nobody connects"


@pytest_asyncio.fixture(loop_scope="package")
async def newcomer(browser: Browser, trouble: Trouble) -> AsyncIterator[Page]:
    """A browser that nobody is signed in with."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 860}, reduced_motion="reduce"
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    trouble.listen(page)
    yield page
    await context.close()


async def _link(served: Served, email: str) -> str:
    async with served.state.database.writing() as session:
        user = await create_user(session, served.state.workspace_id, email, "", Role.EDITOR)
        return f"{served.origin}/sign-in?token={await create_link(session, user.id)}"


async def test_from_a_link_to_a_password_and_out_elsewhere(
    served: Served, newcomer: Page, browser: Browser
) -> None:
    await newcomer.goto(await _link(served, "ada@account.example"))
    assert await violations(newcomer, tags=WCAG) == []
    await newcomer.get_by_label("New password").fill(WORDS)
    await newcomer.screenshot(path=PICTURES / "sign-in-link-390-light.png")
    await newcomer.keyboard.press("Enter")
    await expect(newcomer.get_by_role("heading", name="Content")).to_be_visible()
    # Another browser, which asks for a page and gets there by password.
    context = await browser.new_context(reduced_motion="reduce")
    other = await context.new_page()
    await other.goto(f"{served.origin}/console/documents?q=lamps")
    await other.get_by_label("E-mail address").fill("ada@account.example")
    await other.get_by_label("Password").fill("something else")
    await other.keyboard.press("Enter")
    await expect(other.get_by_role("alert")).to_contain_text("password is wrong")
    await expect(other.get_by_label("E-mail address")).to_have_value("ada@account.example")
    await other.get_by_label("Password").fill(WORDS)
    await other.keyboard.press("Enter")
    await other.wait_for_url("**/console/documents?q=lamps")
    await other.get_by_role("link", name="ada@account.example").first.click()
    await expect(other.get_by_text("2 browsers.")).to_be_visible()
    await other.get_by_label("Current password").fill(WORDS)
    await other.get_by_label("New password").fill("other words to remember")
    await other.get_by_role("button", name="Set password").click()
    await expect(other.get_by_text("1 browser.")).to_be_visible()
    await context.close()
    # The first browser's session ended with the old password.
    await newcomer.reload()
    await expect(newcomer.get_by_label("Password")).to_be_visible()


async def test_the_sign_in_page_in_all_looks(served: Served, newcomer: Page) -> None:
    await newcomer.goto(f"{served.origin}/sign-in")
    await newcomer.get_by_text("First time here").click()
    for width in (1280, 390):
        for look in LOOKS:
            await newcomer.set_viewport_size({"width": width, "height": 860})
            await newcomer.emulate_media(color_scheme=look)
            assert await violations(newcomer) == []
            await newcomer.screenshot(path=PICTURES / f"sign-in-{width}-{look}.png")


async def test_a_browser_goes_to_the_provider_and_back(served: Served, newcomer: Page) -> None:
    with openid_server() as provider:
        provider.claims = {"email": "grace@account.example", "sub": "grace"}
        settings = OpenIdSettings(provider.issuer, CLIENT, SECRET, ("account.example",))
        object.__setattr__(served.state, "openid", OpenIdProvider(settings))
        try:
            await newcomer.goto(f"{served.origin}/console/documents")
            await newcomer.get_by_role("link", name="Sign in with 127.0.0.1").click()
            await expect(
                newcomer.get_by_role("heading", name="Documents", exact=True)
            ).to_be_visible()
        finally:
            object.__setattr__(served.state, "openid", None)


async def test_a_user_is_signed_out_by_an_admin(sign_in: Sign) -> None:
    admin = await sign_in(Role.OWNER)
    user = await sign_in(Role.EDITOR, admin.workspace_id)
    await user.open("/account")
    email = await user.page.locator(".who").first.inner_text()
    await admin.open("/system/users")
    card = admin.page.locator("article", has_text=email)
    await card.get_by_role("button", name="Sign out everywhere").click()
    await expect(admin.page.get_by_text("is signed out everywhere")).to_be_visible()
    await user.page.reload()
    await expect(user.page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
        ("", "Unknown browser"),
    ],
)
async def test_browsers_are_named(agent: str, words: str) -> None:
    assert browser_name(agent) == words


async def test_an_owner_takes_a_backup_home(sign_in: Sign, tmp_path: Path) -> None:
    owner = await sign_in(Role.OWNER)
    await owner.open("/system")
    async with owner.page.expect_download() as download:
        await owner.page.get_by_role("button", name="Download a backup").click()
    await (await download.value).save_as(tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert any(name.endswith("candor.sqlite") for name in archive.getnames())
    admin = await sign_in(Role.ADMIN, owner.workspace_id)
    await admin.open("/system")
    await expect(admin.page.get_by_role("heading", name="Runs")).to_be_visible()
    await expect(admin.page.get_by_role("heading", name="Backup")).to_have_count(0)
