"""A throw-away knowledge base filled with a retrieval set's passages, one chunk each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from knowledge.encode.encoder import Encoder
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.search_index import MAX_UPSERT, Point
from knowledge.store.database import Database, WriteSession, sqlite_url
from knowledge.store.statistics import pack_counts, replace_counts
from knowledge.store.tables import (
    Chunk,
    Document,
    DocumentState,
    KnowledgeBase,
    Source,
    SourceKind,
    Workspace,
)

Progress = Callable[[int, int], None]
"""Called with the number of passages done and the number of all."""


@dataclass(frozen=True, slots=True)
class Collection:
    """An open throw-away knowledge base.

    ``names``: chunk id to the passage's id in the set. ``encode_seconds``: time spent encoding.
    """

    database: Database
    index: EmbeddedIndex
    knowledge_base_id: UUID
    names: Mapping[UUID, str]
    encode_seconds: float


@asynccontextmanager
async def temporary_collection(
    corpus: Mapping[str, str], encoder: Encoder, progress: Progress = lambda done, of: None
) -> AsyncIterator[Collection]:
    """Index ``corpus`` (passage id to text) in a temporary folder, removed at the end."""
    with TemporaryDirectory(prefix="candor-eval-") as folder:
        index = EmbeddedIndex.open(Path(folder) / "index", encoder.spec)
        database = await Database.open(sqlite_url(Path(folder) / "candor.sqlite"))
        try:
            yield await _fill(database, index, corpus, encoder, progress)
        finally:
            await index.close()
            await database.close()


async def _fill(
    database: Database,
    index: EmbeddedIndex,
    corpus: Mapping[str, str],
    encoder: Encoder,
    progress: Progress,
) -> Collection:
    knowledge_base_id, source_id = uuid4(), uuid4()
    async with database.writing() as session:
        await _found(session, knowledge_base_id, source_id)
    names = {uuid4(): name for name in corpus}
    chunks = list(names)
    spent = 0.0
    payload = {"knowledge_base": str(knowledge_base_id), "source": str(source_id)}
    for start in range(0, len(chunks), MAX_UPSERT):
        ids = chunks[start : start + MAX_UPSERT]
        texts = [corpus[names[id]] for id in ids]
        began = time.perf_counter()
        encodings = await asyncio.to_thread(encoder.encode_passages, texts)
        spent += time.perf_counter() - began
        vectors = [e.sparse for e in encodings if e.sparse is not None]
        counts = pack_counts(vectors, encoder.spec.counted_weight)
        async with database.writing() as session:
            rows = [_rows(id, names[id], corpus, knowledge_base_id, source_id) for id in ids]
            session.add_all(document for document, _ in rows)
            await session.flush()
            session.add_all(chunk for _, chunk in rows)
            await replace_counts(session, knowledge_base_id, b"", counts)
        await index.upsert(
            [
                Point(id, encoding, payload | {"document": str(id)})
                for id, encoding in zip(ids, encodings, strict=True)
            ]
        )
        progress(min(start + MAX_UPSERT, len(chunks)), len(chunks))
    return Collection(database, index, knowledge_base_id, names, spent)


async def _found(session: WriteSession, knowledge_base_id: UUID, source_id: UUID) -> None:
    workspace_id = uuid4()
    session.add(Workspace(id=workspace_id, name="evaluation"))
    await session.flush()
    session.add(KnowledgeBase(id=knowledge_base_id, workspace_id=workspace_id, name="set"))
    await session.flush()
    session.add(
        Source(
            id=source_id, knowledge_base_id=knowledge_base_id, kind=SourceKind.TEXT, name="corpus"
        )
    )


def _rows(
    id: UUID, name: str, corpus: Mapping[str, str], knowledge_base_id: UUID, source_id: UUID
) -> tuple[Document, Chunk]:
    """The document and the chunk of one passage; they share the id."""
    text = corpus[name]
    document = Document(
        id=id,
        knowledge_base_id=knowledge_base_id,
        source_id=source_id,
        address=f"passage:{name}",
        title=name,
        state=DocumentState.INDEXED,
        version=1,
        chunk_count=1,
    )
    chunk = Chunk(
        id=id,
        document_id=id,
        knowledge_base_id=knowledge_base_id,
        source_id=source_id,
        ordinal=0,
        text=text,
        span_start=0,
        span_end=len(text),
        passage_hash="",
    )
    return document, chunk
