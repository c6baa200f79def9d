"""``candor backup`` and ``candor restore``: everything of an installation in one file."""

from __future__ import annotations

import dataclasses
import errno
import os
import tempfile
from pathlib import Path
from typing import Any

from anyio import to_thread

from backend import data_folder
from backend.archive import Manifest, load_points, settle, unpack
from backend.cli.connection import Api
from backend.services import Parts, is_embedded, open_parts
from knowledge.errors import Conflict, DiskFull, EncoderMismatch, InvalidInput, StoreFault
from knowledge.store.queries.totals import totals

_SCRATCH = ".restore-"


async def backup(api: Api, file: Path) -> dict[str, Any]:
    """Write the backup that the API makes. A file that is there already is never replaced.

    Raises :class:`InvalidInput` and :class:`StoreFault`.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    if await to_thread.run_sync(file.exists):
        raise InvalidInput(f"There is a file {file} already.", "Choose another name.")
    try:
        with draft.open("xb") as out:
            async for piece in api.stream("POST", "/backups"):
                await to_thread.run_sync(out.write, piece)
        draft.replace(file)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        await to_thread.run_sync(lambda: draft.unlink(missing_ok=True))
    size = await to_thread.run_sync(file.stat)
    return {"file": str(file), "bytes": size.st_size}


async def restore(parts: Parts, file: Path) -> dict[str, Any]:
    """Put a backup into an empty data folder.

    Raises :class:`Conflict` where the folder holds something, :class:`InvalidInput` where the file
    is no backup, and :class:`EncoderMismatch` where it was made with another encoder.
    """
    settings = parts.settings
    if not is_embedded(settings) or settings.database_url.get_secret_value():
        raise InvalidInput(
            "A backup goes into a data folder of its own.",
            "Leave CANDOR_DATABASE_URL and CANDOR_QDRANT_URL empty, and set CANDOR_DATA.",
        )
    if not await to_thread.run_sync(file.is_file):
        raise InvalidInput(f"There is no file {file}.", "Check the path.")
    data_folder.prepare(settings.data)
    with tempfile.TemporaryDirectory(dir=settings.data, prefix=_SCRATCH) as folder:
        scratch = Path(folder)
        with data_folder.owned(settings.data):
            _refuse_filled(settings.data)
            try:
                manifest = await to_thread.run_sync(unpack, file, scratch)
                settle(scratch, settings.data, settings.files_folder)
            except OSError as error:
                raise data_folder.store_fault(settings.data, error) from error
        points, chunks = await _fill_index(parts, manifest, scratch)
    return {
        "data": str(settings.data),
        "version": manifest.version,
        "points": points,
        "missing": max(0, chunks - points),
    }


async def _fill_index(parts: Parts, manifest: Manifest, scratch: Path) -> tuple[int, int]:
    """Put the vectors into a new index. Returns how many points and chunks there are."""
    async with open_parts(dataclasses.replace(parts, fresh_index=True)) as state:
        if state.encoder.spec.id != manifest.encoder:
            raise EncoderMismatch(
                f"The backup was made with the encoder {manifest.encoder}; the settings name "
                f"{state.encoder.spec.id}.",
                "The texts are restored: `candor reindex` encodes them again.",
            )
        await load_points(scratch, state.index)
        async with state.database.reading() as session:
            chunks = (await totals(session)).chunks
        return await state.index.count(), chunks


def _refuse_filled(folder: Path) -> None:
    found = [entry.name for entry in folder.iterdir() if _counts(entry.name)]
    if found:
        raise Conflict(
            f"The data folder {folder} is not empty: it holds {found[0]}.",
            "Set CANDOR_DATA to an empty folder.",
        )


def _counts(name: str) -> bool:
    return name not in (data_folder.LOCK, data_folder.SERVER) and not name.startswith(_SCRATCH)


def _unwritable(file: Path, error: OSError) -> StoreFault:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"There is no space left for {file}.", "Choose another disk.")
    return StoreFault(
        f"{file} cannot be written: {error.strerror or error}.", "Choose another place."
    )
