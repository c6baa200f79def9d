"""What people write in the console: kept as a file of its source, and read like any other.

A text is Markdown. Questions with answers are JSON, which is read back as it was written; each
question becomes the heading of its answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from anyio import to_thread

from backend.api.schemas.written import Pair
from backend.data_folder import store_fault
from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.files import read_file, write_file
from knowledge.store.queries.documents import QueuedFile, document_at, queue_files
from knowledge.store.queries.sources import create_source
from knowledge.store.tables import Source, SourceKind

PAIRS = {"format": "pairs"}
_MARKDOWN, _JSON = "text/markdown", "application/json"


def is_pairs(source: Source) -> bool:
    """Whether a source holds questions with answers."""
    return source.kind == SourceKind.TEXT and source.config.get("format") == PAIRS["format"]


def address_of(source: Source) -> str:
    """The address of the one document that a written source has."""
    return f"text:///{source.id}"


async def create_written(
    session: WriteSession,
    folder: Path,
    knowledge_base_id: UUID,
    title: str,
    written: str | Sequence[Pair],
) -> Source:
    """Make a source of a text or of pairs, and queue its document."""
    config = {} if isinstance(written, str) else PAIRS
    source = await create_source(session, knowledge_base_id, SourceKind.TEXT, title, dict(config))
    await keep_written(session, folder, source, written)
    return source


async def keep_written(
    session: WriteSession, folder: Path, source: Source, written: str | Sequence[Pair]
) -> None:
    """Put a text or pairs in the place of what a source held; the caller queues the run."""
    if isinstance(written, str):
        content, media_type = written.encode(), _MARKDOWN
    else:
        listed = [pair.model_dump() for pair in written]
        content, media_type = json.dumps(listed, ensure_ascii=False).encode(), _JSON
    digest = hashlib.sha256(content).hexdigest()
    try:
        await to_thread.run_sync(write_file, folder, digest, content)
    except OSError as error:
        raise store_fault(folder, error) from error
    file = QueuedFile(address_of(source), source.name, digest, len(content), media_type)
    (document,) = await queue_files(session, source.knowledge_base_id, source.id, [file])
    # A text says nothing of its name: what its author called it is what visitors see.
    document.given = document.given | {"title": source.name}


async def read_written(session: ReadSession, folder: Path, source: Source, pairs: bool) -> str:
    """What a source was given, as it was given. Raises :class:`NotFound` for other sources."""
    if source.kind != SourceKind.TEXT or is_pairs(source) != pairs:
        what = "questions and answers" if pairs else "text"
        raise NotFound(f"The source {source.id} holds no {what}.")
    document = await document_at(session, source.id, address_of(source))
    if document is None:
        raise NotFound("The document of this source was removed.", "Add the text anew.")
    return (await to_thread.run_sync(read_file, folder, document.stored_file)).decode()
