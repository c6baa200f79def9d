"""A document's chunks into the index: only what changed is encoded, only what is stale removed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import structlog

from ingestion.chunk import passage_text
from ingestion.encoding import PassageEncoding
from knowledge.index.conditions import Filter, Named, any_of, belonging_to
from knowledge.index.search_index import MAX_UPSERT, Point, SearchIndex
from knowledge.passage_text import PassageContext
from knowledge.store.queries.passage_edits import edit_of_words
from knowledge.store.statistics import pack_counts
from knowledge.store.tables import Chunk as ChunkRow
from knowledge.store.tables import Document, PassageEdit
from knowledge.types import Chunk, Encoding, ParsedDocument, SparseVector

log = structlog.get_logger(__name__)

POINT_NAMESPACE = UUID("b5f4a0f6-3f0c-5d0e-9d6e-6a1f0c9a7e21")


def point_id(knowledge_base: UUID, document: UUID, ordinal: int, passage_hash: str) -> UUID:
    """The id of a chunk and its point: the same chunk always has the same one."""
    return uuid5(POINT_NAMESPACE, f"{knowledge_base}/{document}/{ordinal}/{passage_hash}")


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with the text it is encoded with, the point it becomes, and an editor's change."""

    id: UUID
    text: str
    hash: str
    chunk: Chunk
    edit: PassageEdit | None = None

    @property
    def hidden(self) -> bool:
        """Whether an editor took it out of search."""
        return self.edit is not None and self.edit.hidden


def passages_of(
    parsed: ParsedDocument,
    chunks: Sequence[Chunk],
    document: Document,
    edits: Mapping[str, PassageEdit],
    context: PassageContext,
) -> list[Passage]:
    """The passages of a document as editors left them, with the ids of their points."""
    passages = []
    for read in chunks:
        edit = edit_of_words(edits, read.text)
        chunk = replace(read, text=edit.text) if edit else read
        text = passage_text(parsed.title, chunk, context)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        place = point_id(document.knowledge_base_id, document.id, chunk.ordinal, digest)
        passages.append(Passage(place, text, digest, chunk, edit))
    return passages


def chunk_rows(passages: Sequence[Passage], document: Document) -> list[ChunkRow]:
    """The records of the passages."""
    return [
        ChunkRow(
            id=passage.id,
            document_id=document.id,
            knowledge_base_id=document.knowledge_base_id,
            source_id=document.source_id,
            ordinal=passage.chunk.ordinal,
            text=passage.chunk.text,
            span_start=passage.chunk.span[0],
            span_end=passage.chunk.span[1],
            passage_hash=passage.hash,
            heading=list(passage.chunk.heading),
            repeated=passage.chunk.repeated,
            page=passage.chunk.page,
            seconds=passage.chunk.seconds,
            anchor=passage.chunk.anchor,
            hidden=passage.hidden,
            edit_id=passage.edit.id if passage.edit else None,
        )
        for passage in passages
    ]


class Indexer:
    """Writes passages into an index."""

    def __init__(self, index: SearchIndex, encoding: PassageEncoding) -> None:
        self._index = index
        self._encoding = encoding

    @property
    def context(self) -> PassageContext:
        """What is encoded with passages of this index."""
        return self._encoding.encoder.spec.context

    async def replace(
        self,
        document: Document,
        parsed: ParsedDocument,
        passages: Sequence[Passage],
        stored: dict[str, UUID],
        report: Callable[[int], Awaitable[None]],
    ) -> bytes:
        """Make the index hold exactly these passages for the document; its packed term counts.

        ``stored``: ids of the chunks it had, by passage hash; their vectors are used again.
        ``report`` is told how many passages are encoded so far. Safe to repeat: what an earlier
        attempt has written is found by its id and not encoded again.
        """
        sparse: list[SparseVector] = []
        done = 0
        for start in range(0, len(passages), MAX_UPSERT):
            batch = passages[start : start + MAX_UPSERT]
            known = await self._known(batch, stored)
            encodings = await self._encodings(batch, known, document.knowledge_base_id)
            await self._index.upsert(
                [
                    Point(passage.id, encoding, _payload(document, parsed, passage.hidden))
                    for passage, encoding in zip(batch, encodings, strict=True)
                ]
            )
            sparse += [encoding.sparse for encoding in encodings if encoding.sparse is not None]
            done += len(batch)
            if done < len(passages):
                await report(done)
        await self._delete_all_but(document.id, [passage.id for passage in passages])
        return await asyncio.to_thread(
            pack_counts, sparse, self._encoding.encoder.spec.counted_weight
        )

    async def remove(self, document_id: UUID) -> None:
        """Take every point of a document out of the index."""
        await self._index.delete(belonging_to("document", document_id))

    async def flush(self) -> None:
        """Make everything written so far survive a power loss."""
        await self._index.flush()

    async def optimize(self) -> None:
        """Make what was written fast to search."""
        if await self._index.optimize():
            log.info("index.optimized")

    def close(self) -> None:
        """Let go of the encoding thread, after the call it is at."""
        self._encoding.close()

    async def _known(self, batch: Sequence[Passage], stored: dict[str, UUID]) -> dict[str, Point]:
        """Points that hold the vectors of these passages already, by passage hash."""
        places = {passage.id: passage.hash for passage in batch}
        for passage in batch:
            if passage.hash in stored:
                places[stored[passage.hash]] = passage.hash
        found = await self._index.retrieve(list(places))
        return {places[place]: point for place, point in found.items()}

    async def _encodings(
        self, batch: Sequence[Passage], known: dict[str, Point], group: UUID
    ) -> list[Encoding]:
        missing = {p.hash: p.text for p in batch if p.hash not in known}
        encodings = await self._encoding.encode(group, list(missing.values()))
        made = dict(zip(missing, encodings, strict=True))
        return [made.get(p.hash) or known[p.hash].encoding for p in batch]

    async def _delete_all_but(self, document_id: UUID, kept: list[UUID]) -> None:
        await self._index.delete(
            Filter((any_of("document", [document_id]),), must_not=(Named(tuple(kept)),))
        )


def _payload(document: Document, parsed: ParsedDocument, hidden: bool) -> dict[str, object]:
    modified = parsed.modified_at or document.fetched_at or document.created_at
    payload: dict[str, object] = {
        "knowledge_base": str(document.knowledge_base_id),
        "source": str(document.source_id),
        "document": str(document.id),
        "language": parsed.language,
        "modified": modified.isoformat(),
    }
    return payload | {"hidden": True} if hidden else payload
