"""A worker with a database, an index and an encoder of its own, and questions about its records."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import undefer

from ingestion.worker import Worker
from knowledge.encode.encoder import Encoder
from knowledge.encode.idf import counted_terms
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.search_index import Point
from knowledge.settings import Settings
from knowledge.store.database import Database, database_url
from knowledge.store.queries.documents import QueuedFile, queue_files
from knowledge.store.tables import (
    Chunk,
    Document,
    KnowledgeBase,
    Run,
    RunItem,
    RunState,
    Source,
    SourceKind,
    TermStatistic,
    Workspace,
)
from tests.fakes import HashingEncoder

ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.PAUSED)


class CountingEncoder(HashingEncoder):
    """Counts the passages it has encoded."""

    encoded = 0

    def encode_passages(self, texts):  # type: ignore[no-untyped-def]
        self.encoded += len(texts)
        return super().encode_passages(texts)


@dataclass
class Service:
    """The write path of one process on a data folder."""

    folder: Path
    allowed: tuple[str, ...] = ()
    encoder: Encoder = field(default_factory=CountingEncoder)
    database_address: str = ""
    knowledge_base_id: UUID = field(default_factory=uuid4)
    database: Database = field(init=False)
    index: EmbeddedIndex = field(init=False)
    worker: Worker = field(init=False)

    @property
    def settings(self) -> Settings:
        return Settings(
            data=self.folder,
            database_url=SecretStr(self.database_address),
            allowed_private_hosts=self.allowed,
            fetch_timeout_s=3,
            chunk_tokens=60,
        )

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = await Database.open(database_url(self.database_address, self.folder))
        self.index = EmbeddedIndex.open(self.folder / "index", self.encoder.spec)
        self.worker = Worker(self.database, self.index, self.encoder, self.settings)
        await self.add_knowledge_base(self.knowledge_base_id, "docs")
        await self.worker.start()

    async def begin_test(self) -> None:
        """A knowledge base of its own for a test that shares the service."""
        self.knowledge_base_id = uuid4()
        await self.add_knowledge_base(self.knowledge_base_id, str(self.knowledge_base_id))

    async def close(self) -> None:
        await self.worker.stop()
        await self.index.close()
        await self.database.close()

    async def add_knowledge_base(self, place: UUID, name: str) -> None:
        async with self.database.writing() as session:
            if await session.get(KnowledgeBase, place) is None:
                workspace = Workspace(name="w")
                session.add(workspace)
                await session.flush()
                session.add(KnowledgeBase(id=place, workspace_id=workspace.id, name=name))

    async def add_website(self, start: str, **config: object) -> UUID:
        return await self._add_source(SourceKind.WEBSITE, {"start": start, **config})

    async def add_feed(self, start: str) -> UUID:
        return await self._add_source(SourceKind.FEED, {"start": start})

    async def add_files(self, source_id: UUID | None = None, **files: bytes) -> UUID:
        """Upload files; a name's last underscore stands for the dot before its ending."""
        source_id = source_id or await self._add_source(SourceKind.UPLOAD, {})
        queued = []
        for key, data in files.items():
            name = ".".join(key.rsplit("_", 1))
            digest = hashlib.sha256(data).hexdigest()
            place = self.settings.files_folder / digest[:2] / digest
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            queued.append(QueuedFile(f"upload:///{name}", name, digest, len(data), ""))
        async with self.database.writing() as session:
            await queue_files(session, self.knowledge_base_id, source_id, queued)
        return source_id

    async def _add_source(self, kind: SourceKind, config: dict[str, object]) -> UUID:
        source = Source(
            knowledge_base_id=self.knowledge_base_id, kind=kind, name=kind.value, config=config
        )
        async with self.database.writing() as session:
            session.add(source)
        return source.id

    async def queue(self, source_id: UUID | None, kind: str = "ingest") -> UUID:
        run = Run(knowledge_base_id=self.knowledge_base_id, source_id=source_id, kind=kind)
        async with self.database.writing() as session:
            session.add(run)
        self.worker.wake()
        return run.id

    async def run(self, source_id: UUID | None, kind: str = "ingest") -> Run:
        """Queue a run and wait for its end."""
        return await self.wait(await self.queue(source_id, kind))

    async def wait(self, run_id: UUID, seconds: float = 30) -> Run:
        async with asyncio.timeout(seconds):
            while True:
                async with self.database.reading() as session:
                    run = await session.get_one(Run, run_id)
                if run.state in ENDED:
                    return run
                await asyncio.sleep(0.02)

    async def items(self, run_id: UUID) -> dict[str, tuple[str, str]]:
        """State and error code of every item, by address."""
        async with self.database.reading() as session:
            rows = await session.scalars(select(RunItem).where(RunItem.run_id == run_id))
            return {row.address: (str(row.state), row.error_code) for row in rows}

    async def states(self, run_id: UUID) -> Counter[str]:
        return Counter(state for state, _ in (await self.items(run_id)).values())

    async def documents(self) -> dict[str, Document]:
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(Document)
                .where(Document.knowledge_base_id == self.knowledge_base_id)
                .options(undefer(Document.text))
            )
            return {row.address: row for row in rows}

    async def chunks(self) -> list[Chunk]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(Chunk).order_by(Chunk.id)))

    async def points(self) -> dict[UUID, Point]:
        return {point.id: point async for batch in self.index.scroll() for point in batch}

    async def statistics(self) -> Counter[tuple[str, int]]:
        """The stored term statistics, by knowledge base and term."""
        async with self.database.reading() as session:
            rows = await session.scalars(select(TermStatistic))
            return Counter({(str(row.knowledge_base_id), row.term): row.chunks for row in rows})

    async def is_consistent(self) -> bool:
        """Whether records, index and statistics tell the same."""
        chunks, points = await self.chunks(), await self.points()
        terms: Counter[tuple[str, int]] = Counter()
        for point in points.values():
            assert point.encoding.sparse is not None
            counted = counted_terms(point.encoding.sparse, self.encoder.spec.counted_weight)
            base = str(point.payload["knowledge_base"])
            terms.update((base, term) for term in counted.tolist())
        return {chunk.id for chunk in chunks} == set(points) and terms == await self.statistics()
