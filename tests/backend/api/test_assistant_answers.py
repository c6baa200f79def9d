"""What writes an assistant's answers: its own language model, its threshold, tried beforehand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from backend.api.schemas.handoff_rules import HandoffHours
from backend.api.state import AppState
from backend.chat.language_models import LanguageModels, ModelAccess, ModelChoice, origin_of
from backend.chat.llm import LanguageModel, ModelSettings
from ingestion.address_guard import AddressGuard
from knowledge.store.query_sets import add_queries, create_query_set
from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.chat.openai_server import OpenAIServer
from tests.filled import SHOP, FilledKnowledgeBase

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKED = {"question": "When is a refund paid?", "visitor": "secret-1", "stream": False}


@pytest_asyncio.fixture(loop_scope="module")
async def endpoint() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as running:
        running.say("A refund is paid within ten days of the return [1].")
        yield running


@pytest.fixture
def chat(state: AppState, endpoint: OpenAIServer) -> Iterator[AppState]:
    """The server has a key for the endpoint, and its guard lets 127.0.0.1 through by that name."""
    before = state.chat.models
    guard = AddressGuard(("127.0.0.1",))
    access = ModelAccess({origin_of(endpoint.url): "own-key"}, guard.addresses, timeout_s=20.0)
    state.chat.models = LanguageModels(None, access)
    yield state
    state.chat.models = before


async def _base(client: httpx.AsyncClient, state: AppState) -> str:
    """A filled knowledge base of the client's workspace."""
    made = FilledKnowledgeBase(state.database, state.index, state.encoder)
    made.workspace_id = client.workspace_id  # type: ignore[attr-defined]
    base = (await client.post("/knowledge-bases", json={"name": "shop"})).json()["id"]
    made.knowledge_base_id = UUID(base)
    source = {"kind": "text", "title": "seed", "text": "seed"}
    row = (await client.post(f"/knowledge-bases/{base}/sources", json=source)).json()
    made.source_id = UUID(row["source"]["id"])
    await made.add(*SHOP)
    return str(base)


