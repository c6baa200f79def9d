"""Explanations in words, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape

from backend.cli.output import notes, out, plain
from backend.cli.show import below

_HEADING = 100
_LACKING = 6
_SENTENCE = 160
_STAGES = {
    "excluded": "left out by the rules of its source",
    "failed to parse": "could not be read",
    "duplicate": "a copy of another document",
    "gone": "gone from its source",
    "empty": "without text",
    "filtered": "filtered out",
    "cutoff": "below the cutoff of every arm",
    "fusion": "lost in fusion",
    "rerank": "lost in reranking",
    "diversity": "lost to diversity",
    "pinned": "pushed out by a rule that pins another",
    "budget": "beyond what an answer reads",
}
"""Stages that do not read well as they are called."""

_CHANGES = {
    "expansion": "treat the passage as if it said “{word}” with the weight {value:.3g}",
    "term": "weigh “{word}” in the query {value:.3g} times as much",
    "weight": "give the {word} arm the weight {value:.3g}",
    "page": "write “{word}” on the page",
    "rerank": "search without the reranker",
    "rerank_candidates": "have {value:g} passages reranked, no more",
    "diversity": "set diversity to {value:g}",
    "per_document": "allow {value:g} passages of one document",
    "without": "end the rule “{word}” ({rule_id})",
}
_FIGURES = {"document": "of its document", "diversity": "less likeness"}
_COUNTED = frozenset({"document", "place"})
"""Figures that are numbers of things."""


def show_explanations(result: dict[str, Any]) -> None:
    """Hits with the sum of their score, the words that matched and the nearest sentences."""
    for number, hit in enumerate(result["hits"], start=1):
        heading = _cut(plain(below(hit)), _HEADING)
        out.print(f"[bold]{number}. {escape(plain(hit['title']))}[/bold]{escape(heading)}")
        out.print(f"   {escape(plain(hit['address']))}", style="cyan")
        if hit["ledger"] is not None:
            _table("score", _ledger(hit["ledger"]))
        if hit["terms"] is not None:
            _terms(hit["terms"])
        if hit["dense"] is not None:
            _nearest(hit["dense"])
        out.print()
    if not result["hits"]:
        out.print("Nothing was found.")
    for warning in result["warnings"]:
        notes.print(warning, style="yellow", markup=False)


def show_miss(missed: str, told: dict[str, Any]) -> None:
    """The stage at which something left, by how much, and what would bring it in."""
    out.print(f"[bold]{escape(plain(missed))}: {_STAGES.get(told['stage'], told['stage'])}[/bold]")
    for words in (told["detail"], told["action"]):
        if words:
            out.print(f"   {plain(words)}", markup=False)
    lines = [one for one in told["cutoffs"] if one["own"] is not None or one["needed"] is not None]
    if lines:
        head = ("", "it has", "it takes", "it lacks")
        _table("", [head, *(_cutoff(line) for line in lines)])
    if told["changes"] is not None:
        _changes(told["changes"])


def _ledger(ledger: dict[str, Any]) -> Iterable[Sequence[str]]:
    for arm in ledger["arms"]:
        if arm["rank"] is None:
            yield arm["arm"], "not among the candidates", "", "+0"
        else:
            weight = f"{arm['score']:.4f}, weight {arm['weight']:g}"
            yield arm["arm"], f"rank {arm['rank']}", weight, f"+{arm['part']:.6f}"
    for rule in ledger["rules"]:
        yield "rule", rule["effect"], "", f"{rule['part']:+.6f}"
    yield "fused", f"rank {ledger['fused_rank']}", ledger["fusion"], f"{ledger['fused']:.6f}"
    if (rerank := ledger["rerank"]) is not None:
        moved = f"from {rerank['rank_before']} to {rerank['rank_after']}"
        yield "reranker", moved, "", f"{rerank['score']:.6f}"
    if ledger["penalty"]:
        yield "resembles a hit above", "", "", f"{-ledger['penalty']:.6f}"
    if ledger["place"]:
        pinned = "pinned by a rule" if ledger["pinned"] else ""
        yield "final", f"place {ledger['place']}", pinned, f"{ledger['score']:.6f}"


def _terms(terms: dict[str, Any]) -> None:
    rows: list[Sequence[str]] = []
    for word in terms["words"]:
        pieces = word["pieces"]
        weights = _weights(pieces[0]) if len(pieces) == 1 else f"{len(pieces)} pieces"
        shown = (f"{word['contribution']:.4f}", f"{word['share']:.1%}", weights, _origin(word))
        rows.append((word["word"], *shown))
        if len(pieces) > 1:
            rows += [
                (f"  {one['word']}", f"{one['contribution']:.4f}", "", _weights(one), "")
                for one in pieces
            ]
    tail = terms["tail"]
    if tail["words"]:
        name = f"{tail['words']} fainter words"
        rows.append((name, f"{tail['contribution']:.4f}", f"{tail['share']:.1%}", "", ""))
    title = f"words {terms['score']:.4f}; weight in the query x in the passage"
    _table(title, rows or [("none of the query's", "", "", "", "")])
    lacking = [
        one["word"] if one["written"] else f"{one['word']} (added)"
        for one in terms["unmatched"][:_LACKING]
    ]
    if lacking:
        out.print(f"   asked for, and not in it: {plain(', '.join(lacking))}", markup=False)


def _weights(piece: dict[str, Any]) -> str:
    return f"{piece['query_weight']:.4f} x {piece['passage_weight']:.4f}"


def _origin(word: dict[str, Any]) -> str:
    """On which side it is written; what added it where it is not."""
    if word["query"]["written"] and word["passage"]["written"]:
        return "written in both"
    return "; ".join(_side(word[side], side) for side in ("query", "passage"))


def _side(side: dict[str, Any], where: str) -> str:
    if side["by_rule"]:
        return f"put into the {where} by a rule"
    if side["written"]:
        return f"written in the {where}"
    by = ", ".join(f"“{word}”" for word in side["words"][:3])
    return f"added to the {where}" + (f" by {by}" if by else "")


def _nearest(dense: dict[str, Any]) -> None:
    out.print(f"   meaning {dense['cosine']:.4f}; nearest sentences, by approximation", style="dim")
    for one in dense["sentences"]:
        text = _cut(" ".join(plain(one["text"]).split()), _SENTENCE)
        out.print(f"     {one['cosine']:.2f}  {text}", markup=False)


def _cutoff(line: dict[str, Any]) -> Sequence[str]:
    own, needed, lacks = line["own"], line["needed"], line["distance"]
    form = "{:g}" if line["what"] in _COUNTED else "{:.6f}"
    return (
        _FIGURES.get(line["what"], line["what"]),
        "nothing" if own is None else form.format(own),
        "anything" if needed is None else form.format(needed),
        form.format(lacks) if lacks is not None and lacks > 0 else "nothing",
    )


def _changes(changes: dict[str, Any]) -> None:
    """The smallest change of each kind."""
    smallest: dict[str, dict[str, Any]] = {}
    for change in changes["changes"]:
        smallest.setdefault(change["kind"], change)
    if not smallest:
        out.print(f"   No single change was found that brings it into the first {changes['k']}.")
        return
    out.print(f"   What brings it into the first {changes['k']}, the smallest of each kind:")
    for change in smallest.values():
        does = _CHANGES[change["kind"]].format(**change | {"word": plain(change["word"])})
        how = "exact" if change["exact"] else "tried"
        out.print(f"     {does}: place {change['place']} ({how})", markup=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _table(title: str, rows: Iterable[Sequence[str]]) -> None:
    """Rows of one width by column, the last one left as it is; no box, so that it can be cut."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    if title:
        out.print(f"   {title}", style="dim", markup=False)
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print(f"     {line.rstrip()}", markup=False)
