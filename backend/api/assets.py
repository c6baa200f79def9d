"""Files for browsers, read once: with entity tags, compressed, under a digest of them all."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import brotli

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    content: bytes
    gzip: bytes
    brotli: bytes
    media_type: str
    etag: str

    def encoded(self, accepted: str) -> tuple[bytes, str]:
        """The bytes to send and how they are encoded: the smallest that is accepted."""
        taken = {
            name.strip().lower()
            for name, _, weight in (one.partition(";") for one in accepted.split(","))
            if not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
        }
        if "br" in taken:
            return self.brotli, "br"
        return (self.gzip, "gzip") if "gzip" in taken else (self.content, "")


class Assets:
    """Files by the path they are served at.

    ``digest`` is the first 12 hex digits of the SHA-256 over all of them, names and contents.
    """

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._files = {name: _asset(name, content) for name, content in contents.items()}
        whole = hashlib.sha256()
        for name in sorted(self._files):
            whole.update(name.encode() + b"\0" + self._files[name].content)
        self.digest = whole.hexdigest()[:12]

    @classmethod
    def of_folder(cls, folder: Path) -> Assets:
        """Every file of a folder, at its path in there."""
        return cls({name: file.read_bytes() for name, file in _walk(folder)})

    def find(self, path: str) -> Asset | None:
        """The file at a path, never anything outside the folders."""
        return self._files.get(path)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in _TYPES:
            yield file.relative_to(folder).as_posix(), file


def _asset(name: str, content: bytes) -> Asset:
    return Asset(
        content=content,
        gzip=gzip.compress(content, compresslevel=9, mtime=0),
        brotli=brotli.compress(content, quality=11),
        media_type=_TYPES[PurePosixPath(name).suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
    )
