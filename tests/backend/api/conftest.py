"""The application over real parts, once for a module; each test works in a workspace of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from backend.api.state import AppState
from backend.app import create_app
from backend.main import _make_previewer, _make_worker
from backend.services import Parts, open_parts
from knowledge.settings import Settings
from knowledge.store.queries.credentials import create_token
from knowledge.store.queries.people import create_workspace
from knowledge.store.tables import Role
from tests.fakes import HashingEncoder

Enter = Callable[..., Awaitable[httpx.AsyncClient]]


def settings_for(folder: object, database_address: str, **values: object) -> Settings:
    return Settings(data=folder, database_url=database_address, **values)  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def state(
    database_address: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[AppState]:
    """The open parts, with a worker where the module says ``WORKS = True``."""
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        database_address,
        upload_max_bytes=20_000,
        allowed_private_hosts=("127.0.0.1",),
        public_chat_per_minute=100_000,
    )
    parts = Parts(
        settings,
        _make_worker,
        lambda _: HashingEncoder(),
        _make_previewer,
        work=getattr(request.module, "WORKS", False),
    )
    async with open_parts(parts) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(state: AppState) -> AsyncIterator[object]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[AppState]:
        yield state

    made = create_app(opened, with_console=False)
    async with made.router.lifespan_context(made):
        yield made


_addresses = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(app: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client on a page of Candor's own, at an address of its own: limits count by address. Its
    only credential is the session that an assistant's profile gives to everybody.
    """
    address = f"192.0.2.{next(_addresses) % 250}"
    transport = httpx.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://candor.test") as client:

        async def begin(request: httpx.Request) -> None:
            assistant = re.match(r"(/api/v1/assistants/[^/]+)(/?)", request.url.path)
            if assistant is None or "from nowhere" in request.extensions:
                return
            origin = request.headers.setdefault("Origin", "http://candor.test")
            if not assistant[2] or "Authorization" in request.headers:
                return
            profile = await client.get(assistant[1], headers={"Origin": origin})
            if profile.is_success and profile.json()["session"]:
                token = profile.json()["session"]["token"]
                request.headers["Authorization"] = f"Bearer {token}"

        client.event_hooks = {"request": [begin]}
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def enter(app: object, state: AppState) -> AsyncIterator[Enter]:
    """Makes a client with a token in a new workspace, or in that of another client."""
    clients: list[httpx.AsyncClient] = []

    async def make(
        role: Role = Role.OWNER, beside: httpx.AsyncClient | None = None
    ) -> httpx.AsyncClient:
        async with state.database.writing() as session:
            if beside is None:
                workspace, _ = await create_workspace(session, "test", "owner@example.com")
                workspace_id = workspace.id
            else:
                workspace_id = beside.workspace_id  # type: ignore[attr-defined]
            _, token = await create_token(session, workspace_id, "test", role, None, None)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),  # type: ignore[arg-type]
            base_url="http://candor.test/api/v1",
            headers={"Authorization": f"Bearer {token}"},
        )
        client.workspace_id = workspace_id  # type: ignore[attr-defined]
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
