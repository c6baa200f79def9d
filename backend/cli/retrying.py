"""``candor retry``: one document read again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from backend.cli.connection import Api
from backend.cli.names import find_named, is_id
from backend.cli.output import notes, out, plain
from backend.cli.watching import watch_runs
from knowledge.errors import InvalidInput, NotFound

_UPLOAD = "upload:///"


async def retry(api: Api, document: str, knowledge_base: str, wait: bool) -> dict[str, Any]:
    """Read a document again; the document that ``--json`` prints.

    ``document``: its address, the name of its file, or its id. Without a running server the work
    is done to its end. Raises :class:`NotFound`, and :class:`InvalidInput` where several have it.
    """
    found = await _find(api, document, knowledge_base)
    run = await api.post(f"/documents/{found['id']}/retry")
    ends = wait or api.state is not None
    if ends:
        (run,) = await watch_runs(api, [run["id"]])
        found = await api.get(f"/documents/{found['id']}")
    kept = ("id", "address", "title", "state", "error")
    return {"document": {name: found[name] for name in kept}, "waited": ends, "run": run}


def is_partial(result: dict[str, Any]) -> bool:
    """Whether the document could not be read again."""
    is_read = not result["run"]["notes"] and not result["document"]["error"]
    return result["waited"] and not (is_read and result["run"]["state"] == "succeeded")


def show(result: dict[str, Any]) -> None:
    """What became of the document."""
    document, run = result["document"], result["run"]
    if not result["waited"]:
        out.print("The server reads it again; `candor status` shows how far it is.")
        return
    out.print(f"{plain(document['address'])}: {document['state']}.", markup=False, soft_wrap=True)
    for fault in (run["error"], document["error"], *run["notes"]):
        if fault:
            words = f"{plain(fault['detail'])} {plain(fault['action'])}"
            notes.print(words.strip(), style="yellow", markup=False)


async def _find(api: Api, document: str, knowledge_base: str) -> dict[str, Any]:
    if is_id(document):
        found: dict[str, Any] = await api.get(f"/documents/{document}")
        return found
    query = {}
    if knowledge_base:
        base = await find_named(api, "/knowledge-bases", "knowledge base", knowledge_base)
        query["knowledge_base"] = base["id"]
    fitting: list[dict[str, Any]] = []
    for address in (document, _UPLOAD + quote(document)):
        fitting += (await api.get("/documents", address=address, **query))["items"]
    if not fitting:
        raise NotFound(
            f"There is no document {document!r}.",
            "Give its address as `candor status` shows it, or its id.",
        )
    if len(fitting) > 1:
        raise InvalidInput(
            f"{len(fitting)} documents are at {document!r}.", "Name one by --kb, or by its id."
        )
    return fitting[0]
