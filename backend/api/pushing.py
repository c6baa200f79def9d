"""Putting and deleting pushed documents: what the API and the webhooks have in common."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from anyio import to_thread
from pydantic import ValidationError

from backend.api.schemas.pushing import PushedText, Told
from backend.api.state import AppState
from backend.data_folder import store_fault
from knowledge.errors import Conflict, InvalidInput, NotFound
from knowledge.index.conditions import belonging_to
from knowledge.store.database import WriteSession
from knowledge.store.files import write_file
from knowledge.store.queries.documents import remove_document
from knowledge.store.queries.pushed import (
    PushedFile,
    Put,
    document_id,
    find_pushed,
    put_document,
)
from knowledge.store.queries.runs import queue_run
from knowledge.store.tables import Run, Source

_PAGE = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What deleting came to; ``document_id`` also where there was none."""

    document_id: UUID
    documents: int
    chunks: int


async def file_of_text(state: AppState, external_id: str, pushed: PushedText) -> PushedFile:
    """Keep a pushed text or HTML as a file. Raises :class:`StoreFault`."""
    if pushed.html is not None:
        # A fragment without an outermost element would pass for plain text.
        whole = bool(_PAGE.match(pushed.html))
        content, media_type = pushed.html if whole else f"<!doctype html>{pushed.html}", "text/html"
    else:
        content, media_type = pushed.text or "", "text/markdown"
    data = content.encode("utf-8", "replace")
    digest = hashlib.sha256(data).hexdigest()
    folder = state.options.files_folder
    try:
        await to_thread.run_sync(write_file, folder, digest, data)
    except OSError as error:
        raise store_fault(folder, error) from error
    return file_as_told(external_id, digest, len(data), f"{media_type}; charset=utf-8", pushed)


def file_as_told(
    external_id: str, sha256: str, size_bytes: int, media_type: str, told: Told, name: str = ""
) -> PushedFile:
    """A file that lies in the files folder, with what its sender says of it."""
    return PushedFile(
        external_id=external_id,
        sha256=sha256,
        size_bytes=size_bytes,
        media_type=media_type[:200],
        address=str(told.address) if told.address else "",
        told=told.as_json() | ({"name": name} if name else {}),
    )


async def put(session: WriteSession, source: Source, pushed: PushedFile) -> tuple[Put, Run | None]:
    """Put a document, and queue the run that reads it where it has changed.

    Raises :class:`Conflict` where the source is paused or another document has the address.
    """
    if source.paused:
        raise Conflict(f"The source {source.name} is paused.", "Let it go on first.")
    done = await put_document(session, source, pushed)
    if not done.changed:
        return done, None
    return done, await queue_run(session, source.knowledge_base_id, source.id)


async def delete(session: WriteSession, source: Source, external_id: str) -> Deleted:
    """Remove a document's records. One that is not there is removed already."""
    known = document_id(source.id, external_id)
    try:
        found = await find_pushed(session, source.id, external_id)
    except NotFound:
        return Deleted(known, 0, 0)
    return Deleted(found.id, 1, await remove_document(session, found))


async def delete_points(state: AppState, deleted: Deleted) -> None:
    """Take a document out of the index, once its records are gone.

    Done for one that has no records as well: a request that is repeated after a crash in between
    finishes what the first began.
    """
    await state.index.delete(belonging_to("document", deleted.document_id))


def told_wrong(error: ValidationError) -> InvalidInput:
    """What is wrong with a body that was read by hand."""
    told = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()[:5]
    )
    return InvalidInput(f"{told}.", "Correct the request and send it again.")
