"""Rules in words, with the names of what they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from backend.console.visit import Visit
from backend.console.words import shown_address
from backend.search.rules import Rule, contradictions
from knowledge.store.queries.rule_targets import RuleTarget, read_rule_targets
from knowledge.store.tables import RuleKind

Names = Mapping[UUID, RuleTarget]

KINDS = {
    RuleKind.BOOST: "Raise or lower",
    RuleKind.PIN: "Pin to a place",
    RuleKind.HIDE: "Leave out",
    RuleKind.EXPANSION: "Add words to a passage",
    RuleKind.SYNONYM: "Add a synonym",
    RuleKind.TERM: "Weigh a word",
    RuleKind.SETTINGS: "Change how it is searched",
}
FUSIONS = {
    "rrf": "By rank (RRF)",
    "minmax": "By score (min-max)",
    "dbsf": "By score (DBSF)",
    "linear": "By score (linear)",
}
_WHOLE = {"chunk": "“{}”", "document": "all of “{}”", "source": "everything from “{}”"}
_GONE = {"chunk": "a passage", "document": "a document", "source": "a source"}


async def names_of(visit: Visit, rules: Sequence[Rule]) -> Names:
    """What the rules are about, as far as it is still there and the workspace's own."""
    ids = [rule.target for rule in rules if rule.target is not None]
    if not ids:
        return {}
    async with visit.database.reading() as session:
        return await read_rule_targets(session, visit.workspace_id, ids)


def effect(rule: Rule, names: Names) -> str:
    """What a rule does, in a sentence without its end."""
    target = _target(rule, names)
    said: dict[RuleKind, Callable[[], str]] = {
        RuleKind.PIN: lambda: f"Pin {target} to place {rule.position}",
        RuleKind.HIDE: lambda: f"Leave out {target}",
        RuleKind.BOOST: lambda: f"Weigh {target} {_times(rule.factor)}",
        RuleKind.EXPANSION: lambda: f"Treat {target} as if it said “{rule.text}”{_by(rule.factor)}",
        RuleKind.SYNONYM: lambda: f"Search for “{rule.text}” too{_by(rule.factor)}",
        RuleKind.TERM: lambda: (
            f"Weigh “{rule.text}” in the question {_times(rule.factor)}"
            if rule.factor
            else f"Ignore “{rule.text}” in the question"
        ),
        RuleKind.SETTINGS: lambda: f"Search with {_settings(rule.settings)}",
    }
    return said[rule.kind]()


def conflicts(rules: Sequence[Rule], names: Names) -> list[str]:
    """Which rules cannot both have their way, and why, in sentences."""
    return [
        f"“{effect(later, names)}” contradicts “{effect(earlier, names)}”: {why}."
        for earlier, later, why in contradictions(rules)
    ]


def condition(rule: Rule) -> str:
    """Which questions a rule acts on."""
    return f"for questions with “{rule.query}”" if rule.query else "for every question"


def _target(rule: Rule, names: Names) -> str:
    if rule.target is None:
        return ""
    known = names.get(rule.target)
    if known is None:
        kind = "chunk" if rule.chunk_id else "document" if rule.document_id else "source"
        return f"{_GONE[kind]} that is gone"
    return _WHOLE[known.kind].format(shown_address(known.name))


def _times(factor: float) -> str:
    return f"{factor:g} times as much"


def _by(factor: float) -> str:
    return "" if factor == 1 else f", with weight {factor:g}"


def _settings(settings: Mapping[str, object]) -> str:
    parts = []
    weights = settings.get("weights")
    if isinstance(weights, dict):
        named = {"sparse": "words", "dense": "meaning"}
        parts += [f"{named.get(arm, arm)} × {float(of):g}" for arm, of in weights.items()]
    words: dict[str, Callable[[object], str]] = {
        "fusion": lambda value: f"fusion {FUSIONS.get(str(value), value)}",
        "rrf_k": lambda value: f"k {value}",
        "diversity": lambda value: f"diversity {value}",
        "per_document": lambda value: f"at most {value} passages of a document",
        "rerank": lambda value: "the reranker" if value else "no reranker",
        "rerank_candidates": lambda value: f"{value} passages reranked",
    }
    parts += [say(settings[name]) for name, say in words.items() if name in settings]
    return ", ".join(parts)