async def _assistant(client: httpx.AsyncClient, base: str, **behaviour: Any) -> dict[str, Any]:
    body = {"name": "Shop", "knowledge_base_ids": [base], "behaviour": behaviour}
    made = await client.post("/assistants", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_an_assistant_answers_with_its_own_model(
    enter: Enter, visitor: httpx.AsyncClient, chat: AppState, endpoint: OpenAIServer
) -> None:
    client = await enter()
    base = await _base(client, chat)
    own = {"use": "own", "model": "scripted-7", "base_url": endpoint.url, "answer_tokens": 64}
    made = await _assistant(client, base, model=own)
    path = f"/api/v1/assistants/{made['public_key']}"
    told = (await visitor.post(f"{path}/chat", json=ASKED)).json()
    assert told["answer"] == "A refund is paid within ten days of the return."
    assert told["model"] == "scripted-7"
    assert endpoint.keys == ["bearer own-key"]
    assert endpoint.requests[-1]["model"] == "scripted-7"
    assert endpoint.requests[-1]["max_tokens"] == 64
    state = (await client.get(f"/assistants/{made['id']}/language-model")).json()
    assert state == {"model": "scripted-7", "endpoint": endpoint.url, "key": True}
    tried = await client.post(f"/assistants/{made['id']}/language-model/try", json=own)
    assert tried.json()["said"].startswith("A refund is paid")

    # The server's own model gives way to quoted sentences where an assistant asks for them.
    standard = ModelSettings("openai", "standard-1", base_url=endpoint.url, api_key="server-key")
    chat.chat.language_model = LanguageModel(standard)
    try:
        quoting = await _assistant(client, base, model={"use": "none"})
        plain = await _assistant(client, base)
        for one, writer in ((quoting, "extractive"), (plain, "standard-1")):
            told = await visitor.post(f"/api/v1/assistants/{one['public_key']}/chat", json=ASKED)
            assert told.json()["model"] == writer
    finally:
        chat.chat.language_model = None


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"use": "own"}, "has no name"),
        ({"use": "own", "model": "m", "base_url": "ftp://a.example"}, "not the address"),
        ({"use": "own", "model": "m", "base_url": "http://u:p@a.example/v1"}, "not the address"),
        ({"use": "own", "model": "m", "base_url": "http://localhost:9/v1"}, "private address"),
        ({"use": "own", "model": "m", "base_url": "http://10.1.2.3/v1"}, "private address"),
        (
            {"use": "own", "provider": "anthropic", "model": "m", "base_url": "https://a.example"},
            "OpenAI-compatible models alone",
        ),
        ({"use": "own", "model": "m", "answer_tokens": 3}, "0 or at least 16"),
        ({"use": "guess"}, "own"),
        ({"use": "own", "model": "m", "api_key": "secret"}, "api_key"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_refused(
    enter: Enter, chat: AppState, model: dict[str, Any], words: str
) -> None:
    client = await enter()
    body = {"name": "Shop", "behaviour": {"model": model}}
    refused = await client.post("/assistants", json=body)
    assert refused.status_code == 422
    assert words in refused.text
    made = (await client.post("/assistants", json={"name": "Shop"})).json()
    change = await client.patch(f"/assistants/{made['id']}", json={"behaviour": {"model": model}})
    assert change.status_code == 422


async def test_a_key_goes_to_its_own_endpoint_alone(endpoint: OpenAIServer) -> None:
    origin = origin_of(endpoint.url)
    assert origin_of("HTTPS://API.Example.com:443/v1") == "https://api.example.com"
    standard = ModelSettings("openai", "m", base_url="https://llm.example/v1", api_key="server-key")
    models = LanguageModels(standard, ModelAccess({"https://api.openai.com": "openai-key"}))
    keys = {
        choice: models.of(choice).settings.api_key
        for choice in (
            ModelChoice("openai", "a"),
            ModelChoice("openai", "a", "https://llm.example/other"),
            ModelChoice("openai", "a", f"{origin}/v1"),
            ModelChoice("openai", "a", "https://api.openai.com.evil.example/v1"),
            ModelChoice("anthropic", "a"),
        )
    }
    assert list(keys.values()) == ["openai-key", "server-key", "", "", ""]
    assert models.of(ModelChoice("openai", "a")) is models.of(ModelChoice("openai", "a"))


async def test_a_threshold_shows_its_effect_and_holds(
    enter: Enter, visitor: httpx.AsyncClient, chat: AppState
) -> None:
    client = await enter()
    base = await _base(client, chat)
    made = await _assistant(client, base)
    questions = ["When is a refund paid?", "Which bulb does the desk lamp take?", "Who is Hamlet?"]
    async with chat.database.writing() as session:
        chosen = await create_query_set(session, UUID(base), "asked")
        await add_queries(session, chosen.id, [(one, {}) for one in questions])
    path = f"/assistants/{made['id']}/answer-threshold/try"
    body = {"query_set": str(chosen.id), "confidence": 1.0}
    told = (await client.post(path, json=body)).json()
    assert told["questions"] == 3
    assert told["answered_then"] == 0
    assert told["answered_now"] == len(told["changed"]) >= 1
    assert not any(one["answered"] for one in told["changed"])

    public = f"/api/v1/assistants/{made['public_key']}/chat"
    asked = ASKED | {"question": told["changed"][0]["question"]}
    assert (await visitor.post(public, json=asked)).json()["abstained"] is False
    change = {"behaviour": {"answers": {"confidence": 1.0}}}
    await client.patch(f"/assistants/{made['id']}", json=change)
    assert (await visitor.post(public, json=asked)).json()["abstained"] is True

    stranger = await enter()
    elsewhere = await _assistant(stranger, (await _base(stranger, chat)))
    for asking, place, status in (
        (stranger, path, 404),  # somebody else's assistant
        (stranger, f"/assistants/{elsewhere['id']}/answer-threshold/try", 404),  # and query set
        (await enter(Role.VIEWER, client), path, 403),
    ):
        assert (await asking.post(place, json=body)).status_code == status
    tries = f"/assistants/{made['id']}/language-model/try"
    assert (await stranger.post(tries, json={})).status_code == 404
    assert (await (await enter(Role.EDITOR, client)).post(tries, json={})).status_code == 403
    assert (await client.post(tries, json={})).status_code == 409  # answers are quoted
    assert (await stranger.get(f"/assistants/{made['id']}/language-model")).status_code == 404


@pytest.mark.parametrize(
    ("moment", "open_now"),
    [
        ("2026-03-02T08:30", True),  # a Monday, half past nine in Berlin
        ("2026-03-02T07:59", False),
        ("2026-03-02T16:00", False),  # five o'clock is closed
        ("2026-07-06T07:00", True),  # nine in summer time
        ("2026-03-07T10:00", False),  # a Saturday
    ],
)
async def test_hours_are_those_of_their_time_zone(moment: str, open_now: bool) -> None:
    week = {"days": ["mon", "tue", "wed", "thu", "fri"], "opens": "09:00", "closes": "17:00"}
    hours = HandoffHours.model_validate({"time_zone": "Europe/Berlin", "times": [week]})
    assert hours.are_on(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is open_now
    assert HandoffHours().are_on(datetime.now(UTC))


async def test_outside_their_hours_nobody_is_there(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    now = datetime.now(UTC)
    other_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(now.weekday() + 3) % 7]
    closed = {"times": [{"days": [other_day], "opens": "09:00", "closes": "17:00"}]}
    rules = {
        "enabled": True,
        "message": "We are back on Monday.",
        "after_unanswered": 2,
        "words": ["human"],
    }
    await client.put("/handoffs/presence", json={"present": True})
    for hours, present in (({}, True), (closed, False)):
        behaviour = {"handoff": rules | {"hours": hours}}
        body = {"name": "Shop", "behaviour": behaviour}
        made = (await client.post("/assistants", json=body)).json()
        path = f"/api/v1/assistants/{made['public_key']}"
        offer = (await visitor.get(path)).json()["handoff"]
        expected = {"present": present, "email": "", "message": "We are back on Monday."}
        assert offer == expected | {"after_unanswered": 2, "words": ["human"]}
        begun = (await visitor.post(f"{path}/handoffs", json={"visitor": "secret-1"})).json()
        assert (begun["present"], begun["message"]) == (present, "We are back on Monday.")
    for wrong in (
        {"time_zone": "Mars/Base"},
        {"times": [{"days": ["mon"], "opens": "17:00", "closes": "09:00"}]},
        {"times": [{"days": [], "opens": "09:00", "closes": "17:00"}]},
    ):
        body = {"name": "Shop", "behaviour": {"handoff": {"hours": wrong}}}
        assert (await client.post("/assistants", json=body)).status_code == 422
