"""Rules as search applies them: saved ones and drafts alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from backend.search.request import SearchSettings
from knowledge.encode.words import words
from knowledge.errors import InvalidInput, InvalidSettings, LimitExceeded
from knowledge.store.tables import RuleKind, RuleRecord, utc_now

MAX_RULES = 500
"""Rules of one knowledge base that a search may weigh, saved and drafted together."""

MAX_FACTOR = 100.0
MAX_POSITION = 100
_SETTINGS = frozenset(
    {"fusion", "rrf_k", "weights", "rerank", "rerank_candidates", "diversity", "per_document"}
)
_TARGETS: Mapping[RuleKind, tuple[str, ...]] = {
    RuleKind.PIN: ("chunk_id", "document_id"),
    RuleKind.HIDE: ("chunk_id", "document_id", "source_id"),
    RuleKind.BOOST: ("chunk_id", "document_id", "source_id"),
    RuleKind.EXPANSION: ("chunk_id", "document_id"),
}
_WITH_TEXT = frozenset({RuleKind.TERM, RuleKind.SYNONYM, RuleKind.EXPANSION})


@dataclass(frozen=True, slots=True)
class Rule:
    """One change to search; see :class:`RuleKind` for what each kind does with which field.

    ``query``: the words that a query must hold, in any order and inflection; empty: every query.
    Raises :class:`InvalidInput` where a field that its kind needs is missing or out of range.
    """

    id: UUID
    kind: RuleKind
    query: str = ""
    chunk_id: UUID | None = None
    document_id: UUID | None = None
    source_id: UUID | None = None
    text: str = ""
    factor: float = 1.0
    position: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise InvalidInput(f"The rule ({self.kind.value}) cannot be used: {problem}.")

    @classmethod
    def of(cls, record: RuleRecord) -> Rule:
        """The rule of a stored record."""
        return cls(
            id=record.id,
            kind=RuleKind(record.kind),
            query=record.query,
            chunk_id=record.chunk_id,
            document_id=record.document_id,
            source_id=record.source_id,
            text=record.text,
            factor=record.factor,
            position=record.position,
            settings=record.settings,
            expires_at=record.expires_at,
        )

    @property
    def target(self) -> UUID | None:
        """The chunk, document or source that the rule is about."""
        return self.chunk_id or self.document_id or self.source_id

    def effect(self) -> str:
        """What the rule does, in words."""
        target = "chunk" if self.chunk_id else "document" if self.document_id else "source"
        return {
            RuleKind.PIN: f"{target} pinned to place {self.position}",
            RuleKind.HIDE: f"{target} hidden",
            RuleKind.BOOST: f"{target} times {self.factor:g}",
            RuleKind.TERM: f"“{self.text}” times {self.factor:g}",
            RuleKind.SYNONYM: f"also “{self.text}”, times {self.factor:g}",
            RuleKind.EXPANSION: f"{target} also says “{self.text}”, times {self.factor:g}",
            RuleKind.SETTINGS: "settings "
            + ", ".join(f"{name} {value}" for name, value in self.settings.items()),
        }[self.kind]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that a search weighs, in the order in which they are applied: oldest first.

    ``most``: :data:`MAX_RULES` for each knowledge base that is searched. Raises
    :class:`LimitExceeded` where there are more.
    """

    rules: tuple[Rule, ...] = ()
    most: int = MAX_RULES

    def __post_init__(self) -> None:
        if len(self.rules) > self.most:
            raise LimitExceeded(
                f"{len(self.rules)} rules are too many: a search weighs {self.most} at most.",
                "Leave some out, or end saved ones that are no longer needed.",
            )

    def matching(self, query: str, now: datetime | None = None) -> tuple[Rule, ...]:
        """The rules that apply to ``query`` now."""
        if not self.rules:
            return ()
        now = now or utc_now()
        asked = _stems(query)
        return tuple(
            rule
            for rule in self.rules
            if (rule.expires_at is None or rule.expires_at > now)
            and (not rule.query or _stems(rule.query) <= asked)
        )

    def changed(self, add: Iterable[Rule] = (), remove: Iterable[UUID] = ()) -> RuleSet:
        """These rules without some and with others: what a draft would make of them."""
        gone = set(remove)
        return RuleSet((*(rule for rule in self.rules if rule.id not in gone), *add), self.most)


