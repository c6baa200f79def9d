"""Files that were uploaded, pushed or typed in: they lie in the files folder by their hash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ingestion.parse.reading import FileToRead
from ingestion.sources.source import Content, OwnList
from ingestion.sources.website import FoundPage
from knowledge.crawl_limits import Limit, RunNote
from knowledge.errors import NotFound
from knowledge.store.files import read_file
from knowledge.store.tables import Document


class UploadSource(OwnList):
    """The uploaded files of a source that are to be read."""

    limits: ClassVar[Mapping[Limit, int]] = {Limit.PAGES: 1_000_000}
    received_bytes = 0
    notes: Sequence[RunNote] = ()

    def __init__(self, folder: Path, addresses: list[str]) -> None:
        self._folder = folder
        self._addresses = addresses

    async def pages(self) -> AsyncIterator[FoundPage]:
        """The files that are new or were replaced."""
        for address in self._addresses:
            yield FoundPage(address)

    async def read(self, address: str, known: Document | None) -> Content | None:
        """A file's bytes from the files folder."""
        if known is None:
            raise NotFound("The document was deleted before its turn came.")
        data = await asyncio.to_thread(read_file, self._folder, known.stored_file)
        # A pushed document's name says nothing of its format unless its sender named a file.
        is_pushed = known.external_id is not None
        name = known.given.get("name", "") if is_pushed else address.rsplit("/", 1)[-1]
        file = FileToRead(data, name=name, content_type=known.media_type)
        return Content(file, address, given=known.given)

    async def close(self) -> None:
        """Nothing is open."""
