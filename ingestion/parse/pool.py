"""Reading files in child processes, so that a file can at worst end its own reading."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from ingestion.parse.aid import Aid
from ingestion.parse.archive import Member
from ingestion.parse.reading import (
    OUT_OF_MEMORY,
    FileToRead,
    Reading,
    failure_named,
    reading_from_json,
)
from knowledge.errors import DocumentTooLarge, ParserCrashed

log = structlog.get_logger(__name__)

TakeMember = Callable[[Member], Awaitable[None]]
_PIECE = 1 << 20
_FILES_BEFORE_REPLACEMENT = 500
_LARGEST_DOWNLOAD = 8 << 30
"""What a speech model that is named, and not a folder, may take when it is fetched."""

_AIDED_THREADS = 2
_KEPT = ("PATH", "LANG", "TMPDIR", "HOME", "HF_HOME", "HF_HUB_OFFLINE", "TESSDATA_PREFIX")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """``timeout_s`` and ``memory_mb`` are for one file, ``max_bytes`` its size.

    ``aids``: what reads files again that say nothing to the first reading. A child that waits
    ``idle_s`` for a file is ended: each holds a hundred megabytes.
    """

    timeout_s: float = 120.0
    memory_mb: int = 1024
    max_bytes: int = 300_000_000
    processes: int = 2
    idle_s: float = 30.0
    aids: tuple[Aid, ...] = ()


class _Died(Exception):
    """The child ended without an answer; the text is the end of what it printed."""


class _Child:
    """One child process and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._printed: deque[bytes] = deque(maxlen=20)
        self._listener = asyncio.create_task(self._listen())
        self.files = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @classmethod
    async def start(cls, memory_mb: int, *more: str) -> _Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ingestion.parse.child",
            str(memory_mb * 1024 * 1024),
            *more,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            limit=1 << 20,
        )
        return cls(process)

    async def ask(
        self, request: dict[str, Any], data: bytes, take: TakeMember | None = None
    ) -> dict[str, Any]:
        """Send a request, and receive the reply. What follows it, ``take`` gets one by one."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self.files += 1
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            # In pieces: what a pipe does not take at once is copied.
            for start in range(0, len(data), _PIECE):
                stdin.write(data[start : start + _PIECE])
                await stdin.drain()
            await stdin.drain()
            line = await _read_line(stdout)
            reply: dict[str, Any] = json.loads(line)
            for name, size in reply.get("members", ()):
                member = Member(name, await stdout.readexactly(size))
                if take is not None:
                    await take(member)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError) as error:
            await self.stop()
            raise _Died(b"".join(self._printed).decode("utf-8", "replace")[-500:]) from error
        return reply

    async def stop(self) -> None:
        """End the process and wait for it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        await self._listener

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(4096):
            self._printed.append(chunk)


