"""A worker on a data folder with one website and one set of files, for the benchmarks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from pydantic import SecretStr

from benchmarks.ingestion_site import digest_of
from benchmarks.shared_index import SharedIndex
from ingestion.worker import Worker
from knowledge.encode.encoder import Encoder
from knowledge.index.open import open_index
from knowledge.index.search_index import SearchIndex
from knowledge.settings import Settings
from knowledge.store.database import Database, database_url
from knowledge.store.files import write_file
from knowledge.store.queries.runs import ENDED, Progress, progress, queue_run
from knowledge.store.tables import (
    Document,
    KnowledgeBase,
    Run,
    Source,
    SourceKind,
    Workspace,
)

_KNOWLEDGE_BASE = uuid5(UUID("6a5ef4a0-0f5b-4d3e-8f64-7b6f2a1c9d10"), "bench")


@dataclass(frozen=True, slots=True)
class Bench:
    """An open data folder. Ids depend on names alone, so that two folders can be compared."""

    settings: Settings
    database: Database
    index: SearchIndex
    worker: Worker
    knowledge_base: UUID

    async def website(self, name: str, start: str) -> UUID:
        """The website source of that name, made where it is missing."""
        return await self._source(name, SourceKind.WEBSITE, {"start": start})

    async def files(self, name: str, files: list[tuple[str, bytes]]) -> UUID:
        """The source of files of that name, made with its files where it is missing."""
        place = await self._source(name, SourceKind.UPLOAD, {})
        for file, data in files:
            digest, address = digest_of(data), f"upload:///{file}"
            write_file(self.settings.files_folder, digest, data)
            async with self.database.writing() as session:
                if await session.get(Document, uuid5(place, address)) is None:
                    session.add(
                        Document(
                            id=uuid5(place, address),
                            knowledge_base_id=self.knowledge_base,
                            source_id=place,
                            address=address,
                            stored_file=digest,
                            size_bytes=len(data),
                        )
                    )
        return place

    async def _source(self, name: str, kind: SourceKind, config: dict[str, object]) -> UUID:
        place = uuid5(self.knowledge_base, name)
        async with self.database.writing() as session:
            if await session.get(Source, place) is None:
                session.add(
                    Source(
                        id=place,
                        knowledge_base_id=self.knowledge_base,
                        kind=kind,
                        name=name,
                        config=config,
                    )
                )
        return place

    async def queue(self, source: UUID) -> UUID:
        """Ask for a run of a source."""
        async with self.database.writing() as session:
            run = await queue_run(session, self.knowledge_base, source)
        self.worker.wake()
        return run.id

    async def wait(self, run_id: UUID) -> tuple[Run, Progress]:
        """Wait for a run's end. Looks seldom, for looking takes time from what is measured."""
        began = time.monotonic()
        while True:
            async with self.database.reading() as session:
                run = await session.get_one(Run, run_id)
                if run.state in ENDED:
                    return run, (await progress(session, [run_id]))[run_id]
            await asyncio.sleep(min(0.5, 0.05 + (time.monotonic() - began) / 50))


def bench_sources() -> list[UUID]:
    """The ids of the sources that the crash benchmark makes, in every folder the same."""
    return [uuid5(_KNOWLEDGE_BASE, name) for name in ("site", "files")]


@asynccontextmanager
async def opened(
    folder: Path, encoder: Encoder, shared: SharedIndex | None = None, database_address: str = ""
) -> AsyncIterator[Bench]:
    """Open a data folder with a worker at work: embedded, or on PostgreSQL and a shared index."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    settings = Settings(
        data=folder,
        allowed_private_hosts=("127.0.0.1",),
        database_url=SecretStr(database_address),
    )
    database = await Database.open(database_url(database_address, folder))
    index = shared or await open_index(settings, database, encoder.spec)
    await _ensure_knowledge_base(database)
    worker = Worker(database, index, encoder, settings)
    await worker.start()
    try:
        yield Bench(settings, database, index, worker, _KNOWLEDGE_BASE)
    finally:
        await worker.stop()
        await index.close()
        await database.close()


async def _ensure_knowledge_base(database: Database) -> None:
    async with database.writing() as session:
        if await session.get(KnowledgeBase, _KNOWLEDGE_BASE) is None:
            workspace = Workspace(name="bench")
            session.add(workspace)
            await session.flush()
            session.add(KnowledgeBase(id=_KNOWLEDGE_BASE, workspace_id=workspace.id, name="bench"))
