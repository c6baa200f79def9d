"""The Model Context Protocol, spoken by its own client to a server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
import pytest_asyncio
import uvicorn
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.backend.api.conftest import Enter
from tests.backend.api.filling import filled_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(app: Any) -> AsyncIterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        server.should_exit = True
        await serving


@asynccontextmanager
async def calling(address: str, client: httpx.AsyncClient) -> AsyncIterator[Client]:
    """The protocol's client, with the token of one of the API."""
    headers = {"Authorization": client.headers["Authorization"]}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=30))
        transport = streamable_http_client(address, http_client=http)
        yield await stack.enter_async_context(Client(transport))


async def test_tools_find_ask_read_and_explain(address: str, enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    async with calling(address, client) as mcp:
        tools = {tool.name: tool for tool in (await mcp.list_tools()).tools}
        assert set(tools) == {"list_knowledge_bases", "search", "ask", "read_passage", "explain"}
        assert all(tool.annotations.read_only_hint for tool in tools.values())

        async def call(name: str, **arguments: Any) -> Any:
            answer = await mcp.call_tool(name, arguments)
            assert not answer.is_error, answer.content
            return answer.structured_content

        assert await call("list_knowledge_bases") == {"knowledge_bases": ["shop"]}
        found = (await call("search", query="When can goods be returned?", limit=1))["hits"]
        assert len(found) == 1
        assert "within 30 days" in found[0]["text"]
        passage = found[0]["passage_id"]
        read = await call("read_passage", passage_id=passage)
        assert (read["text"], read["title"]) == (found[0]["text"], found[0]["title"])
        told = await call("explain", query="goods returned", passage_id=passage)
        assert {"goods", "returned"} <= {term["word"] for term in told["terms"]}
        assert told["ledger"]["arms"]
        answered = await call("ask", question="Within how many days can goods be returned?")
        assert "30 days" in answered["answer"]
        assert answered["citations"][0]["passage_id"] == passage
        assert answered["citations"][0]["sentence"] in answered["answer"]


async def test_what_is_wrong_is_said_and_strangers_find_nothing(address: str, enter: Enter) -> None:
    client, stranger = await enter(), await enter()
    await filled_base(client)
    hits = (await client.post("/search", json={"query": "goods"})).json()["hits"]
    passage = hits[0]["chunk_id"]
    async with calling(address, stranger) as mcp:
        assert not (await mcp.call_tool("search", {"query": "goods"})).structured_content["hits"]
        for name, arguments in (
            ("read_passage", {"passage_id": passage}),
            ("explain", {"query": "goods", "passage_id": passage}),
            ("search", {"query": "goods", "knowledge_bases": ["shop"]}),
            ("ask", {"question": "goods?", "knowledge_bases": ["shop"]}),
            ("ask", {"question": "?!"}),
        ):
            answer = await mcp.call_tool(name, arguments)
            assert answer.is_error, name
            assert "Traceback" not in answer.content[0].text
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with httpx.AsyncClient() as plain:
        refused = await plain.post(address, json=message)
        unknown = {"Authorization": "Bearer candor_unknown"}
        assert (await plain.post(address, json=message, headers=unknown)).status_code == 401
        assert (await plain.get(address, headers=stranger.headers)).status_code == 405
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:candor:unauthenticated"
