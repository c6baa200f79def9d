"""The loopback website and what reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ingestion.fetch import Fetcher, FetchLimits
from tests.ingestion.service import Service
from tests.ingestion.site import Site


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def fetcher(site: Site) -> AsyncIterator[Fetcher]:
    limits = FetchLimits(timeout_s=5, max_bytes=1_000_000, max_redirects=5)
    async with Fetcher(limits, [site.host]) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One worker for all tests of a module: starting one takes seconds."""
    made = Service(tmp_path_factory.mktemp("service") / "data", ("127.0.0.1",))
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def service(running: Service) -> Service:
    """The module's worker with a knowledge base of this test's own."""
    await running.begin_test()
    return running


@pytest.fixture
def gate(site: Site) -> asyncio.Event:
    """A site of 31 pages, of which all but the first wait until the event is set."""
    return site.hold_pages(30)
