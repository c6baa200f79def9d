"""What Candor knows: knowledge bases, their sources, documents and chunks, and their terms."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.store.tables.base import Base, Identified, JsonObject, utc_now


class KnowledgeBase(Identified, Base):
    """A set of documents that is searched together.

    ``statistics_version`` grows with every change of its chunks: whoever caches something that is
    computed from them (the collection's document frequencies) compares it. ``rules_version`` does
    the same for its rules.
    """

    __tablename__ = "knowledge_bases"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(1000), default="")
    statistics_version: Mapped[int] = mapped_column(default=0)
    rules_version: Mapped[int] = mapped_column(default=0)


class SourceKind(StrEnum):
    """Where documents come from."""

    WEBSITE = "website"
    UPLOAD = "upload"
    TEXT = "text"
    FEED = "feed"
    PUSH = "push"


class Source(Identified, Base):
    """A place that yields documents.

    ``config`` holds what its kind needs: for a website ``start`` (address), ``include``,
    ``exclude`` (path patterns), ``max_pages``, ``max_depth``, ``sitemap``, ``render``.
    ``webhook_secret`` verifies the signatures of its webhook: it has to be kept as it is, for a
    hash of it could not be compared with anything.
    """

    __tablename__ = "sources"

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[SourceKind] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(500))
    config: Mapped[JsonObject] = mapped_column(default_factory=dict)
    schedule: Mapped[str] = mapped_column(String(100), default="")
    paused: Mapped[bool] = mapped_column(default=False)
    webhook_secret: Mapped[str] = mapped_column(String(200), default="", deferred=True, repr=False)
    last_run_at: Mapped[datetime | None] = mapped_column(default=None)


class DocumentState(StrEnum):
    """Where a document stands. ``MISSING``: gone from its source, kept for the grace period."""

    QUEUED = "queued"
    INDEXED = "indexed"
    FAILED = "failed"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    MISSING = "missing"


class Document(Identified, Base):
    """One page or file.

    ``address`` is where a citation links to; for an upload ``upload:///`` and the file's name.
    ``content_hash`` is the SHA-256 of the bytes as fetched, ``text`` the document as Markdown,
    which chunk spans point into. ``version`` counts the contents it has had. ``term_counts`` is
    what this document adds to the knowledge base's term statistics, so that a change can take
    back exactly what was added: ``uint32`` pairs of term id and number of chunks.

    ``external_id`` is the name that whoever pushed it knows it by, ``given`` what they say of it
    (``title``, ``language``, ``modified_at``), which stands above what the file says; for a file
    out of an archive the number of ``archives`` around it.
    ``listed_modified`` is the time that the sitemap gave when its address was last asked for.
    ``depth`` counts the links from the start of its website, ``followed`` is a digest of the rules
    by which its own links were followed last.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("source_id", "address"),
        Index("ix_documents_external_id", "source_id", "external_id", unique=True),
        Index("ix_documents_listing", "knowledge_base_id", "created_at", "id"),
    )

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE")
    )
    source_id: Mapped[UUID] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(2000))
    external_id: Mapped[str | None] = mapped_column(String(500), default=None)
    given: Mapped[JsonObject] = mapped_column(default_factory=dict)
    title: Mapped[str] = mapped_column(String(1000), default="")
    state: Mapped[DocumentState] = mapped_column(
        String(16), default=DocumentState.QUEUED, index=True
    )
    media_type: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(8), default="")
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    content_hash: Mapped[str] = mapped_column(String(64), default="", index=True)
    stored_file: Mapped[str] = mapped_column(String(100), default="")
    text: Mapped[str] = mapped_column(Text, default="", deferred=True, repr=False)
    marks: Mapped[list[JsonObject]] = mapped_column(default_factory=list, deferred=True, repr=False)
    warnings: Mapped[list[str]] = mapped_column(default_factory=list)
    version: Mapped[int] = mapped_column(default=0)
    chunk_count: Mapped[int] = mapped_column(default=0)
    term_counts: Mapped[bytes] = mapped_column(LargeBinary, default=b"", deferred=True, repr=False)
    duplicate_of: Mapped[UUID | None] = mapped_column(default=None)
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error_detail: Mapped[str] = mapped_column(String(1000), default="")
    error_action: Mapped[str] = mapped_column(String(1000), default="")
    etag: Mapped[str] = mapped_column(String(500), default="")
    last_modified: Mapped[str] = mapped_column(String(100), default="")
    listed_modified: Mapped[str] = mapped_column(String(40), default="")
    depth: Mapped[int] = mapped_column(default=0)
    followed: Mapped[str] = mapped_column(String(16), default="")
    modified_at: Mapped[datetime | None] = mapped_column(default=None)
    fetched_at: Mapped[datetime | None] = mapped_column(default=None)
    indexed_at: Mapped[datetime | None] = mapped_column(default=None)
    missing_since: Mapped[datetime | None] = mapped_column(default=None)


class DocumentBand(Base):
    """One of the numbers that a document shares with others that may say the same.

    ``value``: signed 64 bits. ``exact``: whether it stands for the bytes, and not for a band of the
    text's MinHash signature (``ingestion/near_duplicates.py``).
    """

    __tablename__ = "document_bands"
    __table_args__ = (Index("ix_document_bands_value", "knowledge_base_id", "value"),)

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    value: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE")
    )
    exact: Mapped[bool]


class Chunk(Base):
    """A passage. ``id`` is its point id in the index: UUIDv5 of (knowledge base, document,
    ordinal, content hash), so that indexing twice changes nothing.

    ``passage_hash`` is the SHA-256 of the text it was encoded with. ``edit_id`` names the
    :class:`PassageEdit` that made ``text`` or ``hidden`` what it is; no search finds the hidden.
    """

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_id", "ordinal"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    source_id: Mapped[UUID] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), index=True
    )
    ordinal: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    span_start: Mapped[int]
    span_end: Mapped[int]
    passage_hash: Mapped[str] = mapped_column(String(64))
    heading: Mapped[list[str]] = mapped_column(default_factory=list)
    repeated: Mapped[str] = mapped_column(Text, default="")
    page: Mapped[int | None] = mapped_column(default=None)
    seconds: Mapped[float | None] = mapped_column(default=None)
    anchor: Mapped[str | None] = mapped_column(String(500), default=None)
    hidden: Mapped[bool] = mapped_column(default=False)
    edit_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class PassageEdit(Identified, Base):
    """What an editor made of a passage; it holds wherever the document says ``original``.

    It is put on again whenever the document is read, as long as the passage with these words is
    there. Where the document has changed in it, no chunk names the edit any more.
    """

    __tablename__ = "passage_edits"
    __table_args__ = (UniqueConstraint("document_id", "original_hash"),)

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    original_hash: Mapped[str] = mapped_column(String(64))
    original: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    hidden: Mapped[bool] = mapped_column(default=False)
    editor: Mapped[str] = mapped_column(String(320), default="")
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class TermStatistic(Base):
    """In how many chunks of a knowledge base a sparse term has a weight."""

    __tablename__ = "term_statistics"

    knowledge_base_id: Mapped[UUID] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), primary_key=True
    )
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chunks: Mapped[int]


class IndexRecord(Identified, Base):
    """A vector index and the encoder that filled it. Exactly one is ``active``."""

    __tablename__ = "indexes"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    encoder: Mapped[str] = mapped_column(String(200))
    dense_size: Mapped[int]
    active: Mapped[bool] = mapped_column(default=False)
