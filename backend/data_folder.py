"""The data folder: making it, owning it, and finding the server that owns it.

One process at a time owns a folder that holds the embedded database or index: it keeps a lock on
``candor.lock``, which the system lets go of when the process dies. A server also leaves
``server.json`` (address and a token, readable by this user alone) for the command line.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from knowledge.errors import DiskFull, FolderLocked, FolderNotWritable, StoreFault

LOCK = "candor.lock"
SERVER = "server.json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """How to reach the server of a data folder. ``token`` opens its API to this user."""

    url: str
    pid: int
    token: str
    instance: str


def prepare(folder: Path) -> None:
    """Make the folder where it is missing, and see that it can be written.

    Raises :class:`FolderNotWritable` or :class:`DiskFull`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"candor")
    except OSError as error:
        raise store_fault(folder, error) from error


def store_fault(folder: Path, error: OSError) -> StoreFault:
    """The typed error behind a failed write to the data folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"There is no space left for the data folder {folder}.",
            "Free some space and start again.",
        )
    return FolderNotWritable(
        f"The data folder {folder} cannot be written: {error.strerror or error}.",
        "Let this user write to it, or set CANDOR_DATA to another folder.",
    )


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Own the data folder while the block runs.

    Raises :class:`FolderLocked`, which names the process that owns it.
    """
    prepare(folder)
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            raise FolderLocked(
                f"The data folder {folder} is in use by process {owner}.",
                "Stop that process, or set CANDOR_DATA to another folder.",
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


@contextmanager
def announced(folder: Path, server: RunningServer) -> Iterator[None]:
    """Let the command line find this server while the block runs."""
    file = folder / SERVER
    draft = folder / f"{SERVER}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(asdict(server), out)
    draft.replace(file)
    try:
        yield
    finally:
        if find_server(folder) == server:
            with suppress(FileNotFoundError):
                file.unlink()


def find_server(folder: Path) -> RunningServer | None:
    """The server that the folder names. Whether it still runs, its ``/healthz`` tells."""
    try:
        found = json.loads((folder / SERVER).read_text("utf-8"))
        return RunningServer(**found)
    except (OSError, ValueError, TypeError):
        return None
