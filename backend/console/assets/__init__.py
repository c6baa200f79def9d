"""The console's own style sheet and scripts, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _assets() -> dict[str, bytes]:
    files = sorted(Path(__file__).parent.iterdir())
    return {file.name: file.read_bytes() for file in files if file.suffix in _TYPES}


@cache
def _digest() -> str:
    """Of all files together, so that one can import another from beside it."""
    whole = hashlib.sha256()
    for name, content in _assets().items():
        whole.update(name.encode() + b"\0" + content)
    return whole.hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is served, with a digest of all of them."""
    return f"/console/assets/{_digest()}/{name}"


def find_asset(path: str) -> Response:
    """The response to a request for ``{digest}/{name}``."""
    name = path.rpartition("/")[2]
    content = _assets().get(name)
    if content is None or address(name) != f"/console/assets/{path}":
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    media_type = _TYPES[Path(name).suffix]
    return Response(content, media_type=media_type, headers={"Cache-Control": _FOR_EVER})
