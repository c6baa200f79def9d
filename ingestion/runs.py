"""A run from its first page to its end, in the steps that a job engine repeats after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog

from ingestion.contents import Contents
from ingestion.fetch import Fetcher, FetchLimits
from ingestion.frontier import Frontier
from ingestion.indexing import Indexer
from ingestion.known import Known
from ingestion.pipeline import Pipeline
from ingestion.records import Records
from ingestion.settling import Settling
from ingestion.sources.feed import FeedSource
from ingestion.sources.pages import WebsiteSource
from ingestion.sources.source import SourceReader
from ingestion.sources.upload import UploadSource
from ingestion.sources.website import FoundPage
from ingestion.unchanged import OURS, Unchanged
from ingestion.wave import Upcoming, Waves
from knowledge.crawl_limits import TRAP, Limit, RunNote
from knowledge.crawl_rules import CrawlRules
from knowledge.errors import CandorError
from knowledge.store.queries.passage_edits import EDIT_RUN
from knowledge.store.queries.run_items import Outcome
from knowledge.store.queries.runs import RETRY_RUN
from knowledge.store.tables import (
    Change,
    Document,
    ItemState,
    Run,
    RunState,
    Source,
    SourceKind,
)

log = structlog.get_logger(__name__)

_PAGES_PER_WRITE = 500
_GRACE_DAYS = 3.0
_NOT_COVERED = RunNote(
    "not-covered",
    "It was not read: the rules of its source, or the site's robots.txt, leave it out now.",
    "Change the rules of the source if it is wanted.",
)
_NO_LIMITS = {Limit.PAGES: 10_000_000}


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What opening a source needs of the settings."""

    files_folder: Path
    fetch: FetchLimits
    allowed_private_hosts: tuple[str, ...] = ()
    concurrency: int = 8
    recheck: timedelta = timedelta(0)
    browser: str = ""


@dataclass(slots=True)
class OpenRun:
    """A run that this process works on. ``reader`` is ``None`` for a run that reads no source.

    ``spent``: bytes that it had received when it was opened here.
    """

    run: Run
    source: Source | None
    reader: SourceReader | None
    frontier: Frontier
    slots: asyncio.Semaphore
    upcoming: Upcoming = field(default_factory=Upcoming)
    spent: int = 0

    @property
    def received_bytes(self) -> int:
        """What the run has received in all."""
        return self.spent + (self.reader.received_bytes if self.reader else 0)

    @property
    def has_spent_all(self) -> bool:
        """Whether it has received as much as it may."""
        most = self.reader.limits.get(Limit.BYTES) if self.reader else None
        return most is not None and self.received_bytes >= most


