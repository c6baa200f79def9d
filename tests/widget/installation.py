"""A running Candor with one assistant over one page of the garden's website."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from backend.api.state import AppState
from backend.app import create_app
from backend.models import open_encoder
from backend.services import Parts, open_parts
from ingestion.worker import Worker
from knowledge.settings import Settings
from tests.widget.scripted_server import serving


@dataclass
class Installation:
    """A running Candor with one assistant, which has read one page of the garden's website."""

    origin: str
    key: str
    assistant_id: str
    api: httpx.AsyncClient

    async def behave(self, behaviour: dict[str, Any]) -> None:
        """Change what the assistant offers to visitors."""
        changed = await self.api.patch(
            f"/assistants/{self.assistant_id}", json={"behaviour": behaviour}
        )
        changed.raise_for_status()


@asynccontextmanager
async def installed(data: Path, website: str) -> AsyncIterator[Installation]:
    """A server on loopback, which has read a page of the website."""
    settings = Settings(
        data=data,
        sample=False,
        public_chat_per_minute=1000,
        allowed_private_hosts=("localhost",),
    )
    parts = Parts(settings, Worker, open_encoder, work=True)
    app = create_app(lambda: open_parts(parts), "test", with_console=False)
    with serving(app) as port:
        origin = f"http://127.0.0.1:{port}"
        token = {"Authorization": f"Bearer {_state(app).local_token}"}
        async with httpx.AsyncClient(base_url=f"{origin}/api/v1", headers=token) as api:
            yield await _install(api, origin, website)


def _state(app: FastAPI) -> AppState:
    state: AppState = app.state.candor
    return state


async def _install(api: httpx.AsyncClient, origin: str, website: str) -> Installation:
    base = await _made(api, "/knowledge-bases", {"name": "Garden"})
    address = f"{website}/visiting"
    added = await _made(
        api, f"/knowledge-bases/{base['id']}/sources", {"kind": "website", "start": address}
    )
    await _ended(api, added["run"]["id"])
    assistant = await _made(
        api,
        "/assistants",
        {
            "name": "The Garden",
            "knowledge_base_ids": [base["id"]],
            "allowed_origins": [website],
            "suggestions": ["When does the garden open?"],
        },
    )
    return Installation(origin, str(assistant["public_key"]), str(assistant["id"]), api)


async def _made(api: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await api.post(path, json=body)
    response.raise_for_status()
    made: dict[str, Any] = response.json()
    return made


async def _ended(api: httpx.AsyncClient, run: str) -> None:
    for _ in range(300):
        view = (await api.get(f"/runs/{run}")).json()
        if view["ended"]:
            assert view["state"] == "succeeded", view
            return
        await asyncio.sleep(0.1)
    pytest.fail("the website was not read within 30 s")
