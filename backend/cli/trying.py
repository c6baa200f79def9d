"""``candor explain --change``: what changes would do, and saving them as rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from backend.api.schemas.rules import end_of_day
from backend.cli.connection import Api
from backend.cli.draft import read_changes
from backend.cli.errors import ApiError
from backend.cli.names import find_named
from backend.cli.output import notes, out, plain
from knowledge.errors import InvalidInput

_SHOWN = 20
_PLACES = 10
_SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried. ``words``: those that a query must hold for the changes to act.

    ``query_set``: name or id of the set that the effect is measured on too; empty: every saved one,
    unless ``sets`` is false. ``reason``: why the changes are saved as rules; empty: they are not.
    ``until``: the last day on which the rules hold.
    """

    query: str
    knowledge_base: str
    file: Path | None
    changes: Sequence[str]
    words: str = ""
    query_set: str = ""
    sets: bool = True
    reason: str = ""
    until: str = ""
    limit: int | None = None


async def attempt(api: Api, trial: Trial) -> dict[str, Any]:
    """What the API says of the changes, and ``saved``: the rules where they were saved.

    Raises :class:`InvalidInput` and :class:`NotFound`, and :class:`ApiError` for a contradiction.
    """
    kb = trial.knowledge_base
    if trial.reason and not kb:
        raise InvalidInput(
            "It is not said which knowledge base the rules are for.", "Name it with --kb."
        )
    if trial.until and not trial.reason:
        raise InvalidInput("--until is for rules that are saved.", "Say why with --save, too.")
    expires = end_of_day(trial.until).isoformat() if trial.until else None
    base = (await find_named(api, "/knowledge-bases", "knowledge base", kb))["id"] if kb else None
    changes = await read_changes(api, trial.file, trial.changes, trial.words, base)
    if trial.reason and changes.remove:
        raise InvalidInput(
            "Leaving a rule out cannot be saved.",
            "End it in the console, or over HTTP, and save the other changes by themselves.",
        )
    body: dict[str, Any] = {
        "query": trial.query,
        "knowledge_bases": [kb] if kb else [],
        "limit": trial.limit or _PLACES,
        "add": changes.add,
        "remove": changes.remove,
    }
    told: dict[str, Any] = await api.post("/explain/what-if", body)
    told["query_sets"] = [
        effect
        async for effect in _effects(
            api, trial, base, {"add": changes.add, "remove": changes.remove}
        )
    ]
    told["saved"] = []
    if trial.reason:
        rules = {"rules": changes.add, "reason": trial.reason, "expires_at": expires}
        told["saved"] = (await api.post(f"/knowledge-bases/{base}/rules", rules))["items"]
    return told


async def _effects(
    api: Api, trial: Trial, base: str | None, draft: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """What becomes of each query set, measured one after another; says which it is at."""
    within = {"knowledge_base": base} if base else {}
    if trial.query_set:
        sets = [await find_named(api, "/query-sets", "query set", trial.query_set, **within)]
    elif trial.sets:
        sets = [one for one in await api.pages("/query-sets", **within) if one["queries"]]
    else:
        sets = []
    for number, one in enumerate(sets, start=1):
        words = f"Measuring “{plain(one['name'])}” ({one['queries']:,} queries), {number} of "
        notes.print(f"{words}{len(sets)} ...", style="dim", markup=False)
        try:
            told = await api.post("/explain/what-if", draft | {"query_set_id": one["id"]})
        except ApiError as error:
            # A set that nobody has judged yet says nothing, and stops nothing.
            if trial.query_set or error.code != InvalidInput("").code:
                raise
            notes.print(f"“{plain(one['name'])}”: {error.detail}", style="yellow", markup=False)
            continue
        yield {"id": one["id"], "name": one["name"]} | told["query_set"]


def show(told: dict[str, Any]) -> None:
    """Moves, figures of the set, queries helped and hurt, and the rules saved, in words."""
    for move in told["moves"]:
        before, after = (_place(move[when]) for when in ("before", "after"))
        out.print(f"{before:>4} -> {after:<4} [bold]{escape(plain(move['title']))}[/bold]")
        out.print(f"             {escape(plain(move['address']))}", style="cyan")
    if not told["moves"]:
        out.print("Nothing moves among the hits of this query.")
    for effect in told["query_sets"]:
        _show_effect(effect)
    for warning in told["warnings"]:
        notes.print(warning, style="yellow", markup=False)
    for rule in told["saved"]:
        until = f", until {rule['expires_at'][:10]}" if rule["expires_at"] else ""
        out.print(f"Saved as rule {rule['id']}: {plain(rule['effect'])}{until}", markup=False)
    if not told["saved"]:
        out.print("Nothing was saved; --save REASON makes it a rule.", style="dim")


def _show_effect(effect: dict[str, Any]) -> None:
    out.print()
    out.print(f"[bold]{escape(plain(effect['name']))}[/bold]")
    for metric, before in effect["before"].items():
        after = effect["after"][metric]
        out.print(f"{metric:8} {before:.4f} -> {after:.4f}  ({after - before:+.4f})")
    sure = "more than chance" if effect["p_value"] < _SIGNIFICANT else "may be chance"
    out.print(
        f"{effect['queries']} queries, {len(effect['helped'])} helped, {len(effect['hurt'])} hurt; "
        f"p = {effect['p_value']:.4f}: {sure}"
    )
    for label in ("hurt", "helped"):
        for change in effect[label][:_SHOWN]:
            figures = f"{change['before']:.3f} -> {change['after']:.3f}"
            out.print(f"{label:7} {figures}  {escape(plain(change['query']))}")
        if len(effect[label]) > _SHOWN:
            out.print(f"{label:7} ... and {len(effect[label]) - _SHOWN} more")
    for address in effect["unknown"][:_SHOWN]:
        notes.print(f"No document has the judged address {plain(address)}", markup=False)


def _place(place: int | None) -> str:
    return "none" if place is None else str(place)
