"""The loopback website and what reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingestion.fetch import Fetcher, FetchLimits
from tests.ingestion.service import Service
from tests.ingestion.site import Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def fetcher(site: Site) -> AsyncIterator[Fetcher]:
    limits = FetchLimits(timeout_s=5, max_bytes=1_000_000, max_redirects=5)
    async with Fetcher(limits, [site.host]) as made:
        yield made


@pytest.fixture
async def service(site: Site, tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path / "data", (site.host,))
    await made.open()
    yield made
    await made.close()
