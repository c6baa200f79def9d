"""Who comes in, and who is refused: in the page, in the socket behind it, and in the API."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import expect

from backend.api.access import COOKIE
from knowledge.store.queries.credentials import create_link, end_session
from knowledge.store.queries.people import first_owner
from knowledge.store.tables import Role
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked

pytestmark = pytest.mark.asyncio(loop_scope="package")

SOCKET = "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling"


async def test_without_a_session_there_is_only_the_way_in(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.origin) as visitor:
        for path in ("/console/", "/console/documents", "/console/system/tokens"):
            answer = await visitor.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/sign-in?to={path}"
        assert (await visitor.get(SOCKET)).status_code == 401
        visitor.cookies.set(COOKIE, "made-up")
        assert (await visitor.get("/console/")).status_code == 303
        assert (await visitor.get(SOCKET)).status_code == 401


async def test_the_socket_opens_to_own_pages_alone(served: Served) -> None:
    secret = await served.cookie(await served.workspace(), Role.OWNER)
    async with httpx.AsyncClient(base_url=served.origin, cookies={COOKIE: secret}) as client:
        elsewhere = {"Origin": "https://evil.example"}
        assert (await client.get(SOCKET, headers=elsewhere)).status_code == 401
        assert (await client.get(SOCKET, headers={"Origin": served.origin})).status_code == 200


async def test_nothing_on_a_page_comes_from_elsewhere(served: Served) -> None:
    secret = await served.cookie(await served.workspace(), Role.OWNER)
    async with httpx.AsyncClient(base_url=served.origin, cookies={COOKIE: secret}) as client:
        answer = await client.get("/console/")
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_link_signs_in_and_the_menu_signs_out(served: Served, sign_in: Sign) -> None:
    async with served.state.database.writing() as session:
        owner = await first_owner(session, served.state.workspace_id)
        assert owner is not None
        token = await create_link(session, owner.id)
    person = await sign_in()
    await person.context.clear_cookies()
    page = person.page
    await page.goto(f"{served.origin}/sign-in?token={token}")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("heading", name="Content")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto(f"{served.origin}/console/documents?q=lamps")
    await expect(page.get_by_label("E-mail address")).to_be_visible()


async def test_an_ended_session_stops_an_open_page(served: Served, sign_in: Sign) -> None:
    person = await sign_in()
    await person.open("/documents")
    secret = next(one["value"] for one in await person.context.cookies() if one["name"] == COOKIE)
    await person.open("/")
    await person.page.get_by_role("button", name="New knowledge base").click()
    async with served.state.database.writing() as session:
        await end_session(session, secret)
    await person.page.get_by_label("Name").fill("too late")
    await person.page.get_by_role("button", name="Create").click()
    await expect(person.page.get_by_text("The session has ended.")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "offered", "refused"),
    [
        (Role.VIEWER, [], ["Add website", "Upload files", "Paste text", "Edit", "Delete"]),
        (Role.EDITOR, ["Add website", "Upload files", "Paste text", "Edit"], ["Delete"]),
        (Role.ADMIN, ["Add website", "Delete"], []),
    ],
)
async def test_a_role_sees_what_it_may_do(
    shop: Stocked, sign_in: Sign, role: Role, offered: list[str], refused: list[str]
) -> None:
    person = await sign_in(role, shop.workspace_id)
    assert await person.open(f"/knowledge-bases/{shop.base}") == 200
    for name in offered:
        await expect(person.page.get_by_role("button", name=name)).to_be_visible()
    for name in refused:
        await expect(person.page.get_by_role("button", name=name)).to_have_count(0)
    wanted = 200 if role == Role.ADMIN else 403
    for path in ("/system/tokens", "/system/users", "/system/audit"):
        assert await person.open(path) == wanted


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_every_link_that_is_shown_may_be_followed(
    served: Served, shop: Stocked, role: Role
) -> None:
    secret = await served.cookie(shop.workspace_id, role)
    await shop.client.post("/chat", json={"question": "What about returns?", "stream": False})
    seen, wanted, refused = set[str](), ["/console/"], []
    async with httpx.AsyncClient(base_url=served.origin, cookies={COOKIE: secret}) as client:
        while wanted:
            path = wanted.pop()
            kind = re.sub(r"[0-9a-f-]{36}", "ID", path.partition("?")[0])
            if kind in seen:
                continue
            seen.add(kind)
            answer = await client.get(path)
            if answer.status_code != 200:
                refused.append((path, answer.status_code))
            wanted += re.findall(r'(?:href=|"href":)\\*"(/console/[^"\\#]*)', answer.text)
    assert refused == []
    assert {"/console/documents/ID", "/console/conversations/ID"} <= seen
    assert ("/console/leads" in seen) == (role != Role.VIEWER)


async def test_a_role_that_was_taken_away_is_refused_by_the_api(
    shop: Stocked, sign_in: Sign
) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    await person.open(f"/knowledge-bases/{shop.base}")
    email = (await person.page.locator(".side .who").first.text_content()) or ""
    users = (await shop.client.get("/users")).json()["items"]
    user = next(one["id"] for one in users if one["email"] == email)
    await shop.client.patch(f"/users/{user}", json={"role": "viewer"})
    await person.page.get_by_role("button", name="Edit").click()
    await person.page.get_by_role("button", name="Save").click()
    await expect(person.page.get_by_text("This needs the role editor")).to_be_visible()


async def test_two_workspaces_never_see_each_other(shop: Stocked, sign_in: Sign) -> None:
    (document, *_), (source, *_) = await shop.ids("documents"), await shop.ids("sources")
    stranger = await sign_in()
    for path in (
        f"/knowledge-bases/{shop.base}",
        f"/sources/{source}",
        f"/documents/{document}",
        f"/documents?source={source}",
        f"/explain?q=returns&document={document}",
    ):
        assert await stranger.open(path) == 404, path
        await expect(stranger.page.locator("#content")).not_to_contain_text("Returns")
    await stranger.open(f"/documents?knowledge_base={shop.base}")
    await expect(stranger.page.get_by_text("Nothing like that")).to_be_visible()
    await stranger.open(f"/explain?q=returned+goods&in={shop.base}")
    await expect(stranger.page.locator(".hit")).to_have_count(0)
