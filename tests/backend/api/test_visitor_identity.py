"""Visitors whom a website names by a signed token, and the limits of a day."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from backend.api import identity_tokens
from backend.api.day_use import DayLimits, DayUse
from backend.api.state import AppState
from knowledge.errors import LimitExceeded
from knowledge.store.queries.visits import Use, use_of
from knowledge.store.tables import Assistant, Role
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITE = "https://www.example.com"
ORIGIN = {"Origin": SITE}


async def _assistant(client: httpx.AsyncClient, **behaviour: Any) -> tuple[str, str, str]:
    """The id, the address of the public side, and the secret of identity tokens."""
    body = {"name": "Shop", "allowed_origins": [SITE], "behaviour": behaviour}
    made = (await client.post("/assistants", json=body)).json()
    secret = await client.post(f"/assistants/{made['id']}/identity-secret")
    assert secret.status_code == 201
    assert secret.json()["secret"] not in (await client.get(f"/assistants/{made['id']}")).text
    return made["id"], f"/api/v1/assistants/{made['public_key']}", secret.json()["secret"]


def _token(secret: str, algorithm: str = "HS256", **claims: Any) -> str:
    """An identity token; ``None`` leaves a claim out."""
    whole = {"sub": "ann", "exp": int(time.time()) + 60, "jti": uuid4().hex} | claims
    return jwt.encode(
        {name: value for name, value in whole.items() if value is not None},
        secret,
        algorithm=algorithm,
    )


async def _session(visitor: httpx.AsyncClient, path: str, token: str) -> dict[str, str]:
    answer = await visitor.post(f"{path}/sessions", json={"token": token}, headers=ORIGIN)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['session']}", **ORIGIN}


async def _ask(
    browser: httpx.AsyncClient, path: str, headers: dict[str, str], **more: Any
) -> httpx.Response:
    body = {"question": "Who may return goods?", "stream": False} | more
    return await browser.post(f"{path}/chat", json=body, headers=headers)


async def test_an_identified_visitor_is_the_same_everywhere(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    assistant, path, secret = await _assistant(client)
    first = await _session(visitor, path, _token(secret))
    asked = (await _ask(visitor, path, first)).json()
    own = f"{path}/conversations/{asked['conversation_id']}"
    again = await _session(visitor, path, _token(secret))
    assert (await visitor.get(own, headers=again)).status_code == 200
    other = await _session(visitor, path, _token(secret, sub="bo"))
    assert (await visitor.get(own, headers=other)).status_code == 404
    # Nobody becomes Ann by writing her name where a browser's secret belongs.
    for pretended in ("ann", "identified ann"):
        header = ORIGIN | {"X-Candor-Visitor": pretended}
        assert (await visitor.get(own, headers=header)).status_code in (404, 422)
    assert (await client.delete(f"/assistants/{assistant}/identity-secret")).status_code == 204
    assert (await visitor.get(own, headers=again)).status_code == 401


async def test_tokens_that_are_not_valid_teach_nothing(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    _, path, secret = await _assistant(client)
    _, _, foreign = await _assistant(client)
    used = _token(secret)
    session = await _session(visitor, path, used)
    head, body, signature = _token(secret).split(".")
    unsigned = jwt.encode({"sub": "ann", "exp": int(time.time()) + 60}, "", algorithm="none")
    refusals = {
        "forged": _token("x" * 43),
        "of another assistant": _token(foreign),
        "expired": _token(secret, exp=int(time.time()) - 120),
        "without an end": _token(secret, exp=None),
        "too long": _token(secret, exp=int(time.time()) + 8 * 86_400),
        "of nobody": _token(secret, sub=None),
        "of an empty name": _token(secret, sub=" "),
        "unsigned": unsigned,
        "another algorithm": _token(secret, "HS384"),
        "another signature's end": f"{head}.{body}.{signature[:-4]}AAAA",
        "used": used,
        "a session": session["Authorization"].removeprefix("Bearer "),
        "no token": "candor",
    }
    told = set()
    for name, token in refusals.items():
        answer = await visitor.post(f"{path}/sessions", json={"token": token}, headers=ORIGIN)
        assert answer.status_code == 401, name
        told.add((answer.json()["detail"], answer.json()["action"]))
    assert len(told) == 1


async def test_a_session_belongs_to_its_origin_and_assistant(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    _, path, secret = await _assistant(client)
    _, other, _ = await _assistant(client)
    session = await _session(visitor, path, _token(secret))
    assert (await _ask(visitor, path, session)).status_code == 200
    assert (await _ask(visitor, other, session)).status_code == 401
    for origin, status in (("http://candor.test", 401), ("https://evil.example", 403)):
        answer = await _ask(visitor, path, session | {"Origin": origin})
        assert answer.status_code == status
    identity = ORIGIN | {"Authorization": f"Bearer {_token(secret)}"}
    assert (await _ask(visitor, path, identity)).status_code == 401


PUBLIC, PRIVATE = PublicFormat.SubjectPublicKeyInfo, PrivateFormat.PKCS8


def _pair(key: Any) -> tuple[str, str]:
    """A private key and its public key, in PEM."""
    private = key.private_bytes(Encoding.PEM, PRIVATE, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.PEM, PUBLIC).decode()


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("EdDSA", Ed25519PrivateKey.generate()),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("RS256", rsa.generate_private_key(65_537, 2048)),
    ],
    ids=["EdDSA", "ES256", "RS256"],
)
async def test_a_website_signs_with_a_key_that_it_keeps_to_itself(
    enter: Enter, visitor: httpx.AsyncClient, algorithm: str, key: Any
) -> None:
    client = await enter(Role.ADMIN)
    assistant, path, secret = await _assistant(client)
    private, public = _pair(key)
    address = f"/assistants/{assistant}/identity-key"
    kept = await client.put(address, json={"public_key": public})
    assert kept.json()["algorithm"] == algorithm
    assert len(kept.json()["fingerprint"]) == 64
    named = await _session(visitor, path, _token(private, algorithm))
    assert (await _ask(visitor, path, named)).status_code == 200
    await _session(visitor, path, _token(secret))  # the secret goes on being good
    stranger, _ = _pair(Ed25519PrivateKey.generate())
    # Who knows the public key alone cannot sign with it as if it were a secret.
    confused = hmac.new(public.strip().encode(), digestmod=hashlib.sha256)
    head, body, _ = _token("x" * 32).split(".")
    confused.update(f"{head}.{body}".encode())
    forged = f"{head}.{body}.{urlsafe_b64encode(confused.digest()).decode().rstrip('=')}"
    for token in (_token(stranger, "EdDSA"), forged):
        answer = await visitor.post(f"{path}/sessions", json={"token": token}, headers=ORIGIN)
        assert answer.status_code == 401
    assert (await client.delete(address)).status_code == 204
    assert (await _ask(visitor, path, named)).status_code == 401
    answer = await visitor.post(
        f"{path}/sessions", json={"token": _token(private, algorithm)}, headers=ORIGIN
    )
    assert answer.status_code == 401


async def test_keys_that_are_not_taken(enter: Enter) -> None:
    client = await enter(Role.ADMIN)
    assistant, _, _ = await _assistant(client)
    address = f"/assistants/{assistant}/identity-key"
    private, public = _pair(Ed25519PrivateKey.generate())
    for key in (
        private,
        "a secret",
        _pair(rsa.generate_private_key(65_537, 1024))[1],
        _pair(ec.generate_private_key(ec.SECP384R1()))[1],
    ):
        refused = await client.put(address, json={"public_key": key})
        assert refused.status_code == 422
        assert "Ed25519" in refused.json()["action"]
    editor = await enter(Role.EDITOR, beside=client)
    stranger = await enter(Role.ADMIN)
    for other, status in ((editor, 403), (stranger, 404)):
        assert (await other.put(address, json={"public_key": public})).status_code == status
        assert (await other.delete(address)).status_code == status


async def test_sessions_of_those_whom_nobody_names(
    enter: Enter, visitor: httpx.AsyncClient, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await enter()
    assistant, path, _ = await _assistant(client)
    _, other, _ = await _assistant(client)

    async def begun(address: str, origin: str) -> str:
        profile = (await visitor.get(address, headers={"Origin": origin})).json()
        token: str = profile["session"]["token"]
        return token

    async with state.database.reading() as session:
        row = await session.get_one(Assistant, UUID(assistant))
    monkeypatch.setattr(identity_tokens, "SESSION_LIFETIME", timedelta(minutes=-1))
    over = identity_tokens.make_session(row, None, SITE)
    monkeypatch.undo()
    for token in (
        await begun(other, SITE),
        await begun(path, "http://candor.test"),
        over,
        "a.b.c",
    ):
        answer = await _ask(visitor, path, ORIGIN | {"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    good = ORIGIN | {"Authorization": f"Bearer {await begun(path, SITE)}"}
    assert (await _ask(visitor, path, good)).status_code == 200
    none = visitor.build_request(
        "POST", f"{path}/chat", json={"question": "Who?"}, headers=ORIGIN | {"Authorization": "-"}
    )
    assert (await visitor.send(none)).status_code == 401
    change = {"behaviour": {"anonymous": False}}
    assert (await client.patch(f"/assistants/{assistant}", json=change)).is_success
    assert (await _ask(visitor, path, good)).status_code == 401
    assert (await visitor.get(path, headers=ORIGIN)).json()["session"] is None


async def test_anonymous_off_refuses_everywhere(enter: Enter, visitor: httpx.AsyncClient) -> None:
    client = await enter()
    _, path, secret = await _assistant(client, anonymous=False, handoff={"enabled": True})
    assert (await visitor.get(path, headers=ORIGIN)).json()["anonymous"] is False
    some, named = str(uuid4()), {"visitor": "secret-1"}
    event = {"message_id": some, "kind": "dwell"}
    judged = {"conversation_id": some, "message_id": some, "helpful": True}
    for method, address, body in (
        ("POST", "/chat", named | {"question": "Who?"}),
        ("POST", "/leads", named | {"email": "a@example.com"}),
        ("POST", "/handoffs", named),
        ("POST", "/events", named | {"events": [event]}),
        ("POST", "/feedback", named | judged),
        ("GET", f"/conversations/{some}", None),
        ("DELETE", f"/conversations/{some}", None),
        ("GET", f"/handoffs/{some}/events", None),
        ("POST", f"/handoffs/{some}/messages", named | {"text": "x"}),
        ("POST", f"/handoffs/{some}/close", None),
    ):
        answer = await visitor.request(
            method, path + address, json=body, headers=ORIGIN | {"X-Candor-Visitor": "secret-1"}
        )
        assert answer.status_code == 401, address
    assert (await _ask(visitor, path, await _session(visitor, path, _token(secret)))).is_success


async def test_a_body_over_the_limit_is_refused(enter: Enter, visitor: httpx.AsyncClient) -> None:
    _, path, _ = await _assistant(await enter())
    large = await _ask(visitor, path, ORIGIN, question="x" * 1_100_000)
    assert large.status_code == 413
    assert (await _ask(visitor, path, ORIGIN, question="x" * 20_001)).status_code == 422


async def test_the_day_has_an_end(
    enter: Enter, visitor: httpx.AsyncClient, state: AppState
) -> None:
    client = await enter()
    assistant, path, _ = await _assistant(client, limits={"visitor_questions": 2, "questions": 3})
    statuses = [
        (await _ask(visitor, path, ORIGIN, visitor=name)).status_code
        for name in ("one", "one", "one", "two", "two")
    ]
    assert statuses == [200, 200, 429, 200, 429]
    refused = await _ask(visitor, path, ORIGIN, visitor="three")
    assert int(refused.headers["retry-after"]) >= 1
    assert "tomorrow" in refused.json()["action"]
    await state.day_use.close()
    async with state.database.reading() as session:
        today = datetime.now(UTC).date()
        assert await use_of(session, UUID(assistant), today) == Use(questions=3)


async def test_tokens_of_a_day_and_a_new_day(enter: Enter, state: AppState) -> None:
    made = (await (await enter()).post("/assistants", json={"name": "Shop"})).json()
    now = datetime(2026, 5, 1, 23, 59, tzinfo=UTC)
    first, second = (DayUse(lambda: now) for _ in range(2))
    limits = DayLimits(tokens=100)
    assistant = UUID(made["id"])
    await first.take(state.database, assistant, "ann", "192.0.2.1", limits)
    first.add(state.database, assistant, Use(tokens=100))
    with pytest.raises(LimitExceeded) as reached:
        await first.take(state.database, assistant, "ann", "192.0.2.1", limits)
    assert reached.value.retry_after == 60
    await first.close()
    with pytest.raises(LimitExceeded):  # another process, after the first has written it down
        await second.take(state.database, assistant, "bo", "192.0.2.2", limits)
    now += timedelta(minutes=2)
    await second.take(state.database, assistant, "bo", "192.0.2.2", limits)
    await second.close()
