"""An application that is loaded with its first request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from backend.console.on_demand import OnDemand


class Loaded:
    """Makes an application, and keeps what became of it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self) -> FastAPI:
        self.told.append("loaded")

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            self.told.append("started")
            yield
            self.told.append("ended")

        app = FastAPI(lifespan=lifespan)
        app.get("/")(lambda: "here")
        return app


def client(of: OnDemand) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(of), base_url="http://candor.test")


async def test_it_is_loaded_once_with_the_first_request() -> None:
    loaded = Loaded()
    console = OnDemand(loaded)
    async with client(console) as visitor, console.running():
        await asyncio.sleep(0)
        assert loaded.told == []
        answers = await asyncio.gather(visitor.get("/"), visitor.get("/"))
        assert [answer.json() for answer in answers] == ["here", "here"]
        assert loaded.told == ["loaded", "started"]
    assert loaded.told == ["loaded", "started", "ended"]


async def test_what_nobody_asks_for_is_not_loaded() -> None:
    loaded = Loaded()
    async with OnDemand(loaded).running():
        await asyncio.sleep(0)
    assert loaded.told == []


async def test_every_request_learns_that_loading_failed() -> None:
    def broken() -> FastAPI:
        raise ImportError("nicegui")

    console = OnDemand(broken)
    async with client(console) as visitor, console.running():
        for _ in range(2):
            with pytest.raises(ImportError, match="nicegui"):
                await visitor.get("/")
