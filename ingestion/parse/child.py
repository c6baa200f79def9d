"""The process that reads files: one request at a time from standard input, until it closes.

A request is a JSON line followed by the file's bytes, a reply a JSON line followed by bytes where
the request was to unpack an archive. JSON and not pickle: what a hostile file might make of this
process must not be able to run anything in its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from typing import IO, Any

from ingestion.parse.aid import Need
from ingestion.parse.archive import unpack
from ingestion.parse.language import language_identifier
from ingestion.parse.reader import read
from ingestion.parse.reading import OUT_OF_MEMORY, TOO_DEEP, FileToRead, Reading, reading_to_json
from knowledge.errors import ParseError

_LARGEST_SCRATCH_FILE = 16 << 20
_GIVES_WAY = 5
"""Added to the process's niceness: whoever searches meanwhile comes first."""


def limit(memory_bytes: int, file_bytes: int = _LARGEST_SCRATCH_FILE) -> None:
    """Let this process take so much memory, write no large file and leave no core dump."""
    for kind, most in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, hard))


def limit_time(cpu_seconds: float) -> None:
    """End this process once it has computed so much longer, even if its parent is gone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime + cpu_seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def answer(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The reply to one request: its JSON, and the bytes that follow it."""
    file = FileToRead(data, request["name"], request["content_type"], request["address"])
    try:
        if request["unpack"]:
            members = unpack(file.data)
            names = [[member.name, len(member.data)] for member in members]
            return {"members": names}, [member.data for member in members]
        need = Need(request["need"]) if request["need"] else None
        reading = read(file, plain=request["plain"], need=need, model=request["model"])
        return reading_to_json(reading), []
    except ParseError as error:
        return reading_to_json(Reading(failure=error)), []
    except MemoryError:
        return reading_to_json(Reading(failure=OUT_OF_MEMORY)), []
    except RecursionError:
        return reading_to_json(Reading(failure=TOO_DEEP)), []


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    while line := requests.readline():
        request = json.loads(line)
        limit_time(request["cpu_seconds"])
        head, tail = answer(request, requests.read(request["size"]))
        # Lone surrogates cannot be encoded; the draft drops them from texts, but not from names.
        replies.write(json.dumps(head).encode() + b"\n")
        replies.writelines(tail)
        replies.flush()


def main() -> None:
    """Take the pipes, and give everything that a library prints to standard error."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(_GIVES_WAY)
    language_identifier()
    limit(*map(int, sys.argv[1:]))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
