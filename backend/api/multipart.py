"""Uploads: a multipart body streamed into the files folder, each file under its SHA-256.

Nothing is held in memory or written twice: the parser hands on pieces of the body as they come.
Writing and hashing happen in a thread, so that a large upload does not keep others waiting.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from anyio import to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from backend.data_folder import store_fault
from knowledge.errors import InvalidInput, LimitExceeded
from knowledge.store.files import place_of

_PIECE = 512 * 1024
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that lies in the files folder under its SHA-256 in hex."""

    name: str
    media_type: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not kept, and why."""

    name: str
    error: LimitExceeded


@dataclass(slots=True)
class Received:
    """What a body held."""

    files: list[ReceivedFile] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)


async def receive_files(
    content_type: str, body: AsyncIterator[bytes], folder: Path, max_bytes: int
) -> Received:
    """Store every file of a multipart body. One over ``max_bytes`` is refused, the rest goes on.

    Raises :class:`InvalidInput` where the body is not multipart or ends too early, and
    :class:`StoreFault` where the folder cannot be written.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInput(
            "Files are uploaded as multipart/form-data, one part named `files` for each.",
            "Send the request as a form with files.",
        )
    receiver = _Receiver(folder, max_bytes)
    parser = MultipartParser(boundary, receiver.callbacks())  # type: ignore[arg-type]
    try:
        await to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
        pending = bytearray()
        async for piece in body:
            pending += piece
            if len(pending) >= _PIECE:
                await to_thread.run_sync(parser.write, bytes(pending))
                pending.clear()
        await to_thread.run_sync(parser.write, bytes(pending))
        parser.finalize()
    except MultipartParseError as error:
        raise InvalidInput("The body is not valid multipart/form-data.") from error
    except OSError as error:
        raise store_fault(folder, error) from error
    finally:
        receiver.discard()
    if receiver.open:
        raise InvalidInput("The upload ended before its last file did.", "Send it again.")
    return receiver.received


class _Receiver:
    """The parser's callbacks, and the part they are in."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.received = Received()
        self.open = False
        self._folder = folder
        self._max_bytes = max_bytes
        self._header = b""
        self._headers: dict[bytes, bytes] = {}
        self._value = b""
        self._name = ""
        self._size = 0
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
        }

    def discard(self) -> None:
        """Remove a file that did not come to its end."""
        if self._file is not None:
            self._file.close()
            with contextlib.suppress(FileNotFoundError):
                Path(self._file.name).unlink()
            self._file = None

    def _begin(self) -> None:
        self.open = True
        self._headers = {}
        self._header = self._value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = clean_name(options.get(b"filename", b"").decode("utf-8", errors="replace"))
        self._size = 0
        self._hash = hashlib.sha256()
        if not self._name:
            return  # a field of the form that is no file
        if len(self.received.files) + len(self.received.refused) >= _MOST_FILES:
            raise InvalidInput(
                f"One request takes at most {_MOST_FILES} files.", "Send the rest in another."
            )
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed in _end or discard
            dir=self._folder, prefix=".upload-", delete=False
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        self._size += end - start
        if self._size > self._max_bytes:
            self.discard()
            self.received.refused.append(
                RefusedFile(
                    self._name,
                    LimitExceeded(
                        f"{self._name} is over {self._max_bytes:,} bytes.",
                        "Split it, or raise CANDOR_UPLOAD_MAX_BYTES.",
                    ),
                )
            )
            return
        piece = data[start:end]
        self._hash.update(piece)
        self._file.write(piece)

    def _end(self) -> None:
        self.open = False
        if self._file is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        digest = self._hash.hexdigest()
        place = place_of(self._folder, digest)
        place.parent.mkdir(exist_ok=True)
        Path(self._file.name).replace(place)
        self._file.close()
        self._file = None
        media_type = self._headers.get(b"content-type", b"").decode("latin-1").split(";")[0]
        self.received.files.append(
            ReceivedFile(self._name, media_type.strip()[:200], digest, self._size)
        )


def clean_name(name: str) -> str:
    """A file's name as it may be shown: no control characters, no way up, folders kept."""
    printable = "".join(c for c in name.replace("\\", "/") if c.isprintable())
    parts = [part for part in printable.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-400:]
