"""Archives among the documents of a source: each file in them becomes a document of its own."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from ingestion.parse.archive import Member
from ingestion.parse.formats import Format, detect
from ingestion.parse.pool import ParserPool
from ingestion.parse.reading import FileToRead
from ingestion.sources.source import Content
from ingestion.sources.website import FoundPage
from knowledge.errors import EmptyDocument, ParseError
from knowledge.store.database import Database
from knowledge.store.files import write_file
from knowledge.store.queries.documents import QueuedFile, queue_files
from knowledge.store.tables import Document, Run

_ZIP = b"PK\x03\x04"


MOST_ARCHIVES = 2
"""How deep archives within archives are taken apart: one may hold itself."""

_ARCHIVES = "archives"


def archives_around(document: Document) -> int:
    """In how many archives, one within the other, a document was."""
    return int(document.given.get(_ARCHIVES, 0))


def is_archive(data: bytes) -> bool:
    """Whether the bytes are a ZIP archive, and not a document that is packed as one."""
    if not data.startswith(_ZIP):
        return False
    try:
        return detect(FileToRead(data)) is Format.ZIP
    except ParseError:
        return False


class Unpacker:
    """Takes archives apart and queues what was in them."""

    def __init__(self, database: Database, parser: ParserPool, folder: Path) -> None:
        self._database = database
        self._parser = parser
        self._folder = folder

    async def unpack(self, run: Run, archive: Document, content: Content) -> list[FoundPage]:
        """Store every file of an archive as a document that lies under the archive's address.

        Raises a :class:`ParseError` where the archive cannot be read or holds nothing.
        """
        queued: list[QueuedFile] = []

        async def keep(member: Member) -> None:
            digest = hashlib.sha256(member.data).hexdigest()
            await asyncio.to_thread(write_file, self._folder, digest, member.data)
            address = f"{archive.address}/{member.name}"[:1900]
            given = {_ARCHIVES: archives_around(archive) + 1}
            queued.append(QueuedFile(address, member.name, digest, len(member.data), "", given))

        await self._parser.unpack(content.file.data, keep)
        if not queued:
            raise EmptyDocument("The archive holds no files.", "Check the archive.")
        async with self._database.writing() as session:
            await queue_files(session, run.knowledge_base_id, archive.source_id, queued)
        return [FoundPage(file.address, depth=1) for file in queued]
