"""Acts that several tests of the API need: making a knowledge base, adding, waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

RETURNS = "# Returns\n\nGoods can be returned within 30 days of delivery. Refunds take five days.\n"
SHIPPING = "# Shipping\n\nParcels to Norway travel by ship and arrive within two weeks.\n"


async def make_base(client: httpx.AsyncClient, name: str = "shop") -> str:
    answer = await client.post("/knowledge-bases", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def upload(client: httpx.AsyncClient, base: str, **files: str | bytes) -> Any:
    """Upload files named by keyword, ``__`` standing for a dot."""
    parts = [("files", (name.replace("__", "."), content)) for name, content in files.items()]
    answer = await client.post(f"/knowledge-bases/{base}/uploads", files=parts)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ended(client: httpx.AsyncClient, run_id: str) -> Any:
    """The run when it has ended."""
    async with asyncio.timeout(60):
        while True:
            run = (await client.get(f"/runs/{run_id}")).json()
            if run["ended"]:
                return run
            await asyncio.sleep(0.05)


async def filled_base(client: httpx.AsyncClient, name: str = "shop") -> str:
    """A knowledge base with two indexed files."""
    base = await make_base(client, name)
    made = await upload(client, base, returns__md=RETURNS, shipping__md=SHIPPING)
    run = await ended(client, made["run"]["id"])
    assert run["items"] == {"indexed": 2}, run
    return base
