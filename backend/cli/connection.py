"""Reaching the API: that of the server which owns the data folder, or one in this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from backend.api.state import AppState
from backend.cli.errors import ApiError
from backend.data_folder import RunningServer, find_server
from knowledge.errors import FolderLocked
from knowledge.settings import Settings

_API = "/api/v1"
_ALIVE_S = 2.0
_PATIENCE_S = 5.0
_TIMEOUT = httpx.Timeout(600.0, connect=5.0)

MakeApp = Callable[[], FastAPI]


class Api:
    """The API as commands use it. Raises :class:`ApiError` for every answer that says no.

    ``state`` is the application's own where it runs in this process, and ``None`` where a server
    answers.
    """

    def __init__(self, client: httpx.AsyncClient, state: AppState | None = None) -> None:
        self.client = client
        self.state = state

    async def get(self, path: str, **query: Any) -> Any:
        """Read something."""
        return await self._send("GET", path, params=query)

    async def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        """Make something, or ask."""
        if body is not None:
            options["json"] = body
        return await self._send("POST", path, **options)

    async def pages(self, path: str, **query: Any) -> list[Any]:
        """All items of a list."""
        items: list[Any] = []
        cursor = ""
        while True:
            page = await self.get(path, limit=200, cursor=cursor, **query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = page["next_cursor"]

    async def stream(self, method: str, path: str) -> AsyncIterator[bytes]:
        """A large answer, piece by piece."""
        async with self.client.stream(method, _API + path) as response:
            if response.is_error:
                await response.aread()
                raise ApiError(_problem(response))
            async for piece in response.aiter_bytes():
                yield piece

    async def events(
        self, path: str, body: dict[str, Any]
    ) -> AsyncGenerator[tuple[str, Any], None]:
        """Server-sent events, as they come: the name and the body of each."""
        accept = {"Accept": "text/event-stream"}
        async with self.client.stream("POST", _API + path, json=body, headers=accept) as response:
            if response.is_error:
                await response.aread()
                raise ApiError(_problem(response))
            name = ""
            async for line in response.aiter_lines():
                kind, _, value = line.partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    yield name, json.loads(value)

    async def _send(self, method: str, path: str, **options: Any) -> Any:
        response = await self.client.request(method, _API + path, **options)
        if response.is_error:
            raise ApiError(_problem(response))
        return response.json() if response.content else None


@asynccontextmanager
async def connect(settings: Settings, make_app: MakeApp) -> AsyncIterator[Api]:
    """The API of the running server, or else of ``make_app`` in this process.

    A folder that is locked by a process that is no server yet is waited for, a few seconds long:
    a server that starts, or a command that ends. Then :class:`FolderLocked` is raised.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        server = await running_server(settings)
        if server is not None:
            async with _client(server.url, server.token) as client:
                yield Api(client)
            return
        app = make_app()
        lifespan = app.router.lifespan_context(app)
        try:
            await lifespan.__aenter__()
        except FolderLocked:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.25)
            continue
        break
    try:
        state: AppState = app.state.candor
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with _client("http://candor.internal", state.local_token, transport) as client:
            yield Api(client, state)
    finally:
        await lifespan.__aexit__(None, None, None)


async def running_server(settings: Settings) -> RunningServer | None:
    """The server that the data folder names, if it answers and is the one that wrote its name."""
    found = find_server(settings.data)
    if found is None:
        return None
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_ALIVE_S) as client:
            answer = await client.get(f"{found.url}/healthz")
            body = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    same = isinstance(body, dict) and body.get("instance") == found.instance
    return found if same else None


def _client(
    url: str, token: str, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        transport=transport,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=_TIMEOUT,
        trust_env=False,
    )


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    return {
        "type": "about:blank",
        "title": f"HTTP {response.status_code}",
        "detail": f"The server answered with the status {response.status_code}.",
        "action": "Look into its log.",
    }