def contradictions(rules: Sequence[Rule]) -> list[tuple[Rule, Rule, str]]:
    """Pairs of rules that cannot both have their way, the later one second, and why."""
    found = []
    for number, later in enumerate(rules):
        for earlier in rules[:number]:
            why = _contradiction(earlier, later)
            if why and _overlap(earlier.query, later.query):
                found.append((earlier, later, why))
    return found


def changed_settings(settings: SearchSettings, rules: Iterable[Rule]) -> SearchSettings:
    """``settings`` with what the rules among ``rules`` that set some put in their place."""
    for rule in rules:
        if rule.kind is RuleKind.SETTINGS:
            settings = _with(settings, rule.settings)
    return settings


def _with(settings: SearchSettings, changes: Mapping[str, object]) -> SearchSettings:
    unknown = set(changes) - _SETTINGS
    if unknown:
        raise InvalidSettings(
            f"A rule cannot set {', '.join(sorted(unknown))}.",
            f"It can set {', '.join(sorted(_SETTINGS))}.",
        )
    try:
        return replace(settings, **changes)  # type: ignore[arg-type]
    except (TypeError, AttributeError) as error:
        raise InvalidSettings(f"The settings {dict(changes)!r} are malformed.") from error


def _problem(rule: Rule) -> str:
    """What is wrong with the rule, or an empty string."""
    targets = [
        name for name in ("chunk_id", "document_id", "source_id") if getattr(rule, name) is not None
    ]
    allowed = _TARGETS.get(rule.kind, ())
    if allowed and (len(targets) != 1 or targets[0] not in allowed):
        return f"it needs one target, {' or '.join(name[:-3] for name in allowed)}"
    if targets and not allowed:
        return "it takes no target"
    if rule.kind in _WITH_TEXT and not _stems(rule.text):
        return "it needs words to act on"
    if rule.kind is RuleKind.SYNONYM and not _stems(rule.query):
        return "it needs the words that it is a synonym of"
    if not 0 <= rule.factor <= MAX_FACTOR:
        return f"its factor must be between 0 and {MAX_FACTOR:g}"
    if not 1 <= rule.position <= MAX_POSITION:
        return f"its position must be between 1 and {MAX_POSITION}"
    if rule.kind is RuleKind.SETTINGS:
        if not rule.settings:
            return "it sets nothing"
        try:
            _with(SearchSettings(), rule.settings)
        except InvalidSettings as error:
            return error.detail.rstrip(".")
    return ""


def _contradiction(one: Rule, other: Rule) -> str:
    kinds = {one.kind, other.kind}
    if one.target is not None and one.target == other.target:
        if kinds == {RuleKind.PIN, RuleKind.HIDE}:
            return "one pins what the other hides"
        if kinds == {RuleKind.BOOST, RuleKind.HIDE}:
            return "one boosts what the other hides"
        if kinds == {RuleKind.BOOST} and (one.factor - 1) * (other.factor - 1) < 0:
            return "one raises what the other lowers"
        if kinds == {RuleKind.PIN} and one.position != other.position:
            return f"one pins to place {one.position} what the other pins to {other.position}"
    if kinds == {RuleKind.PIN} and one.position == other.position and one.target != other.target:
        return f"both pin to place {one.position}"
    opposed = (one.factor - 1) * (other.factor - 1) < 0
    if kinds == {RuleKind.TERM} and opposed and _stems(one.text) == _stems(other.text):
        return "one raises the words that the other lowers"
    if kinds == {RuleKind.TERM, RuleKind.SYNONYM} and _takes_out(one, other):
        return "one puts words in that the other takes out"
    if kinds == {RuleKind.SETTINGS}:
        both = [
            name
            for name in one.settings
            if other.settings.get(name, one.settings[name]) != one.settings[name]
        ]
        if both:
            return f"both set {', '.join(sorted(both))}, and not to the same"
    return ""


def _takes_out(one: Rule, other: Rule) -> bool:
    """Whether a term rule of the two leaves nothing of the other's synonym."""
    term, synonym = (one, other) if one.kind is RuleKind.TERM else (other, one)
    return term.factor == 0 and _stems(synonym.text) <= _stems(term.text)


def _overlap(one: str, other: str) -> bool:
    """Whether a query may well meet both conditions: one asks for no less than the other."""
    left, right = _stems(one), _stems(other)
    return left <= right or right <= left


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(text))
