"""Changes to search, written in a file or in a few characters."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backend.api.schemas.rules import RuleBody
from backend.cli.connection import Api
from backend.cli.errors import ApiError
from backend.cli.names import is_id
from knowledge.errors import InvalidInput, NotFound

HOW = (
    "term:WORDS=FACTOR, synonym:WORDS=TEXT, expansion:TARGET=TEXT, pin:TARGET=PLACE, hide:TARGET, "
    "boost:TARGET=FACTOR, weight:ARM=FACTOR, k:NUMBER, fusion:NAME, rerank:on|off, "
    "reranked:NUMBER, diversity:NUMBER, per-document:NUMBER, without:RULE"
)
"""What ``--change`` takes. A target is an address, or the id of a passage or document."""

_SETTINGS = {
    "k": "rrf_k",
    "fusion": "fusion",
    "weight": "weights",
    "rerank": "rerank",
    "reranked": "rerank_candidates",
    "diversity": "diversity",
    "per-document": "per_document",
}
_WORDS = {"on": True, "off": False}
_RULES = TypeAdapter(list[RuleBody])


@dataclass(slots=True)
class Changes:
    """Rules to add, as the API takes them, and ids of saved rules to leave out."""

    add: list[dict[str, Any]] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


async def read_changes(
    api: Api, file: Path | None, written: Sequence[str], words: str, base: str | None
) -> Changes:
    """The changes of ``file`` and those that are ``written`` out, for queries that hold ``words``.

    Raises :class:`InvalidInput` where one cannot be understood, and :class:`NotFound` for a target
    that the knowledge base ``base``, an id, does not have; ``None`` is any.
    """
    changes = _read_file(file) if file is not None else Changes()
    settings: dict[str, Any] = {}
    for one in written:
        kind, _, rest = one.partition(":")
        if not rest:
            raise _unclear(one)
        if kind == "without":
            changes.remove.append(_id(rest, one))
        elif kind in _SETTINGS:
            _set(settings, kind, rest, one)
        else:
            changes.add.append(await _rule(api, kind, rest, one, words, base))
    if settings:
        changes.add.append({"kind": "settings", "query": words, "settings": settings})
    _check(changes)
    return changes


def _read_file(file: Path) -> Changes:
    """A list of rules, or an object with ``add`` and ``remove``, as ``/explain/what-if`` has it."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", "Name a file of JSON.") from error
    if isinstance(found, list):
        found = {"add": found}
    named = found if isinstance(found, dict) else {"": found}
    if not all(key in ("add", "remove") and isinstance(named[key], list) for key in named):
        raise InvalidInput(
            f"{file} holds no changes.",
            "It has to be a list of rules, or an object with the lists add and remove.",
        )
    return Changes(list(named.get("add", [])), [_id(str(one)) for one in named.get("remove", [])])


async def _rule(
    api: Api, kind: str, rest: str, whole: str, words: str, base: str | None
) -> dict[str, Any]:
    """The rule that one of :data:`HOW` stands for."""
    rule: dict[str, Any] = {"kind": kind, "query": words}
    if kind == "term":
        text, factor = _numbered(rest, whole)
        return rule | {"text": text, "factor": 2.0 if factor is None else factor}
    if kind in ("synonym", "expansion"):
        before, equals, text = rest.rpartition("=")
        if not equals:
            raise _unclear(whole)
        target = {"query": before} if kind == "synonym" else await _target(api, before, base)
        return rule | target | {"text": text}
    if kind == "hide":
        return rule | await _target(api, rest, base)
    if kind == "pin":
        name, place = _numbered(rest, whole)
        return rule | await _target(api, name, base) | {"position": int(place or 1)}
    if kind == "boost":
        name, factor = _numbered(rest, whole)
        if factor is None:
            raise _unclear(whole)
        return rule | await _target(api, name, base) | {"factor": factor}
    raise _unclear(whole)


def _numbered(rest: str, whole: str) -> tuple[str, float | None]:
    """What stands before a last ``=NUMBER``, and the number; an address may hold a ``=`` too."""
    name, equals, value = rest.rpartition("=")
    if not equals:
        return rest, None
    try:
        return name, float(value)
    except ValueError:
        if "://" in rest:
            return rest, None
    raise _unclear(whole)


def _set(settings: dict[str, Any], kind: str, rest: str, whole: str) -> None:
    """Put what a change of a setting says into ``settings``."""
    try:
        if kind == "weight":
            arm, _, weight = rest.partition("=")
            settings.setdefault("weights", {})[arm] = float(weight)
            return
        read: dict[str, Callable[[str], object]] = {
            "fusion": str,
            "rerank": _WORDS.__getitem__,
            "diversity": float,
        }
        settings[_SETTINGS[kind]] = read.get(kind, int)(rest)
    except (ValueError, KeyError) as error:
        raise _unclear(whole) from error


async def _target(api: Api, name: str, base: str | None) -> dict[str, str]:
    """A document by its address; a passage or a document by its id."""
    if not is_id(name):
        within = {"knowledge_base": base} if base else {}
        for document in await api.pages("/documents", text=name[:200], **within):
            if document["address"] == name:
                return {"document_id": document["id"]}
        raise NotFound(
            f"There is no document with the address {name}.",
            "`candor search` shows addresses; the id of a passage or document will do.",
        )
    try:
        return {"chunk_id": (await api.get(f"/chunks/{name}"))["id"]}
    except ApiError as error:
        if error.code != NotFound("").code:
            raise
    return {"document_id": (await api.get(f"/documents/{name}"))["id"]}


def _check(changes: Changes) -> None:
    """Say which change is wrong before a server says that one of them is."""
    if not changes.add and not changes.remove:
        raise InvalidInput("There is no change to try.", f"Write one with --change: {HOW}.")
    try:
        for body in _RULES.validate_python(changes.add):
            body.rule()
    except ValidationError as error:
        first = error.errors()[0]
        place = int(first["loc"][0]) + 1 if first["loc"] else 1
        name = ".".join(str(part) for part in first["loc"][1:])
        raise InvalidInput(f"Change {place} cannot be used: {name}: {first['msg']}.") from error


def _id(text: str, whole: str = "") -> str:
    if not is_id(text):
        raise InvalidInput(f"{whole or text!r} does not name a rule by its id.")
    return text


def _unclear(whole: str) -> InvalidInput:
    return InvalidInput(f"The change {whole!r} is not understood.", f"Write it as one of {HOW}.")
