"""One index for several processes: an owner that serves an embedded one over a Unix socket.

Stands in for a Qdrant server where none is to be had: what is measured with it is what workers do
when one of them dies, and not the index.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import CandorError
from knowledge.index.conditions import Filter
from knowledge.index.search_index import MAX_UPSERT, Payload, Point, RankedPoint, SearchIndex
from knowledge.types import ArmName, Encoding

_LENGTH = struct.Struct("!I")


@asynccontextmanager
async def served(index: SearchIndex, socket: Path) -> AsyncIterator[None]:
    """Serve an index to processes of this machine and user."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                name, arguments = await _read(reader)
                try:
                    if name == "scroll":
                        result: Any = [batch async for batch in index.scroll(*arguments)]
                    else:
                        result = await getattr(index, name)(*arguments)
                except CandorError as error:
                    result = error
                _write(writer, result)
                await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, str(socket)):
        yield


class SharedIndex:
    """A :class:`~knowledge.index.search_index.SearchIndex` that another process owns."""

    def __init__(self, socket: Path, spec: EncoderSpec) -> None:
        self._socket = socket
        self._spec = spec
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def spec(self) -> EncoderSpec:
        """The encoder whose vectors this index holds."""
        return self._spec

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add or replace points."""
        await self._call("upsert", points)

    async def delete(self, condition: Filter) -> None:
        """Delete every point that matches."""
        await self._call("delete", condition)

    async def search_arms(
        self,
        query: Encoding,
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> dict[ArmName, list[RankedPoint]]:
        """The best ``limit`` points of each arm."""
        found: dict[ArmName, list[RankedPoint]] = await self._call(
            "search_arms", query, arms, condition, limit
        )
        return found

    async def search_many(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        """The best ``limit`` points of each arm, for each query."""
        found: list[dict[ArmName, list[RankedPoint]]] = await self._call(
            "search_many", queries, arms, condition, limit
        )
        return found

    async def score(
        self, query: Encoding, arms: Sequence[ArmName], ids: Sequence[UUID]
    ) -> dict[ArmName, dict[UUID, float]]:
        """The score in each arm of the points named."""
        found: dict[ArmName, dict[UUID, float]] = await self._call("score", query, arms, ids)
        return found

    async def retrieve(self, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points named that exist."""
        found: dict[UUID, Point] = await self._call("retrieve", ids)
        return found

    async def count(self, condition: Filter | None = None) -> int:
        """How many points match."""
        found: int = await self._call("count", condition)
        return found

    async def scroll(
        self, condition: Filter | None = None, batch: int = MAX_UPSERT
    ) -> AsyncIterator[list[Point]]:
        """Every point that matches, in batches."""
        for points in await self._call("scroll", condition, batch):
            yield points

    async def set_payload(self, condition: Filter, payload: Payload) -> None:
        """Overwrite payload fields."""
        await self._call("set_payload", condition, payload)

    async def flush(self) -> None:
        """Make all writes so far survive a power loss."""
        await self._call("flush")

    async def optimize(self) -> bool:
        """Make what was written fast to search."""
        done: bool = await self._call("optimize")
        return done

    async def close(self) -> None:
        """Hang up; the index stays with its owner."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _call(self, name: str, *arguments: object) -> Any:
        async with self._lock:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(str(self._socket))
            reader, writer = self._streams
            _write(writer, (name, arguments))
            await writer.drain()
            result = await _read(reader)
        if isinstance(result, Exception):
            raise result
        return result


def _write(writer: asyncio.StreamWriter, value: object) -> None:
    data = pickle.dumps(value)
    writer.write(_LENGTH.pack(len(data)) + data)


async def _read(reader: asyncio.StreamReader) -> Any:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    # Only processes that this benchmark has started know the socket, which lies in its own folder.
    return pickle.loads(await reader.readexactly(length))