class Runs:
    """The steps of a run. Each can be repeated; what they share is opened again after a crash."""

    def __init__(
        self,
        records: Records,
        known: Known,
        pipeline: Pipeline,
        contents: Contents,
        settling: Settling,
        indexer: Indexer,
        settings: SourceSettings,
    ) -> None:
        self._records = records
        self._waves = Waves(records, Unchanged(records))
        self._known = known
        self._pipeline = pipeline
        self._contents = contents
        self._settling = settling
        self._indexer = indexer
        self._settings = settings
        self._open: dict[UUID, OpenRun] = {}
        self._opening: dict[UUID, asyncio.Lock] = {}

    async def discover(self, run_id: UUID) -> None:
        """Fill the run's frontier with what it begins with."""
        opened = await self._opened(run_id)
        if opened.reader is None:
            is_edit = opened.run.kind == EDIT_RUN
            known = self._known.edited_addresses if is_edit else self._known.indexed_addresses
            addresses = await known(opened.run.knowledge_base_id)
            await opened.frontier.add(map(FoundPage, addresses))
            return
        batch: list[FoundPage] = []
        async for page in opened.reader.pages():
            batch.append(page)
            if len(batch) == _PAGES_PER_WRITE:
                await opened.frontier.add(batch)
                batch = []
                if opened.frontier.is_done:
                    break
        await opened.frontier.add(batch)
        is_left_out = opened.run.document_id is not None and opened.frontier.is_empty
        await self._note(opened, *([_NOT_COVERED] if is_left_out else []))

    async def next_items(self, run_id: UUID, limit: int, begun: Sequence[str]) -> list[str]:
        """Ids of the next items to be read beside those that are ``begun``, if there are more.

        Known pages that are as they were come to their end here.
        """
        opened = await self._opened(run_id)
        beside = [UUID(name) for name in begun]
        while True:
            await self._count_bytes(opened, beside)
            if opened.reader is None or opened.has_spent_all:
                found = await self._waves.next(opened.run, limit, beside, opened.upcoming)
                return list(map(str, found))
            found, is_any = await self._waves.look(
                opened.run, opened.reader, limit, beside, opened.slots, opened.upcoming
            )
            if found or not is_any:
                return list(map(str, found))

    async def _count_bytes(self, opened: OpenRun, beside: Sequence[UUID]) -> None:
        """Record what the run has received, and let it end where that is as much as it may."""
        if opened.received_bytes > opened.run.fetched_bytes:
            opened.run.fetched_bytes = opened.received_bytes
            await self._records.count_bytes(opened.run.id, opened.received_bytes)
        if opened.has_spent_all:
            await opened.frontier.close(Limit.BYTES, beside)

    async def ingest(
        self, run_id: UUID, item_id: UUID, goes_on: Callable[[], bool] = lambda: True
    ) -> None:
        """Bring one item to its end, unless the run no longer ``goes_on`` when its turn comes.

        Raises only what is wrong with Candor itself.
        """
        opened = await self._opened(run_id)
        async with opened.slots:
            if not goes_on():
                return
            try:
                await self._ingest(opened, item_id)
            except OURS:
                raise
            except CandorError as error:
                await self._records.end_item(item_id, Outcome.of(error))
            except Exception:
                # The edge of a job: one bad file never stops the rest.
                log.exception("item.unexpected", item=str(item_id))
                await self._records.end_item(
                    item_id,
                    Outcome(
                        ItemState.FAILED,
                        "unexpected",
                        "Reading it ran into an error that nobody foresaw.",
                        "Look into the log of the worker, and report it.",
                        Change.FAILED,
                    ),
                )

    async def _ingest(self, opened: OpenRun, item_id: UUID) -> None:
        ahead = opened.upcoming.ahead.pop(item_id, None)
        received = opened.upcoming.received.pop(item_id, None)
        # After a crash the engine goes on with items that this process has not read.
        item, document = ahead or await self._records.item(item_id, opened.run.source_id)
        if opened.reader is None:
            await self._pipeline.reindex(item)
        elif opened.has_spent_all:
            await self._records.end_item(item.id, opened.frontier.beyond(Limit.BYTES))
        else:
            await self._pipeline.ingest(
                opened.run, opened.reader, opened.frontier, item, document, received
            )

    async def finish(self, run_id: UUID) -> None:
        """Remove what has been gone for long, settle copies, and make the index safe.

        The run has succeeded.
        """
        opened = await self._opened(run_id)
        reader = opened.reader
        if opened.source is not None and isinstance(reader, WebsiteSource) and reader.whole:
            await self._remove_gone(opened, opened.source, reader)
        await self._settling.settle(opened.run.knowledge_base_id, run_id)
        await self._indexer.flush()
        await self._note(opened)
        await self._records.end_run(run_id, RunState.SUCCEEDED, None)

    async def stop(self, run_id: UUID, state: RunState, error: CandorError | None = None) -> None:
        """End a run before it is through."""
        await self._indexer.flush()
        await self._records.end_run(run_id, state, error)

    async def close(self, run_id: UUID) -> None:
        """Let go of what a run holds open."""
        self._opening.pop(run_id, None)
        opened = self._open.pop(run_id, None)
        if opened is not None and opened.reader is not None:
            await opened.reader.close()

    async def _note(self, opened: OpenRun, *more: RunNote) -> None:
        """Record what a reader should know of the run; what was noted before a crash stays."""
        if opened.reader is None:
            return
        run, counted = opened.run, (*Limit, TRAP)
        before = (RunNote.from_json(note) for note in run.notes)
        kept = [note for note in before if note.code not in counted]
        notes = list(
            dict.fromkeys([*await opened.frontier.notes(), *kept, *opened.reader.notes, *more])
        )
        if notes:
            await self._records.note_run(run.id, notes)

    async def _remove_gone(self, opened: OpenRun, source: Source, reader: WebsiteSource) -> None:
        days = float(source.config.get("grace_days", _GRACE_DAYS))
        for document in await self._known.gone_documents(source.id, timedelta(days=days)):
            await self._remove(opened.run, document)
        for document in await self._known.documents_of(source.id):
            if not reader.belongs(document.address):
                await self._remove(opened.run, document)

    async def _remove(self, run: Run, document: Document) -> None:
        await self._contents.remove(run.id, document)
        log.info("document.removed", document=str(document.id), address=document.address)

    async def _opened(self, run_id: UUID) -> OpenRun:
        async with self._opening.setdefault(run_id, asyncio.Lock()):
            if run_id not in self._open:
                run, source = await self._records.run(run_id)
                reader = await self._reader(run, source) if source is not None else None
                limits = reader.limits if reader is not None else _NO_LIMITS
                frontier = await Frontier.open(self._records, run_id, limits)
                slots = asyncio.Semaphore(self._settings.concurrency)
                self._open[run_id] = OpenRun(
                    run, source, reader, frontier, slots, spent=run.fetched_bytes
                )
            return self._open[run_id]

    async def _reader(self, run: Run, source: Source) -> SourceReader | None:
        if run.kind == "reindex":
            return None
        if source.kind == SourceKind.WEBSITE:
            return await self._website(run, source)
        if source.kind == SourceKind.FEED:
            return FeedSource(source.config, self._fetcher(), await self._to_retry(run, source))
        if run.kind == RETRY_RUN:
            addresses = [page.address for page in await self._to_retry(run, source)]
        else:
            addresses = await self._known.changed_uploads(source.id)
        return UploadSource(self._settings.files_folder, addresses)

    async def _website(self, run: Run, source: Source) -> WebsiteSource:
        fetcher = self._fetcher()
        try:
            failed = await self._to_retry(run, source)
            known = failed or await self._known_pages(run, source)
            starts = CrawlRules.from_config(source.config).starts
            return await WebsiteSource.open(
                source.config,
                fetcher,
                known,
                whole=not failed,
                recheck=self._settings.recheck,
                browser=self._settings.browser,
                starts=await self._known.held_pages(source.id, starts),
            )
        except BaseException:
            await fetcher.close()
            raise

    async def _to_retry(self, run: Run, source: Source) -> list[FoundPage]:
        """What a retry comes back to: one document, or all that failed.

        Where nothing failed, a website or feed is read again as a whole.
        """
        if run.kind != RETRY_RUN:
            return []
        return await self._known.pages_to_retry(source.id, run.document_id)

    async def _known_pages(self, run: Run, source: Source) -> list[FoundPage]:
        known = await self._known.known_pages(source.id)
        return [*known, *await self._known.unfinished_addresses(run)]

    def _fetcher(self) -> Fetcher:
        return Fetcher(self._settings.fetch, self._settings.allowed_private_hosts)
