"""A small knowledge base for tests: documents written straight into a database and an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import MAX_UPSERT, Point, SearchIndex
from knowledge.passage_text import passage_prefix
from knowledge.store.database import Database
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

SPACE = UUID(int=11)


@dataclass(frozen=True)
class Page:
    """A document of one or several chunks."""

    address: str
    chunks: Sequence[str]
    title: str = ""
    language: str = "en"
    modified: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FilledKnowledgeBase:
    """One knowledge base in a database and an index."""

    database: Database
    index: SearchIndex
    encoder: Encoder
    name: str = "shop"

    def __post_init__(self) -> None:
        # The same ids in every run: equal scores are ordered by them.
        self.workspace_id = uuid5(SPACE, f"{self.name} workspace")
        self.knowledge_base_id = uuid5(SPACE, f"{self.name} knowledge base")
        self.source_id = uuid5(SPACE, f"{self.name} source")

    async def create(self) -> None:
        name = self.name
        async with self.database.writing() as session:
            session.add(Workspace(id=self.workspace_id, name=name))
            await session.flush()
            session.add(
                KnowledgeBase(id=self.knowledge_base_id, workspace_id=self.workspace_id, name=name)
            )
            await session.flush()
            session.add(
                Source(
                    id=self.source_id,
                    knowledge_base_id=self.knowledge_base_id,
                    kind=SourceKind.WEBSITE,
                    name=name,
                )
            )

    def document_id(self, address: str) -> UUID:
        return uuid5(self.knowledge_base_id, address)

    def chunk_id(self, address: str, ordinal: int = 0) -> UUID:
        return uuid5(self.document_id(address), str(ordinal))

    async def add(self, *pages: Page) -> None:
        for page in pages:
            await self._add(page)

    async def _add(self, page: Page) -> None:
        prefix = passage_prefix(page.title or page.address, (), "")
        encodings = self.encoder.encode_passages([prefix + text for text in page.chunks])
        vectors = [e.sparse for e in encodings if e.sparse is not None]
        counts = pack_counts(vectors, self.encoder.spec.counted_weight)
        document = self.document_id(page.address)
        async with self.database.writing() as session:
            session.add(
                Document(
                    id=document,
                    knowledge_base_id=self.knowledge_base_id,
                    source_id=self.source_id,
                    address=page.address,
                    title=page.title or page.address,
                    state=DocumentState.INDEXED,
                    language=page.language,
                    text="\n\n".join(page.chunks),
                    version=1,
                    chunk_count=len(page.chunks),
                    term_counts=counts,
                    modified_at=page.modified,
                    fetched_at=page.modified,
                    indexed_at=page.modified,
                )
            )
            await session.flush()
            start = 0
            for ordinal, text in enumerate(page.chunks):
                session.add(
                    Chunk(
                        id=self.chunk_id(page.address, ordinal),
                        document_id=document,
                        knowledge_base_id=self.knowledge_base_id,
                        source_id=self.source_id,
                        ordinal=ordinal,
                        text=text,
                        span_start=start,
                        span_end=start + len(text),
                        passage_hash="",
                    )
                )
                start += len(text) + 2
            await replace_counts(session, self.knowledge_base_id, b"", counts)
        points = [
            Point(self.chunk_id(page.address, ordinal), encoding, self._payload(page))
            for ordinal, encoding in enumerate(encodings)
        ]
        for start in range(0, len(points), MAX_UPSERT):
            await self.index.upsert(points[start : start + MAX_UPSERT])

    def _payload(self, page: Page) -> Mapping[str, object]:
        return {
            "knowledge_base": str(self.knowledge_base_id),
            "source": str(self.source_id),
            "document": str(self.document_id(page.address)),
            "language": page.language,
            "modified": page.modified.isoformat(),
        }


SHOP = (
    Page(
        "https://shop.example/lamp",
        (
            "The desk lamp takes a bulb of 40 watts.",
            "A bulb that flickers is loose: turn the bulb until it holds.",
        ),
        "Desk lamp",
    ),
    Page(
        "https://shop.example/refunds",
        (
            "A refund is paid within ten days of the return.",
            "Pack the lamp for its return and print the label.",
        ),
        "Refunds",
        modified=datetime(2026, 3, 1, tzinfo=UTC),
    ),
    Page(
        "https://shop.example/lampe",
        ("Die Lampe braucht eine Birne mit 40 Watt.",),
        "Schreibtischlampe",
        language="de",
    ),
    Page("https://shop.example/cable", ("The cable is two metres long.",), "Cable"),
)
