"""Knowledge bases, sources, documents and chunks over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, HttpUrl

from backend.api.schemas.base import Body
from backend.api.schemas.runs import RunView
from backend.api.schemas.written import NewPairs
from knowledge.crawl_limits import (
    DEFAULT_BYTES,
    DEFAULT_DEPTH,
    DEFAULT_ENTRIES,
    DEFAULT_PAGES,
    LEAST_BYTES,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_PAGES,
    MOST_PATTERNS,
    MOST_STARTS,
)
from knowledge.store.queries.knowledge_bases import Counts
from knowledge.store.tables import Chunk, Document, KnowledgeBase, Source

Name = Annotated[str, Field(min_length=1, max_length=200)]


class NewKnowledgeBase(Body):
    """A knowledge base to be made."""

    name: Name = Field(examples=["website"])
    description: str = Field(default="", max_length=1000)


class KnowledgeBaseChange(Body):
    """What may be changed of a knowledge base; what is left out stays."""

    name: Name | None = None
    description: str | None = Field(default=None, max_length=1000)


class KnowledgeBaseView(BaseModel):
    """A knowledge base and what it holds. ``documents``: number by state."""

    id: UUID
    name: str
    description: str
    sources: int
    documents: dict[str, int] = Field(examples=[{"indexed": 263, "failed": 2}])
    chunks: int
    created_at: datetime

    @classmethod
    def of(cls, row: KnowledgeBase, counts: Counts) -> KnowledgeBaseView:
        """The view of a record."""
        return cls(
            id=row.id,
            name=row.name,
            description=row.description,
            sources=counts.sources,
            documents=counts.documents,
            chunks=counts.chunks,
            created_at=row.created_at,
        )


SCHEDULE = Field(
    default="",
    max_length=100,
    description="When it is read again by itself: five fields as cron has them, UTC; empty: never.",
    examples=["0 3 * * *"],
)


Pages = Annotated[int, Field(ge=1, le=MOST_PAGES)]
Depth = Annotated[int, Field(ge=0, le=MOST_DEPTH, description="Links from a start.")]
Bytes = Annotated[
    int,
    Field(
        ge=LEAST_BYTES,
        le=MOST_BYTES,
        description="What one crawl receives at most, in bytes, unpacked.",
        examples=[DEFAULT_BYTES],
    ),
]
Patterns = Annotated[list[str], Field(max_length=MOST_PATTERNS)]
Starts = Annotated[
    list[HttpUrl],
    Field(
        max_length=MOST_STARTS,
        description="Further addresses to begin at. Their hosts belong to the source as well.",
        examples=[["https://docs.example.com/"]],
    ),
]
Sitemaps = Annotated[
    list[HttpUrl],
    Field(
        max_length=MOST_STARTS,
        description="Sitemaps to read beside those that the hosts name, or at `/sitemap.xml`.",
        examples=[["https://www.example.com/help-sitemap.xml"]],
    ),
]


class WebsiteRules(Body):
    """What of a website is read. Patterns are of paths: with ``*``, or their beginnings."""

    start: HttpUrl = Field(examples=["https://www.example.com/"])
    more_starts: Starts = Field(default_factory=list)
    include: Patterns = Field(default_factory=list, examples=[["/docs/*"]])
    exclude: Patterns = Field(default_factory=list, examples=[["/blog/*"]])
    max_pages: Pages = DEFAULT_PAGES
    max_depth: Depth = DEFAULT_DEPTH
    max_bytes: Bytes = DEFAULT_BYTES
    sitemap: bool = Field(default=True, description="Whether sitemaps are looked for.")
    sitemaps: Sitemaps = Field(default_factory=list)
    render: bool = Field(
        default=False,
        description="Read pages once their JavaScript has run (extra `browser`). Much slower.",
    )


class NewWebsite(WebsiteRules):
    """A website to be crawled from ``start`` on, by its sitemap and its links."""

    kind: Literal["website"]
    name: str = Field(default="", max_length=500)
    schedule: str = SCHEDULE


class NewFeed(Body):
    """An RSS or Atom feed, or an OPML list of feeds: the page of every entry is read."""

    kind: Literal["feed"]
    start: HttpUrl = Field(examples=["https://www.example.com/news.xml"])
    name: str = Field(default="", max_length=500)
    max_pages: Pages = DEFAULT_ENTRIES
    schedule: str = SCHEDULE


class NewText(Body):
    """A text that is pasted. Markdown is understood."""

    kind: Literal["text"]
    title: str = Field(min_length=1, max_length=500, examples=["Returns"])
    text: str = Field(
        min_length=1, max_length=900_000, examples=["Goods can be returned within 30 days."]
    )


NewSource = Annotated[NewWebsite | NewFeed | NewText | NewPairs, Field(discriminator="kind")]


class ChangedRules(Body):
    """Rules of a website, or ``max_pages`` of a feed; what is left out stays."""

    more_starts: Starts | None = None
    include: Patterns | None = None
    exclude: Patterns | None = Field(default=None, examples=[["/blog/*"]])
    max_pages: Pages | None = None
    max_depth: Depth | None = None
    max_bytes: Bytes | None = None
    sitemap: bool | None = None
    sitemaps: Sitemaps | None = None
    render: bool | None = None


class SourceChange(Body):
    """What may be changed of a source; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=500)
    paused: bool | None = None
    schedule: str | None = Field(default=None, max_length=100, examples=["0 3 * * *", ""])
    rules: ChangedRules | None = Field(default=None, description="They hold from the next run on.")


