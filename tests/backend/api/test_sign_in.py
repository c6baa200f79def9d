"""Passwords: setting them, signing in with them, and how long guessing takes."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import update

from backend.api.access import COOKIE
from backend.api.state import AppState
from knowledge.errors import LimitExceeded
from knowledge.store.queries.attempts import (
    ACCOUNT_TRIES,
    ADDRESS_TRIES,
    Counted,
    begin_attempt,
    forgive,
    wait_after,
)
from knowledge.store.queries.credentials import create_link
from knowledge.store.queries.people import create_workspace, find_user_by_email
from knowledge.store.tables import SignInAttempts, User, utc_now

pytestmark = pytest.mark.asyncio(loop_scope="module")
SELF = {"Origin": "http://candor.test"}
GOOD = "lamps that nobody connects"
_numbers = itertools.count()


class Owner:
    """An owner with a browser, in a workspace of their own."""

    def __init__(self, state: AppState, browser: httpx.AsyncClient, user: User) -> None:
        self.state, self.browser, self.user = state, browser, user

    async def link(self, password: str = "") -> httpx.Response:
        async with self.state.database.writing() as session:
            token = await create_link(session, self.user.id)
        return await self.post(token=token, password=password)

    async def enter(self, password: str, email: str = "") -> httpx.Response:
        return await self.post(email=email or self.user.email, password=password)

    async def post(self, **form: str) -> httpx.Response:
        self.browser.cookies.clear()
        self.state.limits.sign_in._buckets.clear()
        return await self.browser.post("/sign-in", data=form, headers=SELF)

    async def me(self) -> httpx.Response:
        return await self.browser.get("/api/v1/users/me")

    async def set_password(self, new: str, current: str = "") -> httpx.Response:
        body = {"current": current, "new": new}
        return await self.browser.put("/api/v1/users/me/password", json=body, headers=SELF)


@pytest_asyncio.fixture(loop_scope="module")
async def owner(state: AppState, visitor: httpx.AsyncClient) -> AsyncIterator[Owner]:
    async with state.database.writing() as session:
        _, user = await create_workspace(session, "own", f"ada{next(_numbers)}@example.com")
    yield Owner(state, visitor, user)


async def test_a_link_sets_a_password_and_the_password_signs_in(owner: Owner) -> None:
    assert (await owner.link(GOOD)).status_code == 303
    me = (await owner.me()).json()
    assert me["has_password"] is True
    answer = await owner.enter(GOOD, email=owner.user.email.upper())
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/"
    assert (await owner.me()).json()["actor"] == owner.user.email
    async with owner.state.database.reading() as session:
        kept = await find_user_by_email(session, owner.user.workspace_id, owner.user.email)
    assert kept.password_hash.startswith("$argon2id$")
    audit = (await owner.browser.get("/api/v1/audit")).json()["items"]
    assert [one["action"] for one in audit] == ["session.create", "session.create", "password.set"]


async def test_a_link_resets_a_password_and_ends_every_other_session(owner: Owner) -> None:
    await owner.link(GOOD)
    before = owner.browser.cookies[COOKIE]
    assert (await owner.link("other words to remember")).status_code == 303
    assert (await owner.enter(GOOD)).status_code == 401
    assert (await owner.enter("other words to remember")).status_code == 303
    owner.browser.cookies.set(COOKIE, before, domain="candor.test")
    owner.browser.cookies.clear()
    ended = {"Cookie": f"{COOKIE}={before}"}
    assert (await owner.browser.get("/api/v1/users/me", headers=ended)).status_code == 401


@pytest.mark.parametrize("bad", ["short", "aaaaaaaaaaaa", "x" * 201])
async def test_a_weak_password_uses_no_link_up(owner: Owner, bad: str) -> None:
    async with owner.state.database.writing() as session:
        token = await create_link(session, owner.user.id)
    refused = await owner.post(token=token, password=bad)
    assert refused.status_code == 401
    assert token in refused.text
    assert (await owner.post(token=token, password=GOOD)).status_code == 303


async def test_a_password_is_changed_by_who_knows_it(owner: Owner) -> None:
    await owner.link()
    assert (await owner.set_password("short")).status_code == 422
    assert (await owner.set_password(GOOD)).status_code == 204
    assert (await owner.set_password("other words to remember")).status_code == 403
    assert (await owner.set_password("other words to remember", GOOD)).status_code == 204
    assert (await owner.enter(GOOD)).status_code == 401


async def test_unknown_and_wrong_look_the_same(owner: Owner) -> None:
    await owner.link(GOOD)
    wrong = await owner.enter("not the password")
    unknown = await owner.enter("not the password", email="nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace(owner.user.email, "") == unknown.text.replace(
        "nobody@example.com", ""
    )
    assert "not the password" not in wrong.text


async def test_guessing_waits_and_a_link_does_not(owner: Owner) -> None:
    await owner.link(GOOD)
    for _ in range(ACCOUNT_TRIES):
        assert (await owner.enter("a wrong guess")).status_code == 401
    refused = await owner.enter(GOOD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 1
    assert "Try again in" in refused.text
    async with owner.state.database.writing() as session:
        await session.execute(
            update(SignInAttempts).values(last_at=utc_now() - timedelta(minutes=16))
        )
    assert (await owner.enter(GOOD)).status_code == 303
    for _ in range(ACCOUNT_TRIES):
        await owner.enter("a wrong guess")
    assert (await owner.link()).status_code == 303


async def test_a_user_who_is_locked_out_has_no_password(owner: Owner) -> None:
    await owner.link(GOOD)
    async with owner.state.database.writing() as session:
        await session.execute(
            update(User).where(User.id == owner.user.id).values(disabled_at=utc_now())
        )
    assert (await owner.enter(GOOD)).status_code == 401


async def test_two_workspaces_know_one_address(
    owner: Owner, state: AppState, visitor: httpx.AsyncClient
) -> None:
    await owner.link(GOOD)
    async with state.database.writing() as session:
        _, user = await create_workspace(session, "other", owner.user.email)
    other = Owner(state, visitor, user)
    await other.link("the other workspace's words")
    for words, user in ((GOOD, owner.user), ("the other workspace's words", other.user)):
        assert (await owner.enter(words)).status_code == 303
        assert (await owner.me()).json()["workspace_id"] == str(user.workspace_id)


async def test_sessions_are_listed_and_ended(owner: Owner) -> None:
    await owner.link(GOOD)
    other = {"Cookie": f"{COOKIE}={owner.browser.cookies[COOKIE]}"}
    await owner.enter(GOOD)
    listed = (await owner.browser.get("/api/v1/sessions")).json()
    assert sorted(one["current"] for one in listed) == [False, True]
    answer = await owner.browser.delete("/api/v1/sessions", headers=SELF)
    assert answer.status_code == 204
    assert len((await owner.browser.get("/api/v1/sessions")).json()) == 1
    owner_path = f"/api/v1/users/{owner.user.id}/sessions"
    assert (await owner.browser.delete(owner_path, headers=SELF)).status_code == 204
    assert (await owner.me()).status_code == 401
    owner.browser.cookies.clear()
    assert (await owner.browser.get("/api/v1/users/me", headers=other)).status_code == 401


async def test_a_stranger_signs_nobody_out(owner: Owner, state: AppState) -> None:
    await owner.link(GOOD)
    async with state.database.writing() as session:
        _, user = await create_workspace(session, "strange", "stranger@example.com")
    path = f"/api/v1/users/{user.id}/sessions"
    assert (await owner.browser.delete(path, headers=SELF)).status_code == 404


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 30), (6, 60), (9, 480), (10, 900), (10_000, 900)]
)
async def test_waits_double_up_to_a_quarter_of_an_hour(failures: int, seconds: int) -> None:
    assert wait_after(failures, ACCOUNT_TRIES).total_seconds() == seconds


async def test_one_address_tries_many_accounts_slowly(state: AppState) -> None:
    address = Counted.address("198.51.100.7")
    for number in range(ADDRESS_TRIES):
        async with state.database.writing() as session:
            await begin_attempt(session, [Counted.account(f"{number}@a.example"), address])
    last = Counted.account("last@a.example")
    with pytest.raises(LimitExceeded):
        async with state.database.writing() as session:
            await begin_attempt(session, [last, address])
    async with state.database.writing() as session:
        await forgive(session, last, address)
    # A success takes back itself alone, so the next but one waits again.
    async with state.database.writing() as session:
        await begin_attempt(session, [last, address])
    with pytest.raises(LimitExceeded):
        async with state.database.writing() as session:
            await begin_attempt(session, [last, address])
