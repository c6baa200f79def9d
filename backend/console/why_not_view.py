"""Why a page was not found, as a reader sees it: where it left, by how much, what would help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from uuid import UUID

from markupsafe import Markup

from backend.api.schemas.rules import RuleBody
from backend.console.draft import change_of
from backend.console.ledger_view import ARM_NAMES
from backend.console.parts import badge, join
from backend.explain.change import Change
from backend.explain.why_not import Cutoff, WhyNot
from backend.search.rules import MAX_FACTOR
from knowledge.store.tables import RuleKind
from knowledge.types import ARMS, ArmName

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
    "diversity": "It made room for something else",
    "pinned": "A rule pins another before it",
    "budget": "Answers do not read that far down",
    "found": "It was found",
}
_FIGURES = ARM_NAMES | {
    "fused": "Fused",
    "rerank": "Reranker",
    "diversity": "Less what likeness costs",
    "document": "Number in its document",
    "place": "Place",
}
_COUNTED = frozenset({"document", "place"})
_ARMS = {"sparse": "words", "dense": "meaning"}
_SETTINGS = frozenset({"rerank", "rerank_candidates", "diversity", "per_document"})


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
    return _figure(line, line.own) if line.own is not None else "nothing"


def _needed(line: Cutoff) -> str:
    return _figure(line, line.needed) if line.needed is not None else "anything"


def _lacks(line: Cutoff) -> str:
    lacks = line.distance is not None and line.distance > 0
    return _figure(line, line.distance or 0.0) if lacks else "nothing"


def _figure(line: Cutoff, value: float) -> str:
    return f"{value:g}" if line.what in _COUNTED else f"{value:.4f}"


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
    number = f"{change.value:.3g}"
    does = {
        "expansion": f"Treat the passage as if it said “{change.word}”, with weight {number}",
        "term": f"Weigh “{change.word}” in the question {number} times as much",
        "weight": f"Give the {_ARMS.get(change.word, change.word)} arm the weight {number}",
        "page": f"Write “{change.word}” on the page",
        "rerank": "Search without the reranker",
        "rerank_candidates": f"Have {number} passages reranked, no more",
        "diversity": f"Set diversity to {number}",
        "per_document": f"Allow {number} passages of one document",
        "without": f"End the rule “{change.word}”",
    }.get(change.kind, f"{change.kind} {change.word}")
    return f"{does}: it becomes hit {change.place}."


def tries(
    told: WhyNot, query: str, weights: Mapping[ArmName, float]
) -> list[tuple[str, RuleBody | UUID]]:
    """What of it all may be tried: the words of a button, and the change, or the saved rule to be
    left out. ``weights``: those of the arms now.
    """
    found: list[tuple[str, RuleBody | UUID]] = []
    words = query[:500]
    for change in told.changes.changes if told.changes else ():
        offered = _offer(change, told, weights)
        if isinstance(offered, dict):
            found.append((_button(change), change_of(query=words, **offered)))
        elif offered is not None:
            found.append((_button(change), offered))
    if told.document_id and told.stage not in ("found", "hidden") and told.chunk_id:
        pin = change_of(kind=RuleKind.PIN, document_id=told.document_id, query=words)
        found.append(("Try it in the first place", pin))
    return found


def _offer(
    change: Change, told: WhyNot, weights: Mapping[ArmName, float]
) -> dict[str, object] | UUID | None:
    """A change as the values of a rule, or the rule to be left out; ``None`` where it is neither,
    such as words for a page, or more than a rule takes.
    """
    if change.kind == "without":
        return UUID(change.rule_id)
    if change.kind in _SETTINGS:
        value = change.value if change.kind == "diversity" else int(change.value)
        settings = {change.kind: bool(value) if change.kind == "rerank" else value}
        return {"kind": RuleKind.SETTINGS, "settings": settings}
    if change.kind == "weight":
        arms: dict[str, float] = {arm: weights.get(arm, 1.0) for arm in ARMS}
        arms[change.word] = _rounded(change.value, arms[change.word])
        return {"kind": RuleKind.SETTINGS, "settings": {"weights": arms}}
    if change.value > MAX_FACTOR:
        return None
    if change.kind == "expansion" and told.chunk_id:
        factor = _rounded(change.value, 0.0)
        return {
            "kind": RuleKind.EXPANSION,
            "chunk_id": told.chunk_id,
            "text": change.word,
            "factor": factor,
        }
    if change.kind == "term":
        factor = _rounded(change.value, 1.0)
        return {"kind": RuleKind.TERM, "text": change.word, "factor": factor}
    return None


def _button(change: Change) -> str:
    number = f"{change.value:.3g}"
    return {
        "expansion": f"Try “{change.word}” on the passage",
        "term": f"Try “{change.word}” {number} times",
        "weight": f"Try the weight {number} for {_ARMS.get(change.word, change.word)}",
        "rerank": "Try it without the reranker",
        "rerank_candidates": f"Try {number} passages reranked",
        "diversity": f"Try diversity {number}",
        "per_document": f"Try {number} passages of a document",
        "without": "Try it without the rule",
    }[change.kind]


def _rounded(value: float, now: float) -> float:
    """A figure in three digits that is no nearer to what it is now: less might not suffice."""
    towards = math.ceil if value > now else math.floor
    return towards(value * 1000) / 1000