class ParserPool:
    """Reads files, each in a child process. Use as an async context manager, or close it."""

    def __init__(self, limits: ParseLimits | None = None) -> None:
        self.limits = limits or ParseLimits()
        self._slots = asyncio.Semaphore(self.limits.processes)
        # What takes minutes must not keep what takes a moment waiting.
        self._slow_slot = asyncio.Semaphore(1)
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._rest: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """The process ids of the children that there are."""
        return [child.pid for child in (*self._idle, *self._busy)]

    async def __aenter__(self) -> ParserPool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End every idle child."""
        if self._rest is not None:
            self._rest.cancel()
        await self._stop_idle()
        if self._ending is not None:
            await self._ending

    async def _stop_idle(self) -> None:
        while self._idle:
            await self._idle.pop().stop()

    async def read(self, file: FileToRead) -> Reading:
        """Read a file; what is wrong with it is in the reading, not raised.

        A file that crashes the reader is read once more by the simplest one of its format, and one
        that needs an aid which is turned on once more with that.
        """
        reading = await self._read(file)
        aid = next((aid for aid in self.limits.aids if aid.need is reading.need), None)
        if aid is None:
            return reading
        aided = await self._read_aided(file, aid)
        if aided.document is not None or reading.document is None:
            return aided
        assert aided.failure is not None
        log.info("parser.aid_failed", name=file.name, error=aided.failure.code)
        warnings = (*reading.document.warnings, aided.failure.detail)
        return replace(reading, document=replace(reading.document, warnings=warnings))

    async def _read_aided(self, file: FileToRead, aid: Aid) -> Reading:
        try:
            async with self._slow_slot:
                child = await _Child.start(aid.memory_mb, str(_LARGEST_DOWNLOAD))
                try:
                    reply = await self._answer(child, self._request(file, aid=aid), file, aid)
                finally:
                    # It may hold a model of a gigabyte.
                    await child.stop()
        except _Died as error:
            return Reading(failure=_reason_of_death(str(error)))
        except DocumentTooLarge as error:
            return Reading(failure=error)
        return reading_from_json(reply)

    async def _read(self, file: FileToRead) -> Reading:
        try:
            reply = await self._ask(file)
        except _Died as first:
            log.warning("parser.crashed", name=file.name, printed=str(first)[-200:])
            try:
                reply = await self._ask(file, plain=True)
            except _Died as second:
                return Reading(failure=_reason_of_death(str(second)))
            except DocumentTooLarge as error:
                return Reading(failure=error)
        except DocumentTooLarge as error:
            return Reading(failure=error)
        return reading_from_json(reply)

    async def unpack(self, data: bytes, take: TakeMember) -> None:
        """Hand every file of a ZIP archive to ``take``, one at a time: together they may be large.

        Raises a :class:`ParseError` where the archive cannot be unpacked.
        """
        try:
            reply = await self._ask(FileToRead(data), take=take)
        except _Died as error:
            raise _reason_of_death(str(error)) from error
        if "members" not in reply:
            raise failure_named(**reply["failure"])

    def _request(
        self,
        file: FileToRead,
        *,
        plain: bool = False,
        unpack: bool = False,
        aid: Aid | None = None,
    ) -> dict[str, Any]:
        if len(file.data) > self.limits.max_bytes:
            raise DocumentTooLarge(
                f"The file has {len(file.data):,} bytes; the limit is {self.limits.max_bytes:,}.",
                "Split it into parts, or raise CANDOR_UPLOAD_MAX_BYTES.",
            )
        return {
            "name": file.name,
            "content_type": file.content_type,
            "address": file.address,
            "size": len(file.data),
            "plain": plain,
            "unpack": unpack,
            "need": aid.need if aid else None,
            "model": aid.model if aid else "",
            "cpu_seconds": aid.timeout_s * _AIDED_THREADS if aid else self.limits.timeout_s,
        }

    async def _ask(
        self, file: FileToRead, *, plain: bool = False, take: TakeMember | None = None
    ) -> dict[str, Any]:
        request = self._request(file, plain=plain, unpack=take is not None)
        async with self._slots:
            child = self._idle.pop() if self._idle else await _Child.start(self.limits.memory_mb)
            answer = await self._answer(child, request, file, take=take)
            if child.files >= _FILES_BEFORE_REPLACEMENT:
                await child.stop()
            else:
                self._keep(child)
            return answer

    def _keep(self, child: _Child) -> None:
        """Keep a child for the next file, and end those that none has come for."""
        self._idle.append(child)
        if self._rest is not None:
            self._rest.cancel()
        loop = asyncio.get_running_loop()
        self._rest = loop.call_later(self.limits.idle_s, self._end_idle)

    def _end_idle(self) -> None:
        self._ending = asyncio.create_task(self._stop_idle())

    async def _answer(
        self,
        child: _Child,
        request: dict[str, Any],
        file: FileToRead,
        aid: Aid | None = None,
        take: TakeMember | None = None,
    ) -> dict[str, Any]:
        """Ask a child within the time limit; it is stopped where no answer comes."""
        timeout_s = aid.timeout_s if aid else self.limits.timeout_s
        self._busy.add(child)
        try:
            async with asyncio.timeout(timeout_s):
                return await child.ask(request, file.data, take)
        except TimeoutError as error:
            await child.stop()
            setting = f"CANDOR_{aid.need.upper()}_TIMEOUT_S" if aid else "CANDOR_PARSE_TIMEOUT_S"
            raise DocumentTooLarge(
                f"Reading the file took longer than {timeout_s:g} s.",
                f"Split it into parts, or raise {setting}.",
            ) from error
        except asyncio.CancelledError:
            await child.stop()
            raise
        finally:
            self._busy.discard(child)


def _reason_of_death(printed: str) -> DocumentTooLarge | ParserCrashed:
    if "memory allocation" in printed or "MemoryError" in printed or "bad_alloc" in printed:
        return OUT_OF_MEMORY
    return ParserCrashed(
        "The reader died on the file.", "Save it again or in another format, and add that."
    )


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    """A line of any length: a reply can be far longer than the stream's buffer."""
    pieces = []
    while True:
        try:
            pieces.append(await stream.readuntil(b"\n"))
        except asyncio.LimitOverrunError as error:
            pieces.append(await stream.readexactly(error.consumed))
            continue
        return b"".join(pieces)


def _environment() -> dict[str, str]:
    """No secret of this process reaches a reader; native libraries keep to one thread."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS")
    return (
        kept
        | dict.fromkeys(threads, "1")
        | {
            "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "2",
        }
    )
