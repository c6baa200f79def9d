"""Why a page was not found, as a reader sees it: where it left, by how much, what would help."""

from __future__ import annotations

import math

from markupsafe import Markup

from backend.api.schemas.rules import RuleBody
from backend.console.draft import change_of
from backend.console.ledger_view import ARM_NAMES
from backend.console.parts import badge, join
from backend.explain.counterfactual import Change
from backend.explain.why_not import Cutoff, WhyNot
from backend.search.rules import MAX_FACTOR
from knowledge.store.tables import RuleKind

_STAGES = {
    "never seen": "Candor has never seen this address",
    "excluded": "The source's rules leave it out",
    "failed to parse": "It could not be read",
    "duplicate": "It is a copy of another document",
    "gone": "It is gone from its source",
    "empty": "It holds no text",
    "not indexed": "It is not in the index",
    "hidden": "It was taken out of search",
    "filtered": "The search did not look there",
    "cutoff": "It is not among the candidates",
    "fusion": "Others are better, taken together",
    "rerank": "The reranker moved it down",
    "diversity": "It resembles hits above it",
    "budget": "Answers do not read that far down",
    "found": "It was found",
}
_FIGURES = ARM_NAMES | {"fused": "Fused", "rerank": "Reranker", "place": "Place"}


def verdict(told: WhyNot) -> Markup:
    """The stage at which a page left, with its figures and what would bring it in."""
    kind = "good" if told.stage == "found" else "bad"
    page = (
        Markup('<p><a href="/console/documents/{}">See the document</a></p>').format(
            told.document_id
        )
        if told.document_id
        else ""
    )
    return Markup(
        '<div class="card pad stack verdict"><div>{}</div><p>{}</p>{}{}{}{}</div>'
    ).format(
        badge(_STAGES.get(told.stage, told.stage), kind),
        told.detail,
        Markup('<p class="soft">{}</p>').format(told.action) if told.action else "",
        _cutoffs(told),
        _changes(told),
        page,
    )


def _cutoffs(told: WhyNot) -> Markup:
    lines = [line for line in told.cutoffs if line.own is not None or line.needed is not None]
    if not lines:
        return Markup("")
    rows = join(
        Markup(
            '<tr><td>{}</td><td class="num">{}</td><td class="num">{}</td>'
            '<td class="num">{}</td></tr>'
        ).format(_FIGURES.get(line.what, line.what), _own(line), _needed(line), _lacks(line))
        for line in lines
    )
    return Markup(
        '<div class="table" tabindex="0" role="region" aria-label="By how much"><table class="sum">'
        '<thead><tr><th scope="col">Where</th><th scope="col" class="num">It has</th>'
        '<th scope="col" class="num">It takes</th><th scope="col" class="num">It lacks</th></tr>'
        "</thead><tbody>{}</tbody></table></div>"
    ).format(rows)


def _own(line: Cutoff) -> str:
    return f"{line.own:.4f}" if line.own is not None else "nothing"


def _needed(line: Cutoff) -> str:
    return f"{line.needed:.4f}" if line.needed is not None else "anything"


def _lacks(line: Cutoff) -> str:
    return f"{line.distance:.4f}" if line.distance is not None and line.distance > 0 else "nothing"


def _changes(told: WhyNot) -> Markup:
    if told.changes is None or not told.changes.changes:
        return Markup("")
    lines = join(
        Markup("<li>{} {}</li>").format(
            _change(change), badge("exact", "good") if change.exact else badge("tried", "quiet")
        )
        for change in told.changes.changes
    )
    return Markup(
        '<section><h3>What would bring it into the first {}</h3><ul class="changes">{}</ul>'
        '<p class="soft small">{}</p></section>'
    ).format(told.changes.k, lines, told.changes.note)


def _change(change: Change) -> str:
    does = {
        "expansion": f"Treat the passage as if it said “{change.word}”",
        "term": f"Weigh “{change.word}” in the question {change.value:.2g} times as much",
        "weight": f"Weigh the {change.word} arm {change.value:.2g} times as much",
        "page": f"Write “{change.word}” on the page",
    }.get(change.kind, f"{change.kind} {change.word}")
    return f"{does}: it becomes hit {change.place}."


def tries(told: WhyNot, query: str) -> list[tuple[str, RuleBody]]:
    """What of it all may be tried as a rule: the words of a button, and the change."""
    found: list[tuple[str, RuleBody]] = []
    words = query[:500]
    for change in told.changes.changes if told.changes else ():
        if change.kind == "expansion" and told.chunk_id and change.value <= MAX_FACTOR:
            values = {"kind": RuleKind.EXPANSION, "chunk_id": told.chunk_id}
            values |= {"text": change.word, "factor": _rounded(change.value), "query": words}
            found.append((f"Try “{change.word}” on the passage", change_of(**values)))
        if change.kind == "term" and change.value <= MAX_FACTOR:
            values = {"kind": RuleKind.TERM, "text": change.word}
            values |= {"factor": _rounded(change.value), "query": words}
            found.append((f"Try “{change.word}” {change.value:.2g} times", change_of(**values)))
    if told.document_id and told.stage not in ("found", "hidden") and told.chunk_id:
        pin = change_of(kind=RuleKind.PIN, document_id=told.document_id, query=words)
        found.append(("Try it in the first place", pin))
    return found


def _rounded(value: float) -> float:
    """A factor in three digits that is no smaller: less might not suffice."""
    return math.ceil(value * 1000) / 1000
