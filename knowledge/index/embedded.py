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
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import (
    DiskFull,
    EncoderMismatch,
    FolderLocked,
    FolderNotWritable,
    IndexUnavailable,
)
from knowledge.index.checks import check_points, check_query
from knowledge.index.edge_filter import edge_filter, translate, without_empty
from knowledge.index.points import TIE_MARGIN, ranked, sparse_vector
from knowledge.index.search_index import MAX_UPSERT, Payload, Point, RankedPoint
from knowledge.types import ArmName, Encoding

_SLICE = 64
"""Points written in one call of the engine, which holds the interpreter for about 10 ms."""

_EXACT = 100_000_000
_NO_GRAPH = edge.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=_EXACT)


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

    @classmethod
    def open(cls, folder: Path, spec: EncoderSpec) -> EmbeddedIndex:
        """Open the index in ``folder``, or make an empty one there.

        Raises :class:`FolderLocked` where another process has it open,
        :class:`EncoderMismatch` where another encoder filled it, and
        :class:`FolderNotWritable`, :class:`DiskFull` or :class:`IndexUnavailable`.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check_manifest(folder, spec)
            if not (folder / "shard").is_dir():
                _create(folder, spec)
        except OSError as error:
            raise _fault(error, folder) from error
        with _engine_errors(folder):
            opened = cls(edge.EdgeShard.load(str(folder / "shard")), folder, spec)
            opened._hidden = opened._any_hidden()
        return opened

    @property
    def spec(self) -> EncoderSpec:
        """The encoder whose vectors this index holds."""
        return self._spec

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add or replace points, at most ``MAX_UPSERT`` of them."""
        check_points(points, self._spec)
        self._hidden |= any(point.payload.get("hidden") for point in points)
        for start in range(0, len(points), _SLICE):
            batch = [_edge_point(point) for point in points[start : start + _SLICE]]
            self._update(edge.UpdateOperation.upsert_points(batch))
            await asyncio.sleep(0)

    async def delete(self, condition: models.Filter) -> None:
        """Delete every point that matches."""
        self._update(edge.UpdateOperation.delete_points_by_filter(translate(condition)))

    async def set_payload(self, condition: models.Filter, payload: Payload) -> None:
        """Overwrite the named payload fields of every point that matches."""
        self._hidden |= bool(payload.get("hidden"))
        operation = edge.UpdateOperation.set_payload_by_filter(translate(condition), dict(payload))
        self._update(operation)

    async def search_arms(
        self,
        query: Encoding,
        arms: Sequence[ArmName],
        condition: models.Filter | None,
        limit: int,
    ) -> dict[ArmName, list[RankedPoint]]:
        """The best ``limit`` points of each arm on its own, best first, ties by id."""
        return (await self.search_many([query], arms, condition, limit))[0]

    async def search_many(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: models.Filter | None,
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
        with _engine_errors(self._folder):
            records = shard.retrieve(list(ids), True, True)
        return {point.id: point for point in map(_point, records)}

    async def count(self, condition: models.Filter | None = None) -> int:
        """How many points match, exactly."""
        shard = self._open_shard()
        with _engine_errors(self._folder):
            return int(shard.count(edge.CountRequest(exact=True, filter=edge_filter(condition))))

    async def scroll(
        self, condition: models.Filter | None = None, batch: int = MAX_UPSERT
    ) -> AsyncIterator[list[Point]]:
        """Every point that matches, in batches, in the order of ids."""
        offset = None
        while True:
            shard = self._open_shard()
            with _engine_errors(self._folder):
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
        with _engine_errors(self._folder):
            shard.flush()

    async def close(self) -> None:
        """Flush, and let go of the folder. Closing twice does nothing."""
        if self._shard is None:
            return
        await self.flush()
        shard, self._shard = self._shard, None
        with _engine_errors(self._folder):
            shard.close()

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
        with _engine_errors(self._folder):
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
        with _engine_errors(self._folder):
            answers = shard.query_batch(edge.QueryBatchRequest(requests))
        found = [
            ranked([RankedPoint(_uuid(hit.id), float(hit.score)) for hit in answer], limit)
            for answer in answers
        ]
        return [
            {arm: found[row * len(queries) + at] for row, arm in enumerate(arms)}
            for at in range(len(queries))
        ]


def _check_manifest(folder: Path, spec: EncoderSpec) -> None:
    """Compare the encoder that the folder names with ``spec``; write it where none stands."""
    manifest = folder / "encoder.json"
    if not manifest.exists():
        draft = folder / "encoder.json.new"
        draft.write_text(json.dumps(asdict(spec), indent=1), encoding="utf-8")
        draft.replace(manifest)
        return
    try:
        found = str(json.loads(manifest.read_text(encoding="utf-8"))["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise IndexUnavailable(
            f"{manifest} is damaged.", "Run `candor reindex`: the texts are in the database."
        ) from error
    if found != spec.id:
        raise EncoderMismatch(
            f"The index in {folder} was filled by the encoder {found}, not by {spec.id}.",
            "Run `candor reindex`, or set the encoder back.",
        )


def _create(folder: Path, spec: EncoderSpec) -> None:
    """Make an empty shard beside its place and move it there, so that no half-made one stays."""
    draft = folder / "shard.new"
    shutil.rmtree(draft, ignore_errors=True)
    vectors = {"dense": edge.EdgeVectorParams(size=spec.dense_size, distance=edge.Distance.Dot)}
    config = edge.EdgeConfig(
        vectors=vectors if spec.dense_size else None,
        sparse_vectors={"sparse": edge.EdgeSparseVectorParams()} if spec.sparse else None,
        hnsw_config=_NO_GRAPH,
        wal_enabled=True,
    )
    with _engine_errors(folder):
        shard = edge.EdgeShard.create(str(draft), config)
        fields: list[tuple[str, edge.PayloadSchemaType | edge.KeywordIndexParams]] = [
            ("knowledge_base", edge.KeywordIndexParams(is_tenant=True)),
            ("source", edge.PayloadSchemaType.Keyword),
            ("document", edge.PayloadSchemaType.Keyword),
            ("language", edge.PayloadSchemaType.Keyword),
            ("modified", edge.PayloadSchemaType.Datetime),
            ("hidden", edge.PayloadSchemaType.Bool),
        ]
        for name, schema in fields:
            shard.update(edge.UpdateOperation.create_field_index(name, schema))
        shard.flush()
        shard.close()
    draft.rename(folder / "shard")


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


@contextmanager
def _engine_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _fault(error, folder) from error


def _fault(error: Exception, folder: Path) -> Exception:
    """The typed error behind the engine's words."""
    words = str(error)
    if "WouldBlock" in words:
        return FolderLocked(
            f"The index in {folder} is in use by another process.",
            "Stop the other `candor serve`, or use another data folder (CANDOR_DATA).",
        )
    if "No space left" in words or "os error 28" in words:
        return DiskFull(f"There is no space left for {folder}.", "Free some space and try again.")
    if isinstance(error, PermissionError) or "Permission denied" in words or "Read-only" in words:
        return FolderNotWritable(
            f"The index in {folder} cannot be written: {words}.",
            "Give this user the right to write there, or use another data folder (CANDOR_DATA).",
        )
    if not os.access(folder, os.W_OK):
        return FolderNotWritable(
            f"The folder {folder} cannot be written.",
            "Give this user the right to write there, or use another data folder (CANDOR_DATA).",
        )
    return IndexUnavailable(
        f"The index in {folder} failed: {words}.",
        "If it persists, run `candor reindex`: the texts are in the database.",
    )
