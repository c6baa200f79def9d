"""The worker of a process: it claims queued runs, works them off, and takes over from the dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import structlog

from ingestion.chunk import Chunker
from ingestion.contents import Contents
from ingestion.duplicates import Duplicates
from ingestion.encoding import PassageEncoding
from ingestion.fetch import FetchLimits
from ingestion.indexing import Indexer
from ingestion.jobs import Jobs, Verdict
from ingestion.known import Known
from ingestion.parse.aid import Aid, Need
from ingestion.parse.pool import ParseLimits, ParserPool
from ingestion.pipeline import Pipeline
from ingestion.records import Records
from ingestion.runs import Runs, SourceSettings
from ingestion.schedule import queue_due
from ingestion.settling import Settling
from ingestion.sources.preview import SitePreviewer
from ingestion.sources.unpack import Unpacker
from knowledge.encode.encoder import Encoder
from knowledge.errors import CandorError
from knowledge.index.search_index import SearchIndex
from knowledge.settings import Settings
from knowledge.store.database import Database, DriverError
from knowledge.store.queries import claims
from knowledge.traffic import SEARCHES

log = structlog.get_logger(__name__)

RUNS_AT_ONCE = 4
_POLL_S = 0.5
_HEARTBEAT_S = 5.0
_SCHEDULE_S = 20.0
_LEASE = timedelta(seconds=30)


class Worker:
    """Works off the runs that the API queues, until it is stopped.

    Reads and writes records alone to learn what to do, so that it serves one process or many.
    """

    def __init__(
        self, database: Database, index: SearchIndex, encoder: Encoder, settings: Settings
    ) -> None:
        self._database = database
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"[:100]
        self._records = records = Records(database)
        self._parser = ParserPool(_parse_limits(settings))
        self._indexer = indexer = Indexer(index, PassageEncoding(encoder, SEARCHES))
        spec = encoder.spec
        chunker = Chunker(encoder, settings.chunk_tokens, spec.max_tokens, spec.context)
        unpacker = Unpacker(database, self._parser, settings.files_folder)
        languages = spec.languages
        self._contents = contents = Contents(records, chunker, indexer)
        self._duplicates = duplicates = Duplicates(database, settings.near_duplicates)
        self._settling = settling = Settling(records, contents, duplicates)
        pipeline = Pipeline(records, self._parser, contents, duplicates, unpacker, languages)
        known, sources = Known(database), _source_settings(settings)
        runs = Runs(records, known, pipeline, contents, settling, indexer, sources)
        engine = settings.data / "jobs.sqlite" if database.is_sqlite else database.engine.url
        self._jobs = Jobs(runs, engine, self.id, self._began)
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._tidying: asyncio.Task[None] | None = None
        self._settles: asyncio.Task[None] | None = None
        self._seen: set[UUID] = set()

    async def start(self) -> None:
        """Begin to work off runs, those of processes that died first."""
        await self._beat()
        self._jobs.start()
        await self._take_over()
        self._loop = asyncio.create_task(self._work())
        log.info("worker.started", worker=self.id)

    def wake(self) -> None:
        """There is something to do: look now."""
        self._wake.set()

    async def stop(self) -> None:
        """Let go of everything. Runs that are not through go on at the next start."""
        # Nothing is cancelled on the way: a connection that is left in the middle cannot be closed.
        self._stopping = True
        self._settling.stop()
        if self._tidying is not None:
            self._tidying.cancel()
        self.wake()
        await asyncio.gather(*filter(None, (self._loop, self._settles)), return_exceptions=True)
        self._loop = self._settles = None
        await self._jobs.stop()
        await self._parser.close()
        await self._records.close()
        await self._duplicates.close()
        self._contents.close()
        self._indexer.close()
        async with self._database.writing() as session:
            await claims.forget_worker(session, self.id)
        log.info("worker.stopped", worker=self.id)

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        next_beat, next_schedule = clock() + _HEARTBEAT_S, clock()
        while not self._stopping:
            try:
                if clock() >= next_schedule:
                    next_schedule = clock() + _SCHEDULE_S
                    await queue_due(self._database)
                    self._settle()
                await self._obey()
                await self._claim()
                if clock() >= next_beat:
                    next_beat = clock() + _HEARTBEAT_S
                    await self._beat()
                    await self._take_over()
            except (DriverError, CandorError):
                # The database may be back at the next look; the runs in flight go on meanwhile.
                log.exception("worker.look_failed", worker=self.id)
            if not self._stopping:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_S)

    def _settle(self) -> None:
        """Let copies take the place of originals that were deleted, and compact the index where
        nothing else is to do, unless that goes on already.
        """
        if self._settles is None or self._settles.done():
            self._settles = asyncio.create_task(self._settled())

    async def _settled(self) -> None:
        try:
            await self._settling.settle_all()
            if not self._jobs.active:
                self._tidying = asyncio.create_task(self._indexer.optimize())
                await self._tidying
        except (DriverError, CandorError):
            log.exception("worker.tidying_failed", worker=self.id)

    async def _beat(self) -> None:
        async with self._database.writing() as session:
            await claims.beat(session, self.id)

    async def _obey(self) -> None:
        """Pass on what runs of this process were asked, and forget those that have ended."""
        active = self._jobs.active
        self._seen |= active
        if not self._seen:
            return
        async with self._database.reading() as session:
            wishes = await claims.wishes(session, self._seen)
        for run_id in list(self._seen):
            wish = wishes.get(run_id)
            if wish is None or wish.cancel:
                self._jobs.ask(run_id, Verdict.CANCELLED)
            elif wish.pause:
                self._jobs.ask(run_id, Verdict.PAUSED)
            over = wish is None or wish.over
            if over and run_id not in active and await self._jobs.forget(run_id):
                self._seen.discard(run_id)

    async def _claim(self) -> None:
        """Take queued runs while there is room, first for knowledge bases that have none going."""
        room = RUNS_AT_ONCE - len(self._jobs.active)
        async with self._database.reading() as session:
            queued = await claims.queued_runs(session, RUNS_AT_ONCE)
        for run_id in queued[: max(room, 0)]:
            async with self._database.writing() as session:
                claimed = await claims.claim_run(session, run_id, self.id)
            if claimed:
                self._seen.add(run_id)
                await self._jobs.begin(run_id)

    async def _take_over(self) -> None:
        """Take up the runs of workers whose lease has run out."""
        async with self._database.writing() as session:
            # An embedded data folder has one owner.
            orphans = await claims.take_over(session, self.id, _LEASE, self._database.is_sqlite)
        for run_id in orphans:
            self._seen.add(run_id)
            await self._jobs.begin(run_id)

    async def _began(self, run_id: UUID) -> None:
        """Record that this process works on a run: the engine may hand it to any worker."""
        self._seen.add(run_id)
        async with self._database.writing() as session:
            await claims.assign_run(session, run_id, self.id)


def make_previewer(settings: Settings) -> SitePreviewer:
    """What looks at websites for this installation, as its worker would."""
    source = _source_settings(settings)
    return SitePreviewer(
        source.fetch, source.allowed_private_hosts, _parse_limits(settings), source.browser
    )


def _parse_limits(settings: Settings) -> ParseLimits:
    return ParseLimits(
        timeout_s=settings.parse_timeout_s,
        memory_mb=settings.parse_memory_mb,
        max_bytes=settings.upload_max_bytes,
        aids=tuple(_aids(settings)),
    )


def _aids(settings: Settings) -> Iterator[Aid]:
    if settings.ocr_languages:
        yield Aid(
            Need.OCR, settings.ocr_languages, settings.ocr_timeout_s, settings.parse_memory_mb
        )
    if settings.speech_model:
        yield Aid(
            Need.SPEECH,
            settings.speech_model,
            settings.speech_timeout_s,
            settings.speech_memory_mb,
        )


def _source_settings(settings: Settings) -> SourceSettings:
    return SourceSettings(
        files_folder=settings.files_folder,
        fetch=FetchLimits(
            timeout_s=settings.fetch_timeout_s,
            max_bytes=settings.fetch_max_bytes,
            per_host=settings.crawl_concurrency,
            user_agent=settings.user_agent,
        ),
        allowed_private_hosts=settings.allowed_private_hosts,
        concurrency=settings.crawl_concurrency,
        recheck=timedelta(days=settings.sitemap_recheck_days),
        browser=settings.browser,
    )
