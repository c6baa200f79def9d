"""``candor eval`` with a stored query set: the knowledge base measured as it is, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from backend.cli.connection import Api
from backend.cli.names import find_named, is_id
from backend.cli.output import notes, out, plain
from knowledge.errors import InvalidInput, NotFound

_SHOWN = 20
_METRICS = ("ndcg@10", "mrr@10")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured.

    ``file``: judged queries to import into the set first. ``baseline``: the id or the name of an
    earlier run, of several with a name the newest.
    """

    query_set: str
    knowledge_base: str
    file: Path | None = None
    name: str = ""
    baseline: str = ""


def wanted(
    what: Path | None, query_set: str, knowledge_base: str, name: str, baseline: str
) -> Wanted | None:
    """The stored set that the command's words ask for; ``None`` where they name a folder to
    measure by itself. Raises :class:`InvalidInput` where they do not fit together.
    """
    if what is not None and what.is_dir():
        if query_set or knowledge_base or name or baseline:
            raise InvalidInput(
                f"{what} is a folder: it is measured by itself, in an index of its own.",
                "Leave out --set, --kb, --name and --baseline, or name a file of judged queries.",
            )
        return None
    if what is not None and not what.exists():
        raise InvalidInput(f"There is no file or folder {what}.", "Check the path.")
    if what is None and not query_set:
        raise InvalidInput(
            "It is not said what to measure.",
            "Name a folder in BEIR layout, a file of judged queries, or a stored set with --set.",
        )
    if not knowledge_base:
        raise InvalidInput("It is not said which knowledge base to measure.", "Name it with --kb.")
    return Wanted(query_set or (what.stem if what else ""), knowledge_base, what, name, baseline)


async def measure(api: Api, asked: Wanted) -> dict[str, Any]:
    """The document that ``--json`` prints: the set, what was imported, the run, the comparison.

    Raises :class:`NotFound` for a set, a knowledge base or a baseline that there is not.
    """
    base = await find_named(api, "/knowledge-bases", "knowledge base", asked.knowledge_base)
    imported = None
    if asked.file is not None:
        query_set = await _import_into(api, base["id"], asked.query_set)
        imported = await api.post(
            f"/query-sets/{query_set['id']}/import",
            content=_read(asked.file),
            params={"replace": True},
        )
    else:
        query_set = await find_named(
            api, "/query-sets", "query set", asked.query_set, knowledge_base=base["id"]
        )
    # The baseline is looked up first: the new run may have the same name.
    baseline = await _baseline(api, query_set["id"], asked.baseline) if asked.baseline else None
    run = await api.post(f"/query-sets/{query_set['id']}/runs", {"name": asked.name})
    comparison = None
    if baseline is not None:
        comparison = await api.get(f"/evaluation-runs/{run['id']}/comparison", baseline=baseline)
    whole = await api.get(f"/query-sets/{query_set['id']}")
    return {
        "query_set": {"id": whole["id"], "name": whole["name"], "queries": whole["queries"]},
        "unknown": whole["unknown"],
        "imported": imported,
        "run": run,
        "comparison": comparison,
    }


def is_worse(result: dict[str, Any]) -> bool:
    """Whether search lost significantly against the baseline."""
    comparison = result["comparison"]
    return comparison is not None and comparison["verdict"] == "worse"


def show(result: dict[str, Any]) -> None:
    """Figures, the queries that lost, and the verdict, in words."""
    run, comparison = result["run"], result["comparison"]
    table = Table("", *_METRICS, box=None, pad_edge=False)
    if comparison:
        before = comparison["figures"]["before"]
        table.add_row("baseline", *(f"{before[name]:.4f}" for name in _METRICS))
    now = comparison["figures"]["after"] if comparison else run["figures"]
    table.add_row("this run", *(f"{now[name]:.4f}" for name in _METRICS))
    out.print(table)
    if comparison:
        _show_changes(comparison)
    if result["unknown"]:
        notes.print("Judged pages that the knowledge base does not have:", style="yellow")
        for address in result["unknown"][:_SHOWN]:
            notes.print(f"  {plain(address)}", markup=False)
        if len(result["unknown"]) > _SHOWN:
            notes.print(f"  ... and {len(result['unknown']) - _SHOWN} more.")
    out.print(f"{run['queries']} queries, run {run['id']}", style="dim")


def _show_changes(comparison: dict[str, Any]) -> None:
    for label, found in (("worse", "hurt"), ("better", "helped")):
        for change in comparison["figures"][found][:_SHOWN]:
            figures = f"{change['before']:.3f} -> {change['after']:.3f}"
            out.print(f"{label}  {figures}  {escape(plain(change['query']))}")
    for sentence in comparison["differences"]:
        out.print(plain(sentence), markup=False)
    words = {
        "worse": "Significantly worse than the baseline",
        "better": "Significantly better than the baseline",
        "same": "No significant difference from the baseline",
    }
    out.print(f"{words[comparison['verdict']]} (p = {comparison['figures']['p_value']:.4f}).")


async def _import_into(api: Api, base: str, name: str) -> dict[str, Any]:
    items = (await api.get("/query-sets", name=name, knowledge_base=base, limit=1))["items"]
    made: dict[str, Any] = (
        items[0] if items else await api.post(f"/knowledge-bases/{base}/query-sets", {"name": name})
    )
    return made


async def _baseline(api: Api, query_set_id: str, name: str) -> str:
    if is_id(name):
        return name
    runs = (await api.get(f"/query-sets/{query_set_id}/runs", name=name, limit=1))["items"]
    if not runs:
        raise NotFound(
            f"There is no run {name!r} over this query set.",
            f"Make it the baseline first: run the command with --name {name} and no --baseline.",
        )
    return str(runs[0]["id"])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", "Check the path."
        ) from error
