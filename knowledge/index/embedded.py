"""The embedded index: one shard of Qdrant's engine inside this process, in a folder.

What the engine asks of its user, and what is done about it:

- It holds the interpreter's lock during every call, so threads win nothing: calls are made
  directly, and writes go in slices short enough (about 10 ms) that searches get their turn.
- A batch it rejects still stands in its log: everything is checked first (``checks.py``).
- One process owns the folder; a second gets :class:`FolderLocked`. Never use it after a fork.
- Knowledge bases share the shard, separated by a tenant index: an empty shard alone takes 130 MB.
- Dense search is exact (no graph): under 10 ms at 100,000 chunks, and nothing to rebuild.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import (
    IndexUnavailable,
)
from knowledge.index.checks import check_points, check_query
from knowledge.index.compaction import compacted
from knowledge.index.conditions import Filter
from knowledge.index.edge_filter import edge_filter, translate, without_empty
from knowledge.index.points import TIE_MARGIN, ranked, sparse_vector
from knowledge.index.search_index import MAX_UPSERT, Payload, Point, RankedPoint
from knowledge.index.shard_folder import (
    BEFORE,
    COMPACT,
    SHARD,
    check_manifest,
    clear,
    create,
    engine_errors,
    fault,
    recover,
)
from knowledge.types import ArmName, Encoding

_SLICE = 64
"""Points written in one call of the engine, which holds the interpreter for about 10 ms."""

_LEAST_CHANGES = 2_000
_CHANGED_SHARE = 0.25
"""The part of all points that has to have been written until the index is compacted."""


class EmbeddedIndex:
    """A :class:`~knowledge.index.search_index.SearchIndex` in a folder of this machine.

    Make one with :meth:`open`. ``flush`` makes writes survive a power loss; a crash of the
    process loses nothing that was acknowledged.
    """

    def __init__(self, shard: edge.EdgeShard, folder: Path, spec: EncoderSpec) -> None:
        self._shard: edge.EdgeShard | None = shard
        self._folder = folder
        self._spec = spec
        # Nothing is hidden as a rule, and asking every point whether it is doubles a search.
        self._hidden = False
        self._writes = asyncio.Lock()
        self._changed = 0

    @classmethod
    def open(cls, folder: Path, spec: EncoderSpec) -> EmbeddedIndex:
        """Open the index in ``folder``, or make an empty one there.

        Raises :class:`FolderLocked` where another process has it open,
        :class:`EncoderMismatch` where another encoder filled it, and
        :class:`FolderNotWritable`, :class:`DiskFull` or :class:`IndexUnavailable`.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            check_manifest(folder, spec)
            recover(folder)
            if not (folder / SHARD).is_dir():
                create(folder, spec)
        except OSError as error:
            raise fault(error, folder) from error
        with engine_errors(folder):
            opened = cls(edge.EdgeShard.load(str(folder / SHARD)), folder, spec)
            opened._hidden = opened._any_hidden()
            opened._changed = opened._not_yet_compact()
        clear(folder)
        return opened

    @property
    def spec(self) -> EncoderSpec:
        """The encoder whose vectors this index holds."""
        return self._spec

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add or replace points, at most ``MAX_UPSERT`` of them."""
        check_points(points, self._spec)
        async with self._writes:
            self._hidden |= any(point.payload.get("hidden") for point in points)
            self._changed += len(points)
            for start in range(0, len(points), _SLICE):
                batch = [_edge_point(point) for point in points[start : start + _SLICE]]
                self._update(edge.UpdateOperation.upsert_points(batch))
                await asyncio.sleep(0)

    async def delete(self, condition: Filter) -> None:
        """Delete every point that matches."""
        operation = edge.UpdateOperation.delete_points_by_filter(translate(condition))
        async with self._writes:
            self._update(operation)

    async def set_payload(self, condition: Filter, payload: Payload) -> None:
        """Overwrite the named payload fields of every point that matches."""
        operation = edge.UpdateOperation.set_payload_by_filter(translate(condition), dict(payload))
        async with self._writes:
            self._hidden |= bool(payload.get("hidden"))
            self._update(operation)

    async def search_arms(
        self,
        query: Encoding,
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> dict[ArmName, list[RankedPoint]]:
        """The best ``limit`` points of each arm on its own, best first, ties by id."""
        return (await self.search_many([query], arms, condition, limit))[0]

    async def search_many(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        """What ``search_arms`` would answer to each query, in their order, in one call."""
        if condition is not None and not self._hidden:
            condition = without_empty(condition, "hidden")
        return self._arms(queries, arms, edge_filter(condition), limit)

    async def score(
        self, query: Encoding, arms: Sequence[ArmName], ids: Sequence[UUID]
    ) -> dict[ArmName, dict[UUID, float]]:
        """The engine's score in each arm of the points named, wherever they rank."""
        if not ids:
            return {arm: {} for arm in arms}
        condition = edge.Filter(must=[edge.HasIdCondition(set(ids))])
        (ranked,) = self._arms([query], arms, condition, len(ids))
        return {arm: {point.id: point.score for point in ranked[arm]} for arm in arms}

    async def retrieve(self, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points named that exist, with their vectors and payload."""
        if not ids:
            return {}
        shard = self._open_shard()
        with engine_errors(self._folder):
            records = shard.retrieve(list(ids), True, True)
        return {point.id: point for point in map(_point, records)}

    async def count(self, condition: Filter | None = None) -> int:
        """How many points match, exactly."""
        shard = self._open_shard()
        with engine_errors(self._folder):
            return int(shard.count(edge.CountRequest(exact=True, filter=edge_filter(condition))))

    async def scroll(
        self, condition: Filter | None = None, batch: int = MAX_UPSERT
    ) -> AsyncIterator[list[Point]]:
        """Every point that matches, in batches, in the order of ids."""
        offset = None
        while True:
            shard = self._open_shard()
            with engine_errors(self._folder):
                records, offset = shard.scroll(
                    edge.ScrollRequest(
                        offset=offset,
                        limit=batch,
                        filter=edge_filter(condition),
                        with_payload=True,
                        with_vector=True,
                    )
                )
            if records:
                yield [_point(record) for record in records]
            if offset is None:
                return
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Make all writes so far survive a power loss."""
        shard = self._open_shard()
        with engine_errors(self._folder):
            shard.flush()

    async def optimize(self) -> bool:
        """Rewrite the segments without what was deleted, where enough has changed; whether it did.

        Searches go on meanwhile, and writes wait (see ``compaction.py``).
        """
        if self._changed < max(_LEAST_CHANGES, await self.count() * _CHANGED_SHARE):
            return False
        async with self._writes:
            await self.flush()
            done = await compacted(self._folder / SHARD, self._folder / COMPACT)
            if done:
                self._swap()
            self._changed = 0
        await asyncio.to_thread(shutil.rmtree, self._folder / BEFORE, ignore_errors=True)
        return done

    def _swap(self) -> None:
        """Put the compacted copy in the place of the shard. No search comes in between."""
        shard = self._open_shard()
        with engine_errors(self._folder):
            shard.close()
            (self._folder / SHARD).rename(self._folder / BEFORE)
            (self._folder / COMPACT).rename(self._folder / SHARD)
            self._shard = edge.EdgeShard.load(str(self._folder / SHARD))

    async def close(self) -> None:
        """Flush, and let go of the folder. Closing twice does nothing."""
        if self._shard is None:
            return
        await self.flush()
        shard, self._shard = self._shard, None
        with engine_errors(self._folder):
            shard.close()

    def _not_yet_compact(self) -> int:
        """How many points are as they were written, going by what the engine says of its vectors.

        A vector of a compact segment counts as indexed for each of its names.
        """
        info = self._open_shard().info()
        names = bool(self._spec.dense_size) + self._spec.sparse
        return max(int(info.points_count) - int(info.indexed_vectors_count) // names, 0)

    def _any_hidden(self) -> bool:
        # Not by value: this version of the engine never matches a true or false.
        filled = edge.Filter(must_not=[edge.IsEmptyCondition("hidden")])
        request = edge.CountRequest(exact=True, filter=filled)
        return bool(self._open_shard().count(request))

    def _open_shard(self) -> edge.EdgeShard:
        if self._shard is None:
            raise IndexUnavailable(f"The index in {self._folder} has been closed.")
        return self._shard

    def _update(self, operation: edge.UpdateOperation) -> None:
        shard = self._open_shard()
        with engine_errors(self._folder):
            shard.update(operation)

    def _arms(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: edge.Filter | None,
        limit: int,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        for query in queries:
            check_query(query, arms, self._spec)
        shard = self._open_shard()
        # Arm by arm: the engine reads vectors once for neighbours that ask for the same ones.
        requests = [
            edge.QueryRequest(
                limit=limit + TIE_MARGIN,
                query=edge.Query.Nearest(_edge_vector(query, arm), using=arm),
                filter=condition,
            )
            for arm in arms
            for query in queries
        ]
        with engine_errors(self._folder):
            answers = shard.query_batch(edge.QueryBatchRequest(requests))
        found = [
            ranked([RankedPoint(_uuid(hit.id), float(hit.score)) for hit in answer], limit)
            for answer in answers
        ]
        return [
            {arm: found[row * len(queries) + at] for row, arm in enumerate(arms)}
            for at in range(len(queries))
        ]


def _edge_point(point: Point) -> edge.Point:
    arms: list[ArmName] = []
    if point.encoding.dense is not None:
        arms.append("dense")
    if point.encoding.sparse is not None:
        arms.append("sparse")
    vectors: dict[str, Any] = {arm: _edge_vector(point.encoding, arm) for arm in arms}
    return edge.Point(point.id, vectors, dict(point.payload))


def _edge_vector(encoding: Encoding, arm: ArmName) -> list[float] | edge.SparseVector:
    if arm == "dense":
        assert encoding.dense is not None
        dense: list[float] = encoding.dense.tolist()
        return dense
    assert encoding.sparse is not None
    return edge.SparseVector(encoding.sparse.indices.tolist(), encoding.sparse.values.tolist())


def _uuid(id: object) -> UUID:
    assert isinstance(id, UUID)
    return id


def _point(record: edge.Record) -> Point:
    vectors: dict[str, Any] = record.vector if isinstance(record.vector, dict) else {}
    dense = vectors.get("dense")
    sparse = vectors.get("sparse")
    return Point(
        id=_uuid(record.id),
        encoding=Encoding(
            dense=None if dense is None else np.asarray(dense, dtype=np.float32),
            sparse=None if sparse is None else sparse_vector(sparse.indices, sparse.values),
        ),
        payload=record.payload or {},
    )
