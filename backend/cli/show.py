"""Results in words, for people at a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from backend.cli.output import notes, out, plain
from backend.cli.watching import told_speed

_SHOWN = 20
_TEXT = 280


def show_added(result: dict[str, Any]) -> None:
    """What was added, and what was not and why."""
    name = result["knowledge_base"]["name"]
    for run in result["runs"]:
        counts = ", ".join(f"{count} {state}" for state, count in sorted(run["items"].items()))
        out.print(f"{name}: {run['state']}. {counts or 'Nothing had changed'}.", markup=False)
        if run["changes"]:
            out.print(f"Changes: {_changes(run)}.", markup=False)
        if run["error"]:
            _fault(f"The run {run['id']}", run["error"])
        for note in run["notes"]:
            _fault(name, note)
        for item in run["failed"][:_SHOWN]:
            _fault(item["address"], item)
        if len(run["failed"]) > _SHOWN:
            notes.print(f"... and {len(run['failed']) - _SHOWN} more.")
    for one in result["refused"]:
        _fault(one["name"], one)
    if result["runs"] and not result["waited"]:
        out.print("The server goes on with it; `candor status` shows how far it is.")


def show_runs(result: dict[str, Any]) -> None:
    """How runs ended."""
    if not result["runs"]:
        out.print("There is nothing to index.")
    for run in result["runs"]:
        out.print(f"{run['state']}: {run['done']} documents, {run['chunks_encoded']} chunks.")
        if run["error"]:
            _fault("The run", run["error"])


def _changes(run: dict[str, Any]) -> str:
    """What a run changed, in the order in which one asks for it."""
    names = ("added", "changed", "removed", "missing", "failed", "unchanged")
    return ", ".join(f"{run['changes'][name]} {name}" for name in names if run["changes"].get(name))


def show_status(status: dict[str, Any]) -> None:
    """Knowledge bases, runs in work, and failures."""
    table = Table(
        "knowledge base", "documents", "copies", "failed", "chunks", box=None, pad_edge=False
    )
    for base in status["knowledge_bases"]:
        documents = base["documents"]
        table.add_row(
            escape(plain(base["name"])),
            str(documents.get("indexed", 0)),
            str(documents.get("duplicate", 0)),
            str(documents.get("failed", 0)),
            str(base["chunks"]),
        )
    if status["knowledge_bases"]:
        out.print(table)
    else:
        out.print("There is nothing yet. `candor add PATH_OR_URL` adds a file or a website.")
    for run in status["runs"]:
        done = f"{run['done']}/{run['found']} documents{told_speed(run, ', ')}"
        out.print(f"{run['kind']} {run['state']}: {done}")
        for note in run["notes"]:
            _fault(run["kind"], note)
    told: set[str] = set()
    for run in status["ended"]:
        read = plain(run["source"]) or run["kind"]
        out.print(f"{read}: {run['state']}, {_changes(run) or 'no changes'}", markup=False)
        if run["kind"] != "ingest" or run["source_id"] in told:
            continue
        # What an earlier crawl came to is no longer so where a later one says nothing of it.
        told.add(run["source_id"])
        for note in run["notes"]:
            _fault(read, note)
    for failure in status["failed"][:_SHOWN]:
        _fault(failure["address"], failure)
    out.print(f"Candor {status['version']}, encoder {status['encoder']}, owner {status['owner']}")


def below(hit: dict[str, Any]) -> str:
    """The headings above a passage, to be shown after its title: most begin with that."""
    headings = hit["heading"]
    if headings[:1] == [hit["title"]]:
        headings = headings[1:]
    return "".join(f" > {heading}" for heading in headings)


def show_hits(result: dict[str, Any]) -> None:
    """Passages with their place in each arm."""
    for place, hit in enumerate(result["hits"], start=1):
        arms = ", ".join(
            f"{name} #{arm['rank']} {arm['score']:.3f} (+{arm['part']:.5f})"
            for name, arm in hit["arms"].items()
        )
        out.print(f"[bold]{place}. {escape(plain(hit['title']))}[/bold]{escape(plain(below(hit)))}")
        out.print(f"   {escape(plain(hit['address']))}", style="cyan")
        out.print(f"   {hit['score']:.5f} = {arms}", style="dim", markup=False)
        text = " ".join(plain(hit["text"]).split())
        out.print(f"   {text[:_TEXT]}{'...' if len(text) > _TEXT else ''}\n", markup=False)
    if not result["hits"]:
        out.print("Nothing was found.")
    _warnings(result["warnings"])
    out.print(f"{len(result['hits'])} passages in {result['took_ms']:.0f} ms", style="dim")


def show_answer(result: dict[str, Any]) -> None:
    """An answer with the numbers of its citations, and where they lead."""
    text, at = [], 0
    by_end: dict[int, list[int]] = {}
    for citation in result["citations"]:
        numbers = by_end.setdefault(citation["sentence"][1], [])
        if citation["id"] not in numbers:
            numbers.append(citation["id"])
    for end, numbers in sorted(by_end.items()):
        text.append(result["answer"][at:end] + "".join(f" [{number}]" for number in numbers))
        at = end
    text.append(result["answer"][at:])
    out.print(plain("".join(text)), markup=False)
    show_sources(result)


def show_sources(result: dict[str, Any]) -> None:
    """What the numbers of an answer stand for, and who wrote it."""
    places = {citation["id"]: citation for citation in result["citations"]}
    for number, citation in sorted(places.items()):
        out.print(
            f"[{number}] {plain(citation['title'])}  {plain(citation['address'])}",
            style="cyan",
            markup=False,
        )
    if result.get("notice"):
        notes.print(result["notice"], markup=False)
    out.print(f"{result['model']}, {result['took_ms']:.0f} ms", style="dim", markup=False)


def show_evaluation(result: dict[str, Any]) -> None:
    """Figures by set and arm."""
    table = Table("set", "arm", "ndcg@10", "mrr@10", "recall@100", box=None, pad_edge=False)
    for one in result["sets"]:
        for arm, figures in one["arms"].items():
            table.add_row(
                escape(one["name"]),
                arm,
                *(f"{figures[name]:.4f}" for name in ("ndcg@10", "mrr@10", "recall@100")),
            )
    out.print(table)


def show_training(result: dict[str, Any]) -> None:
    """Figures before and after, and what became of the model."""
    table = Table("held-out pairs", "before", "after", box=None, pad_edge=False)
    for name, before in result["before"].items():
        table.add_row(name, f"{before:.4f}", f"{result['after'][name]:.4f}")
    out.print(table)
    if not result["installed"]:
        out.print("The tuned model is not better: nothing was written.")
        return
    out.print(f"The tuned model is in {plain(result['model'])}.", markup=False)
    out.print(f"Use it: CANDOR_ENCODER_FOLDER={plain(result['model'])}, then candor reindex.")


def show_checks(result: dict[str, Any]) -> None:
    """What was examined, and what to do about what is wrong."""
    for check in result["checks"]:
        mark = "[green]ok[/green]   " if check["ok"] else "[red]wrong[/red]"
        out.print(f"{mark} {escape(check['name'])}: {escape(check['detail'])}")
        if check["action"]:
            out.print(f"      {check['action']}", markup=False)


def _fault(name: str, fault: dict[str, Any]) -> None:
    words = f"{plain(name)}: {fault.get('detail', '')} {fault.get('action', '')}"
    notes.print(words.strip(), style="yellow", markup=False)


def _warnings(warnings: list[str]) -> None:
    for warning in warnings:
        notes.print(warning, style="yellow", markup=False)
