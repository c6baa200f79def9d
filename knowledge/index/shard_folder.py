"""The folder of an embedded index: making it, checking whose it is, and what its faults mean."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import qdrant_edge as edge

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import (
    DiskFull,
    EncoderMismatch,
    FolderLocked,
    FolderNotWritable,
    IndexUnavailable,
)

SHARD, COMPACT, BEFORE = "shard", "shard.compact", "shard.before"
"""The shard, a compacted copy of it, and what it was before the copy took its place."""

_EXACT = 100_000_000
_NO_GRAPH = edge.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=_EXACT)


def recover(folder: Path) -> None:
    """Undo a swap that a crash has left in the middle."""
    if (folder / BEFORE).is_dir() and not (folder / SHARD).is_dir():
        (folder / BEFORE).rename(folder / SHARD)


def clear(folder: Path) -> None:
    """Remove what a crash has left of a swap. Only who has the shard open owns the folder."""
    for rest in (BEFORE, COMPACT):
        shutil.rmtree(folder / rest, ignore_errors=True)


def check_manifest(folder: Path, spec: EncoderSpec) -> None:
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


def create(folder: Path, spec: EncoderSpec) -> None:
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
    with engine_errors(folder):
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
    draft.rename(folder / SHARD)


@contextmanager
def engine_errors(folder: Path) -> Iterator[None]:
    """Turn what the engine raises into typed errors."""
    try:
        yield
    except Exception as error:
        raise fault(error, folder) from error


def fault(error: Exception, folder: Path) -> Exception:
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
