"""``candor doctor``: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx

from backend import data_folder
from backend.cli.connection import running_server
from backend.services import open_parts, version
from knowledge.errors import CandorError

if TYPE_CHECKING:
    from backend.api.state import AppState
    from backend.services import Parts
    from knowledge.settings import Settings

_LOW_SPACE = 1_000_000_000


async def examine(make_parts: Callable[[], Parts]) -> dict[str, Any]:
    """Check everything that can be checked; the document that ``--json`` prints."""
    checks = [_python()]
    try:
        parts = make_parts()
    except CandorError as error:
        return _result([*checks, _wrong("settings", error)])
    checks += [_check("settings", True, "All settings are valid."), _space(parts.settings)]
    server = await running_server(parts.settings)
    if server is not None:
        checks += await _ask(server.url)
    else:
        checks += await _open(parts)
    return _result(checks)


def _python() -> dict[str, Any]:
    words = f"Candor {version()} on Python {sys.version.split()[0]}."
    return _check("installation", True, words)


def _space(settings: Settings) -> dict[str, Any]:
    try:
        data_folder.prepare(settings.data)
    except CandorError as error:
        return _wrong("data folder", error)
    free = shutil.disk_usage(settings.data).free
    words = f"{settings.data.resolve()} can be written, {free / 1e9:.1f} GB are free."
    if free < _LOW_SPACE:
        return _check("data folder", False, words, "Free some space: at least 1 GB.")
    return _check("data folder", True, words)


async def _ask(url: str) -> list[dict[str, Any]]:
    """What the running server says of its parts."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        body = (await client.get(f"{url}/readyz")).json()
    checks = [_check("server", True, f"It runs at {url}.")]
    for name, part in body["checks"].items():
        action = "" if part["ok"] else "Look into the server's log."
        checks.append(_check(name, part["ok"], part["detail"] or "It answers.", action))
    return checks


async def _open(parts: Parts) -> list[dict[str, Any]]:
    """Open every part here, without a worker, and close it again."""
    async with AsyncExitStack() as stack:
        quiet = dataclasses.replace(parts, work=False, sample=False)
        try:
            state = await stack.enter_async_context(open_parts(quiet))
        except CandorError as error:
            return [_wrong("database, index and encoder", error)]
        return await _examine(state)


async def _examine(state: AppState) -> list[dict[str, Any]]:
    checks = []
    kind = "SQLite" if state.database.is_sqlite else "PostgreSQL"
    checks.append(_check("database", True, f"{kind} opens and has the newest schema."))
    try:
        points = await state.index.count()
        checks.append(_check("index", True, f"It holds {points:,} passages."))
    except CandorError as error:
        checks.append(_wrong("index", error))
    try:
        state.encoder.encode_queries(["Is everything well?"])
        checks.append(_check("encoder", True, f"{state.encoder.spec.id} encodes."))
    except CandorError as error:
        checks.append(_wrong("encoder", error))
    return checks


def _check(name: str, ok: bool, detail: str, action: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "action": action}


def _wrong(name: str, error: CandorError) -> dict[str, Any]:
    return _check(name, False, error.detail, error.action)


def _result(checks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ok": all(check["ok"] for check in checks), "checks": checks}
