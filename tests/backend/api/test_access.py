"""Who gets in, who may do what, and that nothing is seen across workspaces."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update

from backend.api.access import COOKIE
from backend.api.state import AppState
from knowledge.store.queries.credentials import create_link, hash_secret
from knowledge.store.queries.people import create_workspace, first_owner
from knowledge.store.tables import ApiToken, Role, SignInLink, UserSession, utc_now
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")
SELF = {"Origin": "http://candor.test"}


async def _link(state: AppState) -> str:
    async with state.database.writing() as session:
        _, owner = await create_workspace(session, "signing in", "ada@example.com")
        return await create_link(session, owner.id)


async def _sign_in(visitor: httpx.AsyncClient, token: str) -> httpx.Response:
    return await visitor.post("/sign-in", data={"token": token}, headers=SELF)


async def test_nothing_is_open_without_credentials(visitor: httpx.AsyncClient) -> None:
    schema = (await visitor.get("/api/v1/openapi.json")).json()
    closed = 0
    for path, methods in schema["paths"].items():
        if "{public_key}" in path:
            continue
        for method in methods:
            address = re.sub(r"\{\w+\}", "7d0f7f0e-6f0c-4f53-a0f5-7a6f2d6c9a11", path)
            answer = await visitor.request(method, address)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            closed += 1
    assert closed > 40


async def test_a_wrong_token_is_refused(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api/v1/users/me", headers={"Authorization": "Bearer candor_x"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:candor:unauthenticated"
    assert answer.json()["action"]


async def test_tokens_are_kept_as_hashes_and_shown_once(enter: Enter, state: AppState) -> None:
    owner = await enter()
    made = (await owner.post("/tokens", json={"name": "shop", "role": "viewer"})).json()
    async with state.database.reading() as session:
        row = await session.scalar(select(ApiToken).where(ApiToken.name == "shop"))
    assert row is not None
    assert row.token_hash == hash_secret(made["token"])
    assert made["token"] not in repr(vars(row))
    listed = (await owner.get("/tokens")).json()["items"]
    assert all("token" not in one for one in listed)


async def test_a_revoked_and_an_expired_token_end(enter: Enter, state: AppState) -> None:
    owner = await enter()
    viewer = await enter(Role.VIEWER, beside=owner)
    listed = (await owner.get("/tokens")).json()["items"]
    ended = next(one for one in listed if one["role"] == "viewer")
    assert (await viewer.get("/users/me")).status_code == 200
    assert (await owner.delete(f"/tokens/{ended['id']}")).status_code == 204
    assert (await viewer.get("/users/me")).status_code == 401
    other = await enter(Role.VIEWER, beside=owner)
    async with state.database.writing() as session:
        await session.execute(
            update(ApiToken)
            .where(ApiToken.role == Role.VIEWER)
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
    assert (await other.get("/users/me")).status_code == 401


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        (Role.VIEWER, "POST", "/knowledge-bases", {"name": "x"}, 403),
        (Role.EDITOR, "POST", "/knowledge-bases", {"name": "x"}, 201),
        (Role.VIEWER, "POST", "/search", {"query": "x"}, 200),
        (Role.EDITOR, "GET", "/tokens", None, 403),
        (Role.ADMIN, "GET", "/tokens", None, 200),
        (Role.EDITOR, "POST", "/assistants", {"name": "x"}, 403),
        (Role.ADMIN, "POST", "/tokens", {"name": "x", "role": "owner"}, 403),
        (Role.ADMIN, "POST", "/sign-in-links", {}, 403),
        (Role.OWNER, "POST", "/sign-in-links", {}, 201),
        (Role.ADMIN, "POST", "/backups", None, 403),
        (Role.VIEWER, "GET", "/audit", None, 403),
    ],
)
async def test_roles(
    enter: Enter, role: Role, method: str, path: str, body: object, status: int
) -> None:
    client = await enter(role)
    assert (await client.request(method, path, json=body)).status_code == status


async def test_other_workspaces_do_not_exist(enter: Enter) -> None:
    mine, other = await enter(), await enter()
    base = (await mine.post("/knowledge-bases", json={"name": "mine"})).json()
    made = (
        await mine.post(
            f"/knowledge-bases/{base['id']}/sources",
            json={"kind": "text", "title": "Secret", "text": "Nobody else may read this."},
        )
    ).json()
    assistant = (
        await mine.post("/assistants", json={"name": "A", "knowledge_base_ids": [base["id"]]})
    ).json()
    asked = (await mine.post("/chat", json={"question": "Who may read?", "stream": False})).json()
    for path in (
        f"/knowledge-bases/{base['id']}",
        f"/sources/{made['source']['id']}",
        f"/runs/{made['run']['id']}",
        f"/assistants/{assistant['id']}",
        f"/conversations/{asked['conversation_id']}",
    ):
        assert (await mine.get(path)).status_code == 200, path
        assert (await other.get(path)).status_code == 404, path
        assert (await other.delete(path)).status_code in (404, 405), path
    assert (await other.get(f"/runs/{made['run']['id']}/events")).status_code == 404
    assert (await other.get(f"/runs/{made['run']['id']}/changes")).status_code == 404
    refused = await other.post(
        "/assistants", json={"name": "B", "knowledge_base_ids": [base["id"]]}
    )
    assert refused.status_code == 404
    assert (
        await other.post("/search", json={"query": "read", "knowledge_bases": [base["id"]]})
    ).status_code == 404
    assert (await other.get("/documents")).json()["items"] == []
    assert [one["action"] for one in (await other.get("/audit")).json()["items"]] == []


async def test_a_link_signs_in_once(visitor: httpx.AsyncClient, state: AppState) -> None:
    token = await _link(state)
    shown = await visitor.get("/sign-in", params={"token": token})
    assert shown.status_code == 200
    assert token in shown.text
    assert shown.headers["referrer-policy"] == "same-origin"
    first = await _sign_in(visitor, token)
    assert first.status_code == 303
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    secret = first.cookies[COOKIE]
    async with state.database.reading() as session:
        kept = await session.scalar(
            select(UserSession).where(UserSession.token_hash == hash_secret(secret))
        )
    assert kept is not None
    visitor.cookies.clear()
    again = await _sign_in(visitor, token)
    assert again.status_code == 401
    assert COOKIE not in again.cookies
    signed_in = {"Cookie": f"{COOKIE}={secret}"}
    me = (await visitor.get("/api/v1/users/me", headers=signed_in)).json()
    assert me["user"]["email"] == "ada@example.com"
    await visitor.post("/sign-out", headers=signed_in | SELF)
    assert (await visitor.get("/api/v1/users/me", headers=signed_in)).status_code == 401


async def test_an_old_link_does_not_sign_in(visitor: httpx.AsyncClient, state: AppState) -> None:
    token = await _link(state)
    async with state.database.writing() as session:
        await session.execute(
            update(SignInLink)
            .where(SignInLink.token_hash == hash_secret(token))
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
    assert (await _sign_in(visitor, token)).status_code == 401


async def test_a_new_link_ends_the_one_before(visitor: httpx.AsyncClient, state: AppState) -> None:
    token = await _link(state)
    async with state.database.writing() as session:
        link = await session.scalar(
            select(SignInLink).where(SignInLink.token_hash == hash_secret(token))
        )
        assert link is not None
        newer = await create_link(session, link.user_id)
    assert (await _sign_in(visitor, token)).status_code == 401
    assert (await _sign_in(visitor, newer)).status_code == 303
    visitor.cookies.clear()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SELF, 201),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ],
)
async def test_a_signed_in_browser_writes_from_own_pages_alone(
    visitor: httpx.AsyncClient, state: AppState, headers: dict[str, str], status: int
) -> None:
    secret = (await _sign_in(visitor, await _link(state))).cookies[COOKIE]
    visitor.cookies.clear()
    answer = await visitor.post(
        "/api/v1/knowledge-bases",
        json={"name": "from a browser"},
        headers=headers | {"Cookie": f"{COOKIE}={secret}"},
    )
    assert answer.status_code == status


async def test_signing_in_is_limited_by_rate(visitor: httpx.AsyncClient) -> None:
    statuses = [(await _sign_in(visitor, "guess")).status_code for _ in range(40)]
    assert statuses[-1] == 429
    answer = await _sign_in(visitor, "guess")
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_workspace_keeps_an_owner(enter: Enter, state: AppState) -> None:
    owner = await enter()
    async with state.database.reading() as session:
        user = await first_owner(session, owner.workspace_id)  # type: ignore[attr-defined]
    assert user is not None
    refused = await owner.patch(f"/users/{user.id}", json={"role": "viewer"})
    assert refused.status_code == 409
    assert (await owner.patch(f"/users/{user.id}", json={"disabled": True})).status_code == 409
    made = await owner.post("/users", json={"email": "Bo@example.com", "role": "owner"})
    assert made.status_code == 201
    assert (await owner.patch(f"/users/{user.id}", json={"role": "viewer"})).status_code == 200
