"""A website and files for the ingestion benchmarks: made here, or a folder served on loopback."""

from __future__ import annotations

import functools
import hashlib
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_TEXT = (
    "account address answer archive article backup balance browser button calendar cancel change "
    "channel charge check client cloud column comment company contact content country coupon "
    "currency customer delete delivery device document download edit email error export feature "
    "field file filter folder form group help image import index invoice item key language "
    "license link list login market menu message method mobile module month network number offer "
    "order page password payment permission person phone plan policy price print privacy product "
    "profile project question record refund region report request response return review role "
    "rule sample search section security server service setting shipping shop size status stock "
    "storage store subject subscription support table tag task tax team template term theme time "
    "title token tool topic total update upload user value version video view website window"
)
_WORDS = _TEXT.split()


class _Handler(SimpleHTTPRequestHandler):
    """Serves files over connections that stay open, as real servers do, and in silence."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that is killed hangs up without a word."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of the loopback address; yields its address."""
    handler = functools.partial(_Handler, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def serve_apart(folder: Path) -> Iterator[str]:
    """As :func:`serve`, in a process of its own: a site costs its readers no processor time."""
    command = [sys.executable, "-m", "benchmarks.ingestion_site", str(folder)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        # It serves until its input ends.
        server.communicate()


def write_site(folder: Path, pages: int, seed: int = 1) -> None:
    """A site of that many pages, linked as a tree, of four sections and about 5 KB each."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        links = [f"page{n}.html" for n in range(number * 6 + 1, number * 6 + 7) if n < pages]
        name = f"page{number}.html" if number else "index.html"
        (folder / name).write_text(_page(chance, number, [*links, "index.html"]))


def _page(chance: random.Random, number: int, links: list[str]) -> str:
    sections = "".join(
        f'<h2 id="s{n}">{words(chance, 3).title()}</h2>'
        + "".join(f"<p>{words(chance, 60).capitalize()}.</p>" for _ in range(3))
        for n in range(4)
    )
    menu = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return (
        f"<!doctype html><html lang=en><head><title>Page {number}</title></head><body>"
        f"<nav><ul>{menu}</ul></nav><main><h1>Page {number}: {words(chance, 3)}</h1>"
        f"{sections}</main><footer>Printed {formatdate(0)}</footer></body></html>"
    )


def words(chance: random.Random, count: int) -> str:
    """Words at random, as the pages have them."""
    return " ".join(chance.choices(_WORDS, k=count))


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """Names and bytes of a folder's files."""
    return [(file.name, file.read_bytes()) for file in sorted(folder.iterdir()) if file.is_file()]


def digest_of(data: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    """Serve the folder named until the input ends."""
    with serve(Path(sys.argv[1])) as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
