"""Content for the console's tests, through the API's own ways in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx

from backend.api.access import COOKIE
from backend.api.state import AppState
from knowledge.store.queries.credentials import create_link, use_link
from knowledge.store.queries.people import create_user, create_workspace
from knowledge.store.tables import Role

RETURNS = b"""# Returns

Goods may be returned within 30 days of purchase, in their original packaging. Send the receipt
along.

## Refunds

The money is paid back to the card within five working days of the arrival of the parcel.
"""
DELIVERY = b"""# Delivery

We deliver on weekdays. A courier brings the parcel to the door, and a message tells the hour.
"""


@dataclass(frozen=True)
class Served:
    """The application and where it listens."""

    state: AppState
    origin: str

    async def workspace(self) -> UUID:
        async with self.state.database.writing() as session:
            made, _ = await create_workspace(session, "test", f"{uuid4().hex}@example.com")
        return made.id

    async def cookie(self, workspace_id: UUID, role: Role) -> str:
        """The session of a new user."""
        async with self.state.database.writing() as session:
            email = f"{role}-{uuid4().hex[:6]}@example.com"
            user = await create_user(session, workspace_id, email, "", role)
            _, secret = await use_link(session, await create_link(session, user.id), "test")
        return secret


@dataclass(frozen=True)
class Stocked:
    """A workspace with a knowledge base that holds two files."""

    workspace_id: UUID
    client: httpx.AsyncClient
    base: str

    async def ids(self, kind: str) -> list[str]:
        return [one["id"] for one in (await self.client.get(f"/{kind}")).json()["items"]]


async def client_of(served: Served, workspace_id: UUID, role: Role) -> httpx.AsyncClient:
    """A client with the session of a new user of a workspace."""
    return httpx.AsyncClient(
        base_url=f"{served.origin}/api/v1",
        cookies={COOKIE: await served.cookie(workspace_id, role)},
        headers={"Origin": served.origin},
    )


async def stocked(served: Served) -> Stocked:
    """A new workspace with two files that have been read."""
    workspace_id = await served.workspace()
    client = await client_of(served, workspace_id, Role.OWNER)
    base = (await client.post("/knowledge-bases", json={"name": "shop"})).json()["id"]
    parts = [("files", ("returns.md", RETURNS)), ("files", ("delivery.md", DELIVERY))]
    made = await client.post(f"/knowledge-bases/{base}/uploads", files=parts)
    await ended(client, made.json()["run"]["id"])
    return Stocked(workspace_id, client, base)


async def ended(client: httpx.AsyncClient, run_id: str) -> None:
    """Wait for the end of a run."""
    async with asyncio.timeout(30):
        while not (await client.get(f"/runs/{run_id}")).json()["ended"]:
            await asyncio.sleep(0.1)
