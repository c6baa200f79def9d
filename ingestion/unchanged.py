"""Documents that are as they were: a request, and a line of a record."""

from __future__ import annotations

from typing import Any

from ingestion.records import Records
from ingestion.sources.source import Content, SourceReader
from knowledge.errors import EncoderError, FetchError, IndexFault, ParseError, StoreFault
from knowledge.store.database import DriverError
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import Change, Document, DocumentState, ItemState, RunItem, utc_now

Received = Content | FetchError | ParseError
"""What came of asking for a document: its content, or why there is none."""

OURS = (IndexFault, StoreFault, EncoderError, DriverError)
"""Errors that are not a document's but Candor's own: the run cannot go on."""

NO_ERROR = {"error_code": "", "error_detail": "", "error_action": ""}
_UNCHANGED = Outcome(ItemState.UNCHANGED, change=Change.UNCHANGED)
_READ = (DocumentState.INDEXED, DocumentState.DUPLICATE)


def may_be_as_it_was(document: Document | None) -> bool:
    """Whether a document of a website can be found unchanged without reading it."""
    if document is None or document.stored_file:
        return False
    return bool(document.content_hash) and document.state in _READ


def holds(document: Document, content: Content) -> bool:
    """Whether a document was read from this content, and is indexed or set aside as a copy."""
    return document.content_hash == content.hash and document.state in _READ


class Unchanged:
    """Ends items whose documents are as they were."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def confirm(
        self, source: SourceReader, item: RunItem, document: Document
    ) -> Received | None:
        """Ask for a known document, and end its item where it is as it was; then ``None``.

        Safe to repeat. Raises only what is wrong with Candor itself.
        """
        if source.vouches_for(document):
            await self.vouched_for(item, document)
            return None
        try:
            content = await source.read(item.address, document)
        except (FetchError, ParseError) as error:
            return error
        if content is not None and not self._is_confirmed(source, item, document, content):
            return content
        await self.end(source, item, document, content)
        return None

    def _is_confirmed(
        self, source: SourceReader, item: RunItem, document: Document, content: Content
    ) -> bool:
        is_here = content.address == item.address and not content.tag.noindex
        return is_here and holds(document, content) and document.followed == source.rules

    async def end(
        self, source: SourceReader, item: RunItem, document: Document, content: Content | None
    ) -> None:
        """Record that a document is as it was. ``content`` where it was sent nevertheless."""
        values: dict[str, Any] = {"missing_since": None, "fetched_at": utc_now()} | NO_ERROR
        values["listed_modified"] = source.listed_modified(item.address)
        if document.chunk_count:
            values["state"] = DocumentState.INDEXED
        if content is not None:
            values |= {"etag": content.etag, "last_modified": content.last_modified}
            values["followed"] = source.rules
        await self._records.end_item(item.id, _UNCHANGED, document.id, **values)

    async def vouched_for(self, item: RunItem, document: Document) -> None:
        """Not asked for: when it was fetched last stays, so that it is asked for again one day."""
        await self._records.end_item(item.id, _UNCHANGED, document.id)
