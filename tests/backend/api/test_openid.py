"""Signing in at an OpenID provider: who comes in, as whom, and which answers are refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey

from backend.api.access import COOKIE
from backend.api.openid import Attempt, OpenIdProvider, OpenIdSettings
from backend.api.state import AppState
from backend.app import create_app
from backend.main import _make_worker
from backend.services import Parts, open_parts
from knowledge.errors import InvalidSettings, SiteUnavailable
from knowledge.settings import Settings
from knowledge.store.queries.people import create_user, users_by_email
from knowledge.store.tables import Role, utc_now
from tests.fakes import HashingEncoder
from tests.openid_provider import CLIENT, SECRET, OpenIdServer, openid_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenIdServer]:
    with openid_server() as server:
        yield server


@pytest.fixture
def provider(listening: OpenIdServer) -> OpenIdServer:
    listening.claims, listening.key = {}, listening.published
    return listening


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def state(
    listening: OpenIdServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AppState]:
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        oidc_issuer=listening.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_domains="staff.example, other.example",
    )
    async with open_parts(Parts(settings, _make_worker, lambda _: HashingEncoder())) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def browser(state: AppState) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that follows no redirect by itself."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[AppState]:
        yield state

    app = create_app(opened, with_console=False)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=(f"192.0.2.{id(app) % 250}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://candor.test") as client:
            yield client
    state.limits.sign_in._buckets.clear()


async def _leave(browser: httpx.AsyncClient) -> str:
    """Where the provider sends the browser back to."""
    away = await browser.get("/sign-in/openid", params={"to": "/console/documents?q=a.b"})
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(away.headers["location"])
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def _sign_in(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get(await _leave(browser))


async def _user(state: AppState, email: str, disabled: bool = False) -> None:
    async with state.database.writing() as session:
        user = await create_user(session, state.workspace_id, email, "", Role.EDITOR)
        user.disabled_at = utc_now() if disabled else None


async def test_a_known_address_comes_in_with_its_role(
    browser: httpx.AsyncClient, provider: OpenIdServer, state: AppState
) -> None:
    await _user(state, "Known@shop.example")
    provider.claims = {"email": "known@shop.example", "sub": "known"}
    answer = await _sign_in(browser)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/documents?q=a.b"
    me = (await browser.get("/api/v1/users/me")).json()
    assert (me["actor"], me["role"]) == ("Known@shop.example", "editor")
    # From now on the account counts: its address may change at the provider.
    browser.cookies.clear()
    provider.claims = {"email": "renamed@elsewhere.example", "sub": "known"}
    assert (await _sign_in(browser)).status_code == 303
    assert (await browser.get("/api/v1/users/me")).json()["actor"] == "Known@shop.example"


async def test_an_allowed_domain_makes_a_viewer(
    browser: httpx.AsyncClient, provider: OpenIdServer, state: AppState
) -> None:
    provider.claims = {"email": "new@staff.example", "sub": "new", "name": "New"}
    assert (await _sign_in(browser)).status_code == 303
    async with state.database.reading() as session:
        (user,) = await users_by_email(session, "new@staff.example")
    assert (user.role, user.name, user.workspace_id) == (Role.VIEWER, "New", state.workspace_id)


@pytest.mark.parametrize(
    ("claims", "status", "words"),
    [
        ({"email": "who@else.example"}, 403, "no account for who@else.example"),
        ({"email": "x@staff.example.evil"}, 403, "no account"),
        ({"email": "locked@staff.example"}, 403, "no account"),
        ({"email": "y@staff.example", "email_verified": False}, 403, "does not confirm an e-mail"),
        ({"email": ""}, 403, "does not confirm an e-mail"),
        ({"email": "y@staff.example", "aud": "another"}, 401, "did not confirm"),
        ({"email": "y@staff.example", "iss": "https://evil.example"}, 401, "did not confirm"),
        ({"email": "y@staff.example", "nonce": "old"}, 401, "did not confirm"),
        ({"email": "y@staff.example", "exp": int(time.time()) - 900}, 401, "did not confirm"),
        ({"email": "y@staff.example", "azp": "another"}, 401, "confirmed another application"),
    ],
)
async def test_who_is_refused(
    browser: httpx.AsyncClient,
    provider: OpenIdServer,
    state: AppState,
    claims: dict[str, Any],
    status: int,
    words: str,
) -> None:
    async with state.database.reading() as session:
        known = await users_by_email(session, "locked@staff.example")
    if not known:
        await _user(state, "locked@staff.example", disabled=True)
    provider.claims = {"sub": str(claims)} | claims
    answer = await _sign_in(browser)
    assert answer.status_code == status
    assert words in answer.text
    assert COOKIE not in answer.cookies


async def test_a_token_that_another_key_signed_is_refused(
    browser: httpx.AsyncClient, provider: OpenIdServer
) -> None:
    provider.claims = {"email": "z@staff.example", "sub": "z"}
    provider.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    assert (await _sign_in(browser)).status_code == 401


@pytest.mark.parametrize("spoiled", ["state", "code", "cookie", "verifier", "twice", "error"])
async def test_an_answer_is_good_for_its_own_attempt_once(
    browser: httpx.AsyncClient, provider: OpenIdServer, spoiled: str
) -> None:
    provider.claims = {"email": "q@staff.example", "sub": "q"}
    back = await _leave(browser)
    given = {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}
    kept = browser.cookies["candor_openid"]
    if spoiled in given:
        given[spoiled] = "made-up"
    elif spoiled == "cookie":
        browser.cookies.clear()
    elif spoiled == "verifier":
        state, nonce, _ = kept.split(".", 2)
        browser.cookies.clear()
        browser.cookies.set("candor_openid", f"{state}.{nonce}.made-up.%2Fconsole%2F")
    elif spoiled == "error":
        given = {"error": "access_denied", "state": given["state"]}
    else:
        assert (await browser.get(back)).status_code == 303
        browser.cookies.clear()
        browser.cookies.set("candor_openid", kept)
    answer = await browser.get("/sign-in/openid/back", params=given)
    assert answer.status_code == 401
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/console/\\x", "/a"])
async def test_signing_in_leads_to_own_pages_alone(
    browser: httpx.AsyncClient, provider: OpenIdServer, to: str
) -> None:
    provider.claims = {"email": "w@staff.example", "sub": "w"}
    away = await browser.get("/sign-in/openid", params={"to": to})
    async with httpx.AsyncClient() as outside:
        back = (await outside.get(away.headers["location"])).headers["location"]
    assert (await browser.get(back)).headers["location"] == "/console/"


async def test_a_provider_that_is_down_is_said_to_be() -> None:
    provider = OpenIdProvider(OpenIdSettings("http://127.0.0.1:9", CLIENT, SECRET))
    with pytest.raises(SiteUnavailable, match="does not answer as an OpenID provider"):
        await provider.address(Attempt.new(), "http://candor.test/back")


@pytest.mark.parametrize(
    ("issuer", "client"), [("http://login.example", CLIENT), ("https://login.example", "")]
)
async def test_settings_that_cannot_work_are_refused(issuer: str, client: str) -> None:
    with pytest.raises(InvalidSettings, match="CANDOR_OIDC"):
        OpenIdProvider(OpenIdSettings(issuer, client, SECRET))
