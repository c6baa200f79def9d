"""A request's body as a file: streamed into the files folder under its SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from anyio import to_thread

from backend.data_folder import store_fault
from knowledge.errors import LimitExceeded
from knowledge.store.files import place_of

_PIECE = 512 * 1024


async def receive_body(body: AsyncIterator[bytes], folder: Path, max_bytes: int) -> tuple[str, int]:
    """Store a body; its SHA-256 in hex and its size.

    Raises :class:`LimitExceeded` where it is over ``max_bytes``, and :class:`StoreFault` where
    the folder cannot be written.
    """
    try:
        file = await to_thread.run_sync(_begin, folder)
        try:
            digest, size = hashlib.sha256(), 0
            pending = bytearray()
            async for piece in body:
                pending += piece
                size += len(piece)
                if size > max_bytes:
                    raise LimitExceeded(
                        f"The document is over {max_bytes:,} bytes.",
                        "Split it, or raise CANDOR_UPLOAD_MAX_BYTES.",
                    )
                if len(pending) >= _PIECE:
                    await to_thread.run_sync(_write, file, digest, bytes(pending))
                    pending.clear()
            await to_thread.run_sync(_write, file, digest, bytes(pending))
            await to_thread.run_sync(_keep, file, folder, digest.hexdigest())
        finally:
            await to_thread.run_sync(_discard, file)
    except OSError as error:
        raise store_fault(folder, error) from error
    return digest.hexdigest(), size


def _begin(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=folder, prefix=".upload-", delete=False)


def _write(file: IO[bytes], digest: hashlib._Hash, piece: bytes) -> None:
    digest.update(piece)
    file.write(piece)


def _keep(file: IO[bytes], folder: Path, name: str) -> None:
    file.flush()
    os.fsync(file.fileno())
    place = place_of(folder, name)
    place.parent.mkdir(exist_ok=True)
    Path(file.name).replace(place)


def _discard(file: IO[bytes]) -> None:
    """Remove what was not kept."""
    file.close()
    with contextlib.suppress(FileNotFoundError):
        Path(file.name).unlink()
