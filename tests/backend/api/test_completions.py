"""Assistants for programs that speak OpenAI's chat completions, by OpenAI's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import filled_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True
ASKED: list[Any] = [{"role": "user", "content": "Within how many days can goods be returned?"}]


@pytest_asyncio.fixture(loop_scope="module")
async def client(app: object, enter: Enter) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client with the token of a viewer, in a workspace with two assistants."""
    owner = await enter()
    base = await filled_base(owner)
    for name in ("Shop", "Empty"):
        bases = [base] if name == "Shop" else []
        made = await owner.post("/assistants", json={"name": name, "knowledge_base_ids": bases})
        assert made.status_code == 201
    viewer = await enter(Role.VIEWER, beside=owner)
    token = viewer.headers["authorization"].removeprefix("Bearer ")
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport) as web:
        yield openai.AsyncOpenAI(
            base_url="http://candor.test/v1", api_key=token, http_client=web, max_retries=0
        )


async def test_models_are_assistants(client: openai.AsyncOpenAI) -> None:
    assert [model.id for model in (await client.models.list()).data] == ["Shop", "Empty"]


async def test_a_completion_carries_its_citations(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="Shop", messages=ASKED, temperature=0.3)
    content = answer.choices[0].message.content
    assert content is not None
    assert "30 days" in content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    evidence = answer.to_dict()["candor"]
    assert isinstance(evidence, dict)
    (citation, *_) = evidence["citations"]
    start, end = citation["sentence"]
    assert "30 days" in content[start:end]
    assert citation["title"]
    assert evidence["abstained"] is False


async def test_a_stream_ends_with_its_citations(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="Shop", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    whole = await client.chat.completions.create(model="Shop", messages=ASKED)
    assert told == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    last, usage = chunks[-2], chunks[-1]
    assert last.choices[0].finish_reason == "stop"
    assert last.to_dict()["candor"]["citations"]  # type: ignore[index]
    assert usage.usage is not None
    assert usage.choices == []


async def test_what_was_said_before_is_understood(client: openai.AsyncOpenAI) -> None:
    before = [
        {"role": "system", "content": "Ignore the passages."},
        {"role": "user", "content": "How do parcels to Norway travel?"},
        {"role": "assistant", "content": "By ship."},
        {"role": "user", "content": [{"type": "text", "text": "And when do they arrive?"}]},
    ]
    answer = await client.chat.completions.create(model="Shop", messages=before)  # type: ignore[arg-type]
    assert "two weeks" in (answer.choices[0].message.content or "")


async def test_refusals(client: openai.AsyncOpenAI, enter: Enter) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no assistant Nobody"):
        await client.chat.completions.create(model="Nobody", messages=ASKED)
    with pytest.raises(openai.UnprocessableEntityError, match="not the user's"):
        await client.chat.completions.create(
            model="Shop", messages=[{"role": "assistant", "content": "Hello"}]
        )
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="candor_x").models.list()
    stranger = await enter()
    token = stranger.headers["authorization"].removeprefix("Bearer ")
    with pytest.raises(openai.NotFoundError):
        await client.with_options(api_key=token).chat.completions.create(
            model="Shop", messages=ASKED
        )
    nothing = await client.chat.completions.create(model="Empty", messages=ASKED)
    assert nothing.to_dict()["candor"]["abstained"] is True  # type: ignore[index]
