"""What visitors are refused: from nowhere, too often, too much; and what the log says of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from backend.api.day_use import DayLimits, DayUse
from backend.api.limits import Limits, RateLimit
from backend.api.state import AppState
from knowledge.errors import LimitExceeded
from knowledge.store.queries.limit_uses import Bucket, count_up, forget_past_uses, take_tokens
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITE = "https://www.example.com"


async def _assistant(client: httpx.AsyncClient) -> str:
    """The address of an assistant's public side."""
    behaviour = {"leads": {"when": ["abstained"]}, "handoff": {"enabled": True}}
    body = {"name": "Shop", "allowed_origins": [SITE], "behaviour": behaviour}
    made = (await client.post("/assistants", json=body)).json()
    return f"/api/v1/assistants/{made['public_key']}"


def _from(visitor: httpx.AsyncClient, method: str, path: str, **headers: str) -> httpx.Request:
    """A request with these headers and no ``Origin``."""
    body = {"question": "Who?", "stream": False} if method == "POST" else None
    nowhere = {"from nowhere": True}
    return visitor.build_request(method, path, json=body, headers=headers, extensions=nowhere)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 403),
        ("POST", {}, 403),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", {"Referer": "http://candor.test/a/pk_some"}, 200),
        ("GET", {"Referer": "https://evil.example/"}, 403),
        ("GET", {"Referer": "http://candor.test/", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_a_request_from_no_page_is_refused(
    enter: Enter, visitor: httpx.AsyncClient, method: str, headers: dict[str, str], status: int
) -> None:
    path = await _assistant(await enter())
    address = f"{path}/chat" if method == "POST" else path
    answer = await visitor.send(_from(visitor, method, address, **headers))
    assert answer.status_code == status
    if status == 403:
        assert "/api/v1/chat" in answer.json()["action"]


LIMITED: list[tuple[str, str, dict[str, Any]]] = [
    ("chat_by_visitor", "/chat", {"question": "Who?", "stream": False, "visitor": "one"}),
    ("chat_by_address", "/chat", {"question": "Who?", "stream": False}),
    ("chat_by_assistant", "/chat", {"question": "Who?", "stream": False}),
    ("sessions", "/sessions", {"token": "forged"}),
    ("leads", "/leads", {"email": "ann@example.com"}),
    ("handoff_messages", f"/handoffs/{uuid4()}/messages", {"text": "x", "visitor": "one"}),
]


@pytest.mark.parametrize(("limit", "address", "body"), LIMITED, ids=[one[0] for one in LIMITED])
async def test_limits_of_a_minute(
    enter: Enter,
    visitor: httpx.AsyncClient,
    state: AppState,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    address: str,
    body: dict[str, Any],
) -> None:
    path = await _assistant(await enter())
    monkeypatch.setattr(state.limits, limit, RateLimit(limit, 6, 2, "Too much."))
    with capture_logs() as lines:
        answers = [await visitor.post(path + address, json=body) for _ in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    (signal,) = [line for line in lines if line.get("why") == "limit"]
    assert (signal["event"], signal["limit"]) == ("visitor_refused", limit)
    if limit == "chat_by_visitor":  # nobody else waits for this one
        other = await visitor.post(path + address, json=body | {"visitor": "two"})
        assert other.status_code == 200


async def test_signs_of_abuse_name_nobody(
    enter: Enter, visitor: httpx.AsyncClient, state: AppState
) -> None:
    path = await _assistant(await enter())
    ask = {"question": "My name is Ann", "visitor": "secret-1"}
    with capture_logs() as lines:
        forged = {"Authorization": "Bearer a.b.c"}
        evil = forged | {"Origin": "https://evil.example"}
        await visitor.post(f"{path}/chat", json=ask, headers=evil)
        await visitor.post(f"{path}/sessions", json={"token": "a.b.c"})
        await visitor.post(f"{path}/chat", json=ask, headers=forged)
        await visitor.send(_from(visitor, "POST", f"{path}/chat"))
        await visitor.post(f"{path}/chat", json=ask | {"question": "x" * 1_100_000})
    signals = [line for line in lines if line["event"] == "visitor_refused"]
    assert [one["why"] for one in signals] == ["origin", "identity", "session", "no_origin", "body"]
    assert len({one["source"] for one in signals}) == 1
    told = str(signals)
    for personal in ("192.0.2.", "secret-1", "Ann", "a.b.c"):
        assert personal not in told
    counted = state.metrics.text().decode()
    for why in {one["why"] for one in signals}:
        assert f'candor_visitor_refusals_total{{why="{why}"}}' in counted


async def test_a_body_that_does_not_say_how_long_it_is(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    path = await _assistant(await enter())
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"question": "'
        while sent < 5_000_000:
            sent += 100_000
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    answer = await visitor.post(f"{path}/chat", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent < 2_000_000  # nobody reads on


async def test_processes_count_together(state: AppState) -> None:
    one, other = (Limits(chats=60, shared=state.database) for _ in range(2))
    key = uuid4().hex
    for turn in range(30):  # a bucket of 30
        process = (one, other)[turn % 2]
        await process.take((process.chat_by_address, key))
    with pytest.raises(LimitExceeded) as reached:
        await other.take((other.public_reads, key), (other.chat_by_address, key))
    assert reached.value.limit == "chat_by_address"
    assert 0 < (reached.value.retry_after or 0) <= 1
    await other.take((other.chat_by_address, uuid4().hex))


async def test_days_are_counted_together_where_processes_share_a_database(
    enter: Enter, state: AppState
) -> None:
    made = (await (await enter()).post("/assistants", json={"name": "Shop"})).json()
    assistant = UUID(made["id"])
    one, other = DayUse(), DayUse()
    limits = DayLimits(visitor_questions=2)
    for use in (one, other):
        await use.take(state.database, assistant, "ann", "192.0.2.1", limits)
    if state.database.is_sqlite:  # a folder has one process
        await other.take(state.database, assistant, "ann", "192.0.2.1", limits)
    with pytest.raises(LimitExceeded):
        await other.take(state.database, assistant, "ann", "192.0.2.1", limits)
    await other.take(state.database, assistant, "bo", "192.0.2.1", limits)
    for use in (one, other):
        await use.close()


async def test_a_bucket_fills_up_again_and_is_forgotten(state: AppState) -> None:
    bucket, now = Bucket(uuid4().hex, per_second=0.5, burst=2), time.time()
    async with state.database.writing() as session:
        waits = [
            await take_tokens(session, [bucket], at) for at in (now, now, now, now + 2, now + 2)
        ]
        assert [wait and round(wait.seconds, 3) for wait in waits] == [None, None, 2, None, 2]
        name = uuid4().hex
        counted = [await count_up(session, name, 2, now + 60) for _ in range(3)]
        assert counted == [True, True, False]
        assert not await count_up(session, uuid4().hex, 0, now + 60)
        await forget_past_uses(session, now + 61)
        assert await count_up(session, name, 2, now + 120)
