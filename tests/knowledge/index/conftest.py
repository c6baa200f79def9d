"""Every test of the index suite runs against every implementation of the contract."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from qdrant_client import AsyncQdrantClient

from knowledge.index.conditions import Filter
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.search_index import SearchIndex
from knowledge.index.server import ServerIndex
from tests.fakes import HashingEncoder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--qdrant-url", default=None, help="Also test against this Qdrant server.")


def qdrant_url(config: pytest.Config) -> str:
    return config.getoption("--qdrant-url", default=None) or os.environ.get("QDRANT_URL", "")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        engines = ["embedded", "client"] + ["server"] * bool(qdrant_url(metafunc.config))
        metafunc.parametrize("engine", engines)


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture(scope="session")
def embedded_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedIndex]:
    """One embedded index for the whole run: making one takes a second of disk writes."""
    opened = EmbeddedIndex.open(tmp_path_factory.mktemp("index"), HashingEncoder().spec)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
async def index(
    engine: str,
    encoder: HashingEncoder,
    embedded_index: EmbeddedIndex,
    request: pytest.FixtureRequest,
) -> AsyncIterator[SearchIndex]:
    """An empty index: embedded, over the client's in-process mode, or over a real server."""
    if engine == "embedded":
        await embedded_index.delete(Filter())
        yield embedded_index
        return
    url = qdrant_url(request.config)
    client = AsyncQdrantClient(url=url) if engine == "server" else AsyncQdrantClient(":memory:")
    name = f"test-{uuid4().hex[:12]}"
    served = await ServerIndex.open(client, name, encoder.spec)
    yield served
    await client.delete_collection(name)
    await served.close()
