"""What every kind of source offers the pipeline: what to read, and how to read it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from ingestion.parse.reading import FileToRead, PageFacts
from ingestion.sources.website import FoundPage
from knowledge.store.tables import Document


@dataclass(frozen=True)
class Content:
    """Bytes from a source. ``address`` is where they came from in the end, after redirects."""

    file: FileToRead
    address: str
    etag: str = ""
    last_modified: str = ""
    modified_at: datetime | None = None

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.file.data).hexdigest()


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

    def links(self, facts: PageFacts, depth: int) -> list[FoundPage]:
        """Further pages that a page at ``depth`` leads to."""
        ...

    def canonical(self, facts: PageFacts, address: str) -> str:
        """The address that a page says is its own, or ``""``."""
        ...

    @property
    def room(self) -> int:
        """The most pages that one run may have."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