class SourceView(BaseModel):
    """A source, what it holds, and its newest run."""

    id: UUID
    knowledge_base_id: UUID
    kind: str
    name: str
    config: dict[str, object]
    paused: bool
    schedule: str
    documents: dict[str, int]
    chunks: int
    last_run: RunView | None
    last_run_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: Source, counts: Counts, last_run: RunView | None) -> SourceView:
        """The view of a record."""
        return cls(
            id=row.id,
            knowledge_base_id=row.knowledge_base_id,
            kind=row.kind,
            name=row.name,
            config=row.config,
            paused=row.paused,
            schedule=row.schedule,
            documents=counts.documents,
            chunks=counts.chunks,
            last_run=last_run,
            last_run_at=row.last_run_at,
            created_at=row.created_at,
        )


class SourceCreated(BaseModel):
    """A source that was made, and the run that reads it."""

    source: SourceView
    run: RunView


class UploadedFile(BaseModel):
    """A file as it arrived."""

    document_id: UUID
    name: str
    sha256: str
    size_bytes: int


class Uploaded(BaseModel):
    """Files that arrived, those that were refused and why, and the run that reads them."""

    files: list[UploadedFile]
    refused: list[dict[str, object]] = Field(default_factory=list)
    run: RunView


class RemovedView(BaseModel):
    """What went."""

    documents: int
    chunks: int


class DocumentView(BaseModel):
    """One page or file, and how reading it went."""

    id: UUID
    knowledge_base_id: UUID
    source_id: UUID
    external_id: str | None
    address: str
    title: str
    state: str
    media_type: str
    language: str
    size_bytes: int
    version: int
    chunks: int
    duplicate_of: UUID | None = Field(
        description="The document that says the same and is searched in place of this one."
    )
    warnings: list[str]
    error: dict[str, str] | None = Field(
        default=None,
        examples=[{"code": "encrypted-document", "detail": "...", "action": "..."}],
    )
    modified_at: datetime | None
    fetched_at: datetime | None
    indexed_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: Document) -> DocumentView:
        """The view of a record."""
        error = {
            "code": row.error_code,
            "detail": row.error_detail,
            "action": row.error_action,
        }
        return cls(
            id=row.id,
            knowledge_base_id=row.knowledge_base_id,
            source_id=row.source_id,
            external_id=row.external_id,
            address=row.address,
            title=row.title,
            state=row.state,
            media_type=row.media_type,
            language=row.language,
            size_bytes=row.size_bytes,
            version=row.version,
            chunks=row.chunk_count,
            duplicate_of=row.duplicate_of,
            warnings=row.warnings,
            error=error if row.error_code else None,
            modified_at=row.modified_at,
            fetched_at=row.fetched_at,
            indexed_at=row.indexed_at,
            created_at=row.created_at,
        )


class DocumentText(DocumentView):
    """A document with its text as Markdown, which the spans of its chunks point into."""

    text: str


class ChunkView(BaseModel):
    """A passage. ``span``: where it stands in the text of its document, in code points."""

    id: UUID
    document_id: UUID
    ordinal: int
    text: str
    span: tuple[int, int]
    heading: list[str]
    page: int | None
    seconds: float | None
    anchor: str | None
    hidden: bool = Field(description="Whether an editor took it out of search.")
    edited: bool = Field(description="Whether an editor changed or hid it.")

    @classmethod
    def of(cls, row: Chunk) -> ChunkView:
        """The view of a record."""
        return cls(
            id=row.id,
            document_id=row.document_id,
            ordinal=row.ordinal,
            text=row.text,
            span=(row.span_start, row.span_end),
            heading=row.heading,
            page=row.page,
            seconds=row.seconds,
            anchor=row.anchor,
            hidden=row.hidden,
            edited=row.edit_id is not None,
        )


class ChunkInDocument(ChunkView):
    """A passage with what is known of its document."""

    document: DocumentView
