"""What every kind of source offers the pipeline: what to read, and how to read it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from ingestion.parse.reading import FileToRead, PageFacts
from ingestion.sources.robots_tag import RobotsTag
from ingestion.sources.website import FoundPage
from knowledge.crawl_limits import Limit, RunNote
from knowledge.store.tables import Document
from knowledge.store.tables.base import JsonObject
from knowledge.types import ParsedDocument


@dataclass(frozen=True)
class Content:
    """Bytes from a source. ``address`` is where they came from in the end, after redirects.

    ``given`` is what their sender says of them (see :class:`Document`), ``tag`` what their server
    asks of crawlers.
    """

    file: FileToRead
    address: str
    etag: str = ""
    last_modified: str = ""
    modified_at: datetime | None = None
    given: JsonObject = field(default_factory=dict)
    tag: RobotsTag = field(default_factory=RobotsTag)

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the bytes, or of the bytes and what their sender says of them."""
        return str(self.given.get("hash") or hashlib.sha256(self.file.data).hexdigest())

    @property
    def is_page(self) -> bool:
        """Whether its sender calls it an HTML page, or does not say what it is."""
        kind = self.file.content_type.split(";")[0].strip().lower()
        return kind in ("", "text/html", "application/xhtml+xml")

    def facts(self, page: PageFacts | None) -> PageFacts | None:
        """What a page says of itself, and its server of it."""
        tag = self.tag
        if not tag.noindex and not tag.nofollow:
            return page
        said = page or PageFacts()
        return replace(
            said,
            links=() if tag.nofollow else said.links,
            noindex=said.noindex or tag.noindex,
            nofollow=said.nofollow or tag.nofollow,
        )

    def as_told(self, parsed: ParsedDocument) -> ParsedDocument:
        """The document with what its sender says of it in place of what it says of itself."""
        told = self.given.get("modified_at")
        return replace(
            parsed,
            title=self.given.get("title") or parsed.title,
            language=self.given.get("language") or parsed.language,
            modified_at=datetime.fromisoformat(told) if told else parsed.modified_at,
        )


class OwnList:
    """The part of a source that names its documents itself, and says no more about them."""

    rules = ""

    def vouches_for(self, known: Document) -> bool:
        """Never: nothing it says is about what stands in a document."""
        return False

    def listed_modified(self, address: str) -> str:
        """None that could be used."""
        return ""

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """None: they are not followed."""
        return []

    def canonical(self, facts: PageFacts, address: str) -> str:
        """Never another: the address in the list is the one to cite."""
        return ""


class SourceReader(Protocol):
    """One source, open for one run."""

    def pages(self) -> AsyncIterator[FoundPage]:
        """What the run begins with."""
        ...

    async def read(self, address: str, known: Document | None) -> Content | None:
        """The bytes at an address; ``None`` where what is ``known`` of it still holds.

        Raises :class:`FetchError`.
        """
        ...

    @property
    def rules(self) -> str:
        """A digest of the rules by which links are followed, or ``""`` where none are."""
        ...

    def vouches_for(self, known: Document) -> bool:
        """Whether it is sure, without asking for it, that a document has not changed."""
        ...

    def listed_modified(self, address: str) -> str:
        """When the source says that an address was changed last, in its words, or ``""``."""
        ...

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """Further pages that a page at ``depth`` leads to."""
        ...

    def canonical(self, facts: PageFacts, address: str) -> str:
        """The address that a page says is its own, or ``""``."""
        ...

    @property
    def limits(self) -> Mapping[Limit, int]:
        """What one run may have; of pages there is always a limit."""
        ...

    @property
    def received_bytes(self) -> int:
        """What came over the network since it was opened, unpacked."""
        ...

    @property
    def notes(self) -> Sequence[RunNote]:
        """What was met on the way to the pages that a reader of the run should know."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
