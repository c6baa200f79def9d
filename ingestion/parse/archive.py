"""ZIP archives: their files, within limits on number, size and compression."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from knowledge.errors import DamagedDocument, DocumentTooLarge, EncryptedDocument

MOST_FILES = 5_000
MOST_BYTES = 300_000_000
LARGEST_FILE = 100_000_000
_JUNK = re.compile(r"(?:^|/)(?:__MACOSX/|\.[^./\\])")
_LINK = 0o120000
_KIND_OF_FILE = 0o170000


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive, under a name that is safe to show and never a path to write to."""

    name: str
    data: bytes


def unpack(data: bytes) -> list[Member]:
    """Every file of the archive but hidden ones, in its order.

    Sizes are counted while unpacking, whatever the archive's directory says. Raises
    :class:`DamagedDocument`, :class:`EncryptedDocument` or :class:`DocumentTooLarge`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _members(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise DamagedDocument(
            f"The archive is damaged: {error}.", "Pack it again and add the new copy."
        ) from error
    except (RuntimeError, NotImplementedError) as error:
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            raise EncryptedDocument(
                "The archive is protected with a password.", "Pack it without a password."
            ) from error
        raise DamagedDocument(
            f"The archive uses a method that is not read: {error}.", "Pack it as a plain ZIP."
        ) from error


def _members(archive: zipfile.ZipFile) -> list[Member]:
    entries = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not _is_link(entry) and not _JUNK.search(entry.filename)
    ]
    if len(entries) > MOST_FILES:
        raise DocumentTooLarge(
            f"The archive holds {len(entries):,} files; the limit is {MOST_FILES:,}.",
            "Split it into parts.",
        )
    members, left = [], MOST_BYTES
    names: set[str] = set()
    for entry in entries:
        with archive.open(entry) as file:
            content = file.read(min(left, LARGEST_FILE) + 1)
        left -= len(content)
        if left < 0 or len(content) > LARGEST_FILE:
            raise DocumentTooLarge(
                f"{safe_name(entry.filename)} or the whole archive unpacks to too much.",
                f"The limits are {LARGEST_FILE:,} bytes a file and {MOST_BYTES:,} in all.",
            )
        name = _unused(safe_name(entry.filename), names)
        names.add(name)
        members.append(Member(name, content))
    return members


def _is_link(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a symbolic link, whose content is nothing but a path."""
    return (entry.external_attr >> 16) & _KIND_OF_FILE == _LINK


def _unused(name: str, used: set[str]) -> str:
    """The name, numbered where another file has it once both are safe."""
    number, found = 2, name
    while found in used:
        folder, slash, last = name.rpartition("/")
        stem, dot, suffix = last.partition(".")
        found = f"{folder}{slash}{stem} ({number}){dot}{suffix}"
        number += 1
    return found


def safe_name(name: str) -> str:
    """The name without what cannot be seen and without steps out of its folder."""
    seen = "".join(c for c in name.replace("\\", "/") if c.isprintable())
    parts = [part for part in seen.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-500:] or "file"
