"""The write path, one document at a time: source -> fetch -> parse -> chunk -> encode -> index.

Every stage can be repeated. A document is judged by the hash of its bytes, a passage by the hash
of the text it is encoded with, and both keep their ids, so that doing it again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

import structlog

from ingestion.contents import Contents
from ingestion.duplicates import Duplicates
from ingestion.frontier import Frontier
from ingestion.near_duplicates import Wording
from ingestion.parse.formats import Format
from ingestion.parse.pool import ParserPool
from ingestion.parse.reading import PageFacts, marks_to_json
from ingestion.records import Records
from ingestion.sources.source import Content, SourceReader
from ingestion.sources.unpack import MOST_ARCHIVES, Unpacker, archives_around, is_archive
from ingestion.sources.website import FoundPage
from ingestion.unchanged import NO_ERROR, Received, Unchanged, holds
from knowledge.errors import FetchError, FetchRejected, NotFound, ParseError
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import Change, Document, DocumentState, ItemState, Run, RunItem, utc_now
from knowledge.types import ParsedDocument

log = structlog.get_logger(__name__)

_LARGE = 1_000_000
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Work:
    """One item of a run, with the document at its address (new and not yet stored, or known)."""

    run: Run
    source: SourceReader
    frontier: Frontier
    item: RunItem
    document: Document
    is_new: bool


def _begin(
    run: Run, source: SourceReader, frontier: Frontier, item: RunItem, document: Document | None
) -> Work:
    assert run.source_id is not None
    new = Document(
        id=uuid5(run.source_id, item.address),
        knowledge_base_id=run.knowledge_base_id,
        source_id=run.source_id,
        address=item.address,
        depth=item.depth,
    )
    return Work(run, source, frontier, item, document or new, document is None)


class Pipeline:
    """Takes documents from their source to the index.

    ``languages``: ISO 639-1 codes that the encoder knows, empty where that is unknown; a document
    in another language gets a warning.
    """

    def __init__(
        self,
        records: Records,
        parser: ParserPool,
        contents: Contents,
        duplicates: Duplicates,
        unpacker: Unpacker,
        languages: Sequence[str] = (),
    ) -> None:
        self._records = records
        self._parser = parser
        self._contents = contents
        self._duplicates = duplicates
        self._unpacker = unpacker
        self._languages = languages
        self._unchanged = Unchanged(records)
        # Two documents of the same content that arrive at once must not both find no other.
        self._same_content: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def ingest(
        self,
        run: Run,
        source: SourceReader,
        frontier: Frontier,
        item: RunItem,
        document: Document | None,
        received: Received | None = None,
    ) -> None:
        """Bring one item of a run to its end; what is wrong with it is recorded with it.

        ``document``: the one at the item's address, where there is one already. ``received``:
        what came of asking for it, where that was done before.

        Raises only what is wrong with Candor itself: its database, index or encoder.
        """
        work = _begin(run, source, frontier, item, document)
        try:
            if received is None and not work.is_new and source.vouches_for(work.document):
                await self._unchanged.vouched_for(item, work.document)
                return
            content = await _received(work) if received is None else _told(received)
            if content is None:
                await self._unchanged.end(source, item, work.document, None)
            elif content.address != work.item.address:
                await self._moved(work, content.address)
            else:
                await self._read(work, content)
        except NotFound as error:
            # Deleted by an editor or its sender while it was being read.
            outcome = Outcome(ItemState.SKIPPED, "gone", error.detail)
            await self._records.end_item(item.id, outcome)
        except FetchRejected as error:
            await self._refused(work, error)
        except (FetchError, ParseError) as error:
            await self._failed(work, error)

    async def _read(self, work: Work, content: Content) -> None:
        """Fetched: read the document, follow its links, and index it where it is new."""
        if content.tag.noindex:
            await self._kept_out(work, content)
            return
        known = work.document
        if holds(known, content):
            if known.followed == work.source.rules or not await self._leads_away(work, content):
                await self._unchanged.end(work.source, work.item, known, content)
            return
        # An archive on a website stays one: its files would have no address to cite.
        is_upload = known.stored_file and archives_around(known) < MOST_ARCHIVES
        if is_upload and is_archive(content.file.data):
            await self._unpack(work, content)
            return
        if len(content.file.data) > _LARGE:
            # Small files are through before anyone could see this.
            await self._records.progress(work.item.id, ItemState.FETCHED)
        reading = await self._parser.read(content.file)
        page = content.facts(reading.page)
        if page is not None and await self._is_elsewhere(work, page):
            return
        await self._index(work, content, content.as_told(reading.document_or_raise()))

    async def _leads_away(self, work: Work, content: Content) -> bool:
        """Follow the links of a page that is as it was; whether it is not to be indexed any more.

        The rules have changed since: links that were left out may be wanted now.
        """
        page = content.facts((await self._parser.read(content.file)).page)
        return page is not None and await self._is_elsewhere(work, page)

    async def _kept_out(self, work: Work, content: Content) -> None:
        """Its server asks for it not to be indexed: a page's links are followed all the same."""
        if content.is_page and not content.tag.nofollow:
            page = (await self._parser.read(content.file)).page
            if page is not None:
                await work.frontier.add(work.source.links(page, work.item.depth))
        reason = "Its server asks for it not to be indexed, in the header X-Robots-Tag."
        action = "Take noindex out of the header, for CandorBot at least, if it is to be found."
        await self._skip(work, Outcome(ItemState.SKIPPED, "noindex", reason, action))

    async def _is_elsewhere(self, work: Work, page: PageFacts) -> bool:
        """Follow a page's links; whether its content is not to be indexed from here."""
        await work.frontier.add(work.source.links(page, work.item.depth))
        # What was uploaded or pushed is wanted here, whatever it asks of search engines.
        if page.noindex and not work.document.stored_file:
            reason = "The page asks not to be indexed."
            await self._skip(work, Outcome(ItemState.SKIPPED, "noindex", reason))
            return True
        canonical = work.source.canonical(page, work.item.address)
        if not canonical:
            return False
        there = await self._records.item_state(work.run.id, canonical)
        if there is not None and there[0] in (ItemState.SKIPPED, ItemState.FAILED):
            return False
        await work.frontier.add([FoundPage(canonical, work.item.depth)])
        reason = f"The page says that its address is {canonical}."
        await self._skip(work, Outcome(ItemState.SKIPPED, "same-page", reason))
        return True

    async def _index(self, work: Work, content: Content, parsed: ParsedDocument) -> None:
        """Parsed: index it, unless another document says the same."""
        key = f"{work.run.knowledge_base_id}/{content.hash}"
        async with (
            self._same_content.setdefault(key, asyncio.Lock()),
            self._contents.changing(work.document.id),
        ):
            document, stored = work.document, dict[str, UUID]()
            if not work.is_new:
                document, stored = await self._records.prepare(document)
            values = _read_values(document, content, parsed)
            values["listed_modified"] = work.source.listed_modified(work.item.address)
            values |= {"followed": _followed(work, content), "depth": work.item.depth}
            values["warnings"] = [*parsed.warnings, *self._language_warnings(parsed.language)]
            wording = Wording(values["title"], parsed.text)
            bands = await self._contents.bands(wording)
            original = await self._duplicates.original_of(document, content.hash, wording, bands)
            if original is not None:
                values |= {"state": DocumentState.DUPLICATE, "duplicate_of": original.id}
                outcome = _emptied(document, original.outcome)
                await self._contents.withdraw(
                    work.item.id, document, outcome, values, bands, work.is_new
                )
                return
            values |= {"state": DocumentState.INDEXED, "duplicate_of": None}
            change = Change.CHANGED if document.chunk_count else Change.ADDED
            outcome = Outcome(ItemState.INDEXED, change=change)
            await self._contents.replace(
                work.item.id, document, parsed, stored, values, outcome, bands, work.is_new
            )

    def _language_warnings(self, language: str) -> list[str]:
        if not language or not self._languages or language in self._languages:
            return []
        return [
            f"The document is in a language ({language}) that the encoder was not trained on: "
            "searches will find it by its exact words at best."
        ]

    async def reindex(self, item: RunItem) -> None:
        """Chunk, encode and index a stored document again, without fetching or parsing it."""
        async with self._contents.changing(UUID(item.address)):
            document = await self._records.stored_text(UUID(item.address))
            await self._contents.reindex(item.id, document, {}, Outcome(ItemState.INDEXED))

    # The ends that an item can come to.

    async def _moved(self, work: Work, address: str) -> None:
        await work.frontier.add([FoundPage(address, work.item.depth)])
        reason = f"The address redirects to {address}."
        await self._skip(work, Outcome(ItemState.SKIPPED, "redirected", reason))

    async def _skip(self, work: Work, outcome: Outcome) -> None:
        """End an item whose address holds nothing of its own, and empty its document."""
        if work.is_new:
            await self._records.end_item(work.item.id, outcome)
            return
        await self._contents.empty(
            work.item.id,
            work.document,
            _emptied(work.document, outcome),
            state=DocumentState.SKIPPED,
            content_hash="",
            error_code=outcome.code,
            error_detail=outcome.detail,
            error_action=outcome.action,
        )

    async def _unpack(self, work: Work, content: Content) -> None:
        document = await self._records.ensure_document(work.document)
        pages = await self._unpacker.unpack(work.run, document, content)
        await work.frontier.add(pages)
        reason = f"{len(pages)} files were taken out of the archive."
        await self._records.end_item(
            work.item.id,
            Outcome(ItemState.SKIPPED, "unpacked", reason),
            document.id,
            state=DocumentState.SKIPPED,
            content_hash=content.hash,
            media_type=Format.ZIP.value,
            fetched_at=utc_now(),
            **(NO_ERROR | {"error_detail": reason}),
        )

    async def _refused(self, work: Work, error: FetchRejected) -> None:
        """A page that the server says is gone is missing from now on; it stays for a while."""
        if error.status not in _GONE or (work.is_new and work.item.depth == 0):
            await self._failed(work, error)
        elif not work.document.chunk_count:
            # A link that leads nowhere is a fault of the page that it stands on.
            outcome = Outcome(ItemState.SKIPPED, "broken-link", error.detail, error.action)
            await self._skip(work, outcome)
        else:
            outcome = Outcome.of(error, Change.MISSING)
            await self._records.end_item(
                work.item.id,
                outcome,
                work.document.id,
                state=DocumentState.MISSING,
                missing_since=work.document.missing_since or utc_now(),
                error_code=outcome.code,
                error_detail=outcome.detail,
                error_action=outcome.action,
            )

    async def _failed(self, work: Work, error: FetchError | ParseError) -> None:
        log.info("document.failed", address=work.item.address, error=error.code)
        await self._records.fail_item(work.item, Outcome.of(error), work.document)


async def _received(work: Work) -> Content | None:
    return await work.source.read(work.item.address, None if work.is_new else work.document)


def _told(received: Received) -> Content:
    if isinstance(received, Content):
        return received
    raise received


def _emptied(document: Document, outcome: Outcome) -> Outcome:
    """The outcome, with the change that it is to take a document's passages away."""
    return replace(outcome, change=Change.REMOVED) if document.chunk_count else outcome


def _followed(work: Work, content: Content) -> str:
    """By which rules its links were followed; by none where its server asks for that."""
    return "" if content.tag.nofollow else work.source.rules


def _read_values(document: Document, content: Content, parsed: ParsedDocument) -> dict[str, Any]:
    """What a document's record says once it is read, indexed or not."""
    return {
        "title": parsed.title or document.title,
        "text": parsed.text,
        "marks": marks_to_json(parsed.marks),
        "media_type": parsed.media_type,
        "language": parsed.language,
        "size_bytes": len(content.file.data),
        "content_hash": content.hash,
        "etag": content.etag,
        "last_modified": content.last_modified,
        "modified_at": parsed.modified_at or content.modified_at,
        "fetched_at": utc_now(),
        "version": document.version + 1,
        "missing_since": None,
        **NO_ERROR,
    }
