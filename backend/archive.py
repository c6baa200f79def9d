"""A backup: one tar file with the database, the vectors and the uploaded files.

::

    candor.json          format, version, encoder, number of points
    candor.sqlite        the database as it was at one moment
    points-000000.npz    vectors and payloads, 2,000 points a file
    files/...            the uploaded files

Vectors are written as they are searched, so nothing is encoded again on the way back, and an
engine other than the one that was backed up can take them.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from knowledge.errors import InvalidInput
from knowledge.index.search_index import MAX_UPSERT, Point, SearchIndex
from knowledge.store.database import Database
from knowledge.store.snapshot import snapshot
from knowledge.types import Encoding, SparseVector

FORMAT = 1
_MANIFEST = "candor.json"
_DATABASE = "candor.sqlite"
_MEMBERS = (_DATABASE, "points-", "files/")
_POINTS_PER_FILE = 2_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    version: str
    encoder: str
    points: int


async def pack(
    database: Database, index: SearchIndex, files: Path, version: str, folder: Path
) -> Path:
    """Write a backup into ``folder`` and return the file.

    Vectors that change while it is written are the newer ones; a passage whose vector is missing
    is found at the restore, which says so. Raises :class:`InvalidInput` on PostgreSQL.
    """
    await snapshot(database, folder / _DATABASE)
    points = 0
    parts: list[Path] = []
    batch: list[Point] = []
    async for found in index.scroll():
        batch += found
        if len(batch) >= _POINTS_PER_FILE:
            parts.append(await _write_points(folder, len(parts), batch))
            points += len(batch)
            batch = []
    if batch:
        parts.append(await _write_points(folder, len(parts), batch))
        points += len(batch)
    manifest = {
        "format": FORMAT,
        "version": version,
        "encoder": index.spec.id,
        "points": points,
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest), "utf-8")
    archive = folder / "backup.tar"
    members = [folder / _MANIFEST, folder / _DATABASE, *parts]
    await to_thread.run_sync(_write_archive, archive, members, files)
    return archive


def unpack(archive: Path, scratch: Path) -> Manifest:
    """Unpack a backup into an empty folder; :func:`settle` puts it in its place.

    Raises :class:`InvalidInput` where the file is not a backup, or not one of this version.
    """
    try:
        with tarfile.open(archive) as tar:
            manifest = _manifest(tar)
            for member in tar:
                if member.name.startswith(_MEMBERS):
                    tar.extract(member, scratch, filter="data")
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise InvalidInput(
            f"{archive} is not a backup of Candor, or is damaged.", "Choose another file."
        ) from error
    return manifest


def settle(scratch: Path, data: Path, files: Path) -> None:
    """Move the database and the files of an unpacked backup to where they are used."""
    (scratch / _DATABASE).replace(data / _DATABASE)
    if (scratch / "files").is_dir():
        (scratch / "files").replace(files)


async def load_points(scratch: Path, index: SearchIndex) -> None:
    """Put the points of a backup into an empty index."""
    for file in await to_thread.run_sync(lambda: sorted(scratch.glob("points-*.npz"))):
        points = await to_thread.run_sync(_read_points, file)
        for start in range(0, len(points), MAX_UPSERT):
            await index.upsert(points[start : start + MAX_UPSERT])
    await index.flush()


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.extractfile(_MANIFEST)
    if member is None:
        raise KeyError(_MANIFEST)
    found: dict[str, Any] = json.load(member)
    if found.get("format") != FORMAT:
        raise InvalidInput(
            f"The backup has the format {found.get('format')}, and this version reads {FORMAT}.",
            "Restore it with the version that wrote it.",
        )
    return Manifest(FORMAT, str(found["version"]), str(found["encoder"]), int(found["points"]))


def _write_archive(archive: Path, members: Sequence[Path], files: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        for member in members:
            tar.add(member, member.name)
            member.unlink()
        if files.is_dir():
            tar.add(files, "files", filter=_without_drafts)


def _without_drafts(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name.startswith(".") else member


async def _write_points(folder: Path, number: int, points: Sequence[Point]) -> Path:
    file = folder / f"points-{number:06}.npz"
    await to_thread.run_sync(lambda: np.savez(file, allow_pickle=False, **_arrays(points)))
    return file


def _arrays(points: Sequence[Point]) -> dict[str, NDArray[Any]]:
    """Columns: ids, payloads, dense rows, and sparse vectors laid end to end with their lengths."""
    sparse = [point.encoding.sparse for point in points]
    dense = [point.encoding.dense for point in points]
    return {
        "ids": np.array([point.id.bytes for point in points], dtype="S16").view(np.uint8),
        "payloads": np.frombuffer(
            json.dumps([dict(point.payload) for point in points]).encode(), dtype=np.uint8
        ),
        "dense": np.stack([row for row in dense if row is not None])
        if all(row is not None for row in dense)
        else np.zeros((0, 0), dtype=np.float32),
        "lengths": np.array([-1 if one is None else len(one) for one in sparse], dtype=np.int64),
        "indices": _joined([one.indices for one in sparse if one is not None], np.uint32),
        "values": _joined([one.values for one in sparse if one is not None], np.float32),
    }


def _joined(columns: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.zeros(0, dtype=kind)


def _read_points(file: Path) -> list[Point]:
    with np.load(file, allow_pickle=False) as arrays:
        ids = arrays["ids"].tobytes()
        payloads = json.loads(arrays["payloads"].tobytes())
        dense = arrays["dense"]
        sparse = _sparse(arrays["lengths"], arrays["indices"], arrays["values"])
        return [
            Point(
                UUID(bytes=ids[16 * row : 16 * row + 16]),
                Encoding(dense[row] if len(dense) else None, vector),
                payload,
            )
            for row, (vector, payload) in enumerate(zip(sparse, payloads, strict=True))
        ]


def _sparse(
    lengths: NDArray[np.int64], indices: NDArray[np.uint32], values: NDArray[np.float32]
) -> Iterator[SparseVector | None]:
    at = 0
    for length in lengths.tolist():
        if length < 0:
            yield None
            continue
        yield SparseVector(indices[at : at + length], values[at : at + length])
        at += length


async def read_in_pieces(file: Path, size: int = 1 << 20) -> AsyncIterator[bytes]:
    """A file's bytes, read in a thread."""
    with file.open("rb") as stream:
        while piece := await to_thread.run_sync(stream.read, size):
            yield piece
