"""``candor add``: files, folders and websites into a knowledge base."""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.cli.connection import Api
from backend.cli.errors import ApiError
from backend.cli.output import notes
from backend.cli.watching import watch_runs
from knowledge.errors import InvalidInput

_FILES_PER_UPLOAD = 50
_BYTES_PER_UPLOAD = 64_000_000


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to be added, and the name it gets."""

    path: Path
    name: str
    size: int


@dataclass(slots=True)
class Wanted:
    """What the arguments come to. ``refused``: what cannot be read at all, with the reason.

    ``rules``: those given for the websites; a website that is there already keeps its others.
    """

    rules: dict[str, Any] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    files: list[LocalFile] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def expand(arguments: Sequence[str], rules: Mapping[str, Any] | None = None) -> Wanted:
    """Tell addresses from paths, and folders into the files in them, hidden ones left out.

    Raises :class:`InvalidInput` for ``rules`` where no website is named.
    """
    wanted = Wanted(dict(rules or {}))
    for argument in arguments:
        if argument.startswith(("http://", "https://")):
            wanted.addresses.append(argument)
            continue
        path = Path(argument).expanduser()
        if path.is_dir():
            _add_folder(wanted, path)
        elif path.is_file():
            _add_file(wanted, path, path.name)
        else:
            _refuse(
                wanted,
                argument,
                "not-found",
                f"There is no file or folder {argument}.",
                "Check the path; a website begins with http:// or https://.",
            )
    if wanted.rules and not wanted.addresses:
        given = ", ".join(_option(name) for name in wanted.rules)
        raise InvalidInput(f"{given} is for websites, and none is named.", "Leave it out.")
    own = ", ".join(_option(name) for name in wanted.rules if name in _OPTIONS)
    if own and len(wanted.addresses) > 1:
        raise InvalidInput(
            f"{own} is for one website, and {len(wanted.addresses)} are named.",
            "Add each website by itself.",
        )
    return wanted


_OPTIONS = {"more_starts": "--also", "sitemaps": "--sitemap"}
"""Options that go by another name than their rule, and that no two websites have in common."""


def _option(rule: str) -> str:
    return _OPTIONS.get(rule, f"--{rule.replace('_', '-')}")


async def add(api: Api, wanted: Wanted, knowledge_base: str, wait: bool) -> dict[str, Any]:
    """Add what is wanted; the document that ``--json`` prints.

    Without a running server the work is always done to its end: nobody else would do it.
    """
    base = await _knowledge_base(api, knowledge_base)
    refused: list[dict[str, Any]] = list(wanted.refused)
    runs: dict[str, dict[str, Any]] = {}
    for batch in _batches(wanted.files):
        try:
            uploaded = await _upload(api, base["id"], batch)
        except (ApiError, OSError) as error:
            refused += [_failure(file.name, error) for file in batch]
            continue
        refused += uploaded["refused"]
        runs[uploaded["run"]["id"]] = uploaded["run"]
    for address in wanted.addresses:
        body = {"kind": "website", "start": address} | wanted.rules
        try:
            made = await api.post(f"/knowledge-bases/{base['id']}/sources", body)
        except ApiError as error:
            refused.append(_failure(address, error))
            continue
        runs[made["run"]["id"]] = made["run"]
    ends = wait or api.state is not None
    if ends:
        runs = {run["id"]: run for run in await watch_runs(api, list(runs))}
    return {
        "knowledge_base": {"id": base["id"], "name": base["name"]},
        "waited": ends,
        "runs": [run | {"failed": await _failed(api, run)} for run in runs.values()],
        "refused": refused,
    }


def is_partial(result: dict[str, Any]) -> bool:
    """Whether something that was named could not be added.

    A page of a crawled website that fails is told, and is not counted: sites have dead links.
    """
    failed = any(run["state"] == "failed" for run in result["runs"])
    files = any(
        item["address"].startswith("upload:") for run in result["runs"] for item in run["failed"]
    )
    return bool(result["refused"]) or failed or files


async def _knowledge_base(api: Api, name: str) -> dict[str, Any]:
    found = await api.get("/knowledge-bases", name=name)
    if found["items"]:
        base: dict[str, Any] = found["items"][0]
        return base
    made: dict[str, Any] = await api.post("/knowledge-bases", {"name": name})
    return made


async def _upload(api: Api, knowledge_base_id: str, batch: Sequence[LocalFile]) -> dict[str, Any]:
    notes.print(f"Uploading {len(batch)} file(s) ...", style="dim")
    with contextlib.ExitStack() as stack:
        parts = [
            (
                "files",
                (
                    file.name,
                    stack.enter_context(file.path.open("rb")),
                    mimetypes.guess_type(file.name)[0] or "application/octet-stream",
                ),
            )
            for file in batch
        ]
        uploaded: dict[str, Any] = await api.post(
            f"/knowledge-bases/{knowledge_base_id}/uploads", files=parts
        )
    return uploaded


async def _failed(api: Api, run: dict[str, Any]) -> list[dict[str, Any]]:
    if not run["items"].get("failed"):
        return []
    items = await api.pages(f"/runs/{run['id']}/items", state="failed")
    return [{"address": item["address"], **(item["error"] or {})} for item in items]


def _batches(files: Sequence[LocalFile]) -> Iterator[list[LocalFile]]:
    batch: list[LocalFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) == _FILES_PER_UPLOAD or size + file.size > _BYTES_PER_UPLOAD):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _add_folder(wanted: Wanted, folder: Path) -> None:
    root = folder.resolve()
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            _add_file(wanted, path, f"{root.name}/{inside.as_posix()}")


def _add_file(wanted: Wanted, path: Path, name: str) -> None:
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        _refuse(
            wanted,
            str(path),
            "unreadable-file",
            f"The file {path} cannot be read: {error.strerror or error}.",
            "Check who may read it.",
        )
        return
    wanted.files.append(LocalFile(path, name, size))


def _refuse(wanted: Wanted, name: str, code: str, detail: str, action: str) -> None:
    wanted.refused.append({"name": name, "code": code, "detail": detail, "action": action})


def _failure(name: str, error: ApiError | OSError) -> dict[str, str]:
    if isinstance(error, ApiError):
        told = {"code": error.code, "detail": error.detail, "action": error.action}
    else:
        told = {"code": "unreadable-file", "detail": str(error), "action": "Check the file."}
    return {"name": name} | told
