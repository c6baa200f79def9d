"""Workers that stop and die: what they leave undone is done by the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from ingestion.worker import Worker
from knowledge.store.tables import Run, RunState, WorkerRecord, utc_now
from tests.ingestion.service import Service
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def service(tmp_path: Path, database_address: str) -> AsyncIterator[Service]:
    made = Service(tmp_path / "data", ("127.0.0.1",), database_address=database_address)
    await made.open()
    yield made
    await made.close()


async def test_a_worker_that_is_stopped_goes_on_at_its_next_start(
    site: Site, service: Service, gate: asyncio.Event
) -> None:
    run_id = await service.queue(await service.add_website(site.url()))
    await site.until_asked("/p")
    await service.close()
    gate.set()
    await service.open()
    assert (await service.wait(run_id)).state == "succeeded"
    assert await service.states(run_id) == {"indexed": 31}
    assert await service.is_consistent()


async def test_a_run_whose_worker_died_before_it_began_is_taken_over(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home"))
    source = await service.add_website(site.url())
    await service.worker.stop()
    run = Run(knowledge_base_id=service.knowledge_base_id, source_id=source, worker="dead")
    run.state = RunState.RUNNING
    async with service.database.writing() as session:
        session.add(WorkerRecord(id="dead", heartbeat_at=utc_now() - timedelta(minutes=2)))
        session.add(run)
    service.worker = Worker(service.database, service.index, service.encoder, service.settings)
    await service.worker.start()
    assert (await service.wait(run.id)).state == "succeeded"


async def test_a_run_reads_on_while_one_page_is_slow(
    site: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = service.worker._jobs._runs
    patient = replace(runs._settings.fetch, timeout_s=60)
    monkeypatch.setattr(runs, "_settings", replace(runs._settings, fetch=patient))
    opened = site.hold_pages(40)
    for n in range(1, 40):
        site.html(f"/p{n}", page(f"Page {n}"))
    run_id = await service.queue(await service.add_website(site.url()))
    async with asyncio.timeout(30):
        for n in range(40):
            await site.until_asked(f"/p{n}")
    opened.set()
    assert (await service.wait(run_id)).state == "succeeded"
    assert await service.states(run_id) == {"indexed": 41}
