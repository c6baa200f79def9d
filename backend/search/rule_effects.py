"""What rules do to a query's vectors, to an arm's ranking, and to the order of hits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from backend.search.diversify import Placed
from backend.search.fuse import FusedPoint, RulePart, in_order
from backend.search.rules import Rule
from knowledge.encode.encoder import Encoder
from knowledge.index.conditions import Condition, Filter, Named, any_of
from knowledge.index.points import ranked
from knowledge.index.search_index import RankedPoint, SearchIndex
from knowledge.store.database import Database
from knowledge.store.rules import read_target_chunks
from knowledge.store.tables import RuleKind
from knowledge.types import Encoding, SparseVector

Weights = Mapping[int, float]
"""Weight by term id."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The chunks that the matching rules are about.

    ``hidden``: chunks left out; ``hidden_sources``: sources left out whole. ``expansions``: terms
    that a chunk is treated as having. ``pins``: rules with the candidates for their place, first
    ones first. ``boosts``: rules that multiply scores.
    """

    hidden: frozenset[UUID] = frozenset()
    hidden_sources: frozenset[UUID] = frozenset()
    expansions: Mapping[UUID, Weights] = field(default_factory=dict)
    pins: Sequence[tuple[Rule, tuple[UUID, ...]]] = ()
    boosts: Sequence[Rule] = ()


def adjust_query(
    encoding: Encoding, rules: Sequence[Rule], encoder: Encoder
) -> tuple[Encoding, frozenset[int]]:
    """The query's vectors after rules on terms and synonyms, and the terms that rules put in.

    Only the sparse side changes: a dense vector has no terms.
    """
    acting = [rule for rule in rules if rule.kind in (RuleKind.TERM, RuleKind.SYNONYM)]
    if encoding.sparse is None or not acting:
        return encoding, frozenset()
    before = _weights(encoding.sparse)
    weights = dict(before)
    for rule in acting:
        if rule.kind is RuleKind.TERM:
            for term in encoder.written(rule.text):
                if term in weights:
                    weights[term] *= rule.factor
            continue
        synonym = encoder.encode_queries([rule.text])[0].sparse
        for term, weight in _weights(synonym).items() if synonym is not None else ():
            weights[term] = max(weights.get(term, 0.0), weight * rule.factor)
    return replace(encoding, sparse=_vector(weights)), frozenset(weights) - frozenset(before)


async def find_targets(rules: Sequence[Rule], database: Database, encoder: Encoder) -> Targets:
    """Look up which chunks the rules are about."""
    about = {RuleKind.HIDE, RuleKind.EXPANSION, RuleKind.PIN, RuleKind.BOOST}
    acting = [rule for rule in rules if rule.kind in about]
    if not acting:
        return Targets()
    named = [rule for rule in acting if rule.kind is not RuleKind.BOOST]
    async with database.reading() as session:
        rows = await read_target_chunks(
            session,
            [rule.chunk_id for rule in named if rule.chunk_id],
            [rule.document_id for rule in named if rule.document_id],
        )

    def chunks(rule: Rule) -> tuple[UUID, ...]:
        return tuple(row[0] for row in rows if rule.target in row)

    hidden = frozenset(id for rule in acting if rule.kind is RuleKind.HIDE for id in chunks(rule))
    expansions: dict[UUID, dict[int, float]] = {}
    for rule in acting:
        if rule.kind is RuleKind.EXPANSION:
            for id in chunks(rule):
                own = expansions.setdefault(id, {})
                for term in encoder.written(rule.text):
                    own[term] = own.get(term, 0.0) + rule.factor
    sources = (rule.source_id for rule in acting if rule.kind is RuleKind.HIDE)
    return Targets(
        hidden=hidden,
        hidden_sources=frozenset(source for source in sources if source),
        expansions=expansions,
        pins=[(rule, chunks(rule)) for rule in acting if rule.kind is RuleKind.PIN],
        boosts=[rule for rule in acting if rule.kind is RuleKind.BOOST],
    )


def without_hidden(condition: Filter, targets: Targets) -> Filter:
    """``condition``, and nothing that rules hide."""
    must_not: list[Condition] = []
    if targets.hidden:
        must_not.append(Named(tuple(sorted(targets.hidden, key=str))))
    if targets.hidden_sources:
        # A source may have more chunks than could be named one by one.
        must_not.append(any_of("source", sorted(targets.hidden_sources, key=str)))
    return Filter((condition,), tuple(must_not)) if must_not else condition


async def expand_passages(
    sparse: list[RankedPoint],
    expansions: Mapping[UUID, Weights],
    query: SparseVector,
    index: SearchIndex,
    condition: Filter,
    candidates: int,
) -> list[RankedPoint]:
    """The sparse arm's ranking as if the passages had the terms of ``expansions`` too.

    What a passage gains is exact: the query's weight times the expansion's, summed over terms.
    """
    gains = {id: gain(query, terms) for id, terms in expansions.items()}
    gains = {id: more for id, more in gains.items() if more}
    if not gains:
        return sparse
    ids = list(gains)
    allowed = Filter((condition, Named(tuple(ids))))
    found = {point.id async for batch in index.scroll(allowed) for point in batch}
    scores = (await index.score(Encoding(None, query), ["sparse"], ids))["sparse"]
    grown = [RankedPoint(id, scores.get(id, 0.0) + gains[id]) for id in ids if id in found]
    return ranked([point for point in sparse if point.id not in gains] + grown, candidates)


def gain(query: SparseVector, terms: Weights) -> float:
    """What a passage's sparse score grows by where it is treated as having ``terms`` too."""
    asked = _weights(query)
    return math.fsum(asked.get(term, 0.0) * weight for term, weight in terms.items())


def grown(passage: SparseVector, terms: Weights) -> SparseVector:
    """The passage's vector with ``terms`` added to it."""
    if not terms:
        return passage
    weights = _weights(passage)
    for term, weight in terms.items():
        weights[term] = weights.get(term, 0.0) + weight
    return _vector(weights)


async def boost(
    fused: list[FusedPoint], boosts: Sequence[Rule], database: Database
) -> list[FusedPoint]:
    """``fused`` with each boosted chunk's score multiplied, as a part of its own, in new order.

    A rule's part is (factor - 1) times what the arms gave; several rules' parts add up.
    """
    if not boosts or not fused:
        return fused
    async with database.reading() as session:
        rows = await read_target_chunks(
            session,
            [rule.chunk_id for rule in boosts if rule.chunk_id],
            [rule.document_id for rule in boosts if rule.document_id],
            [rule.source_id for rule in boosts if rule.source_id],
            among=[point.id for point in fused],
        )
    owners = {row[0]: row for row in rows}
    boosted = []
    for point in fused:
        parts = tuple(
            RulePart(rule.id, rule.effect(), (rule.factor - 1.0) * abs(point.score))
            for rule in boosts
            if rule.target in owners.get(point.id, ())
        )
        boosted.append(point.with_rules(parts) if parts else point)
    return in_order(boosted)


async def choose_pins(
    pins: Sequence[tuple[Rule, tuple[UUID, ...]]],
    fused: Sequence[FusedPoint],
    index: SearchIndex,
    condition: Filter,
) -> list[tuple[Rule, UUID]]:
    """The chunk of each pin: its target's best-placed one, else the first that may be found."""
    chosen = []
    for rule, ids in pins:
        place = {point.id: number for number, point in enumerate(fused) if point.id in set(ids)}
        if place:
            chosen.append((rule, min(place, key=lambda id: place[id])))
            continue
        allowed = Filter((condition, Named(tuple(ids))))
        found = {point.id async for batch in index.scroll(allowed) for point in batch}
        first = next((id for id in ids if id in found), None)
        if first is not None:
            chosen.append((rule, first))
    return chosen


def pin(
    placed: Sequence[Placed], over: Sequence[Placed], pins: Sequence[tuple[Rule, UUID]]
) -> tuple[list[Placed], list[Placed]]:
    """``placed`` with the pinned chunks moved to their places, lower places first.

    Those of ``over``, which lost their place to the cap on a document, are among them; the second
    list is what is left of it. A chunk that several rules pin goes to the first of its places, and
    stands nowhere else.
    """
    if not pins:
        return list(placed), list(over)
    known = {one.id: one for one in (*placed, *over)}
    chosen: dict[UUID, Rule] = {}
    for rule, id in sorted(pins, key=lambda pair: pair[0].position):
        chosen.setdefault(id, rule)
    order = [one for one in placed if one.id not in chosen]
    for id, rule in chosen.items():
        one = known.get(id, Placed(id, 0.0))
        order.insert(rule.position - 1, replace(one, pinned_by=rule.id))
    return order, [one for one in over if one.id not in chosen]


def _weights(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))


def _vector(weights: Mapping[int, float]) -> SparseVector:
    kept = sorted((term, weight) for term, weight in weights.items() if weight > 0)
    return SparseVector(
        np.array([term for term, _ in kept], dtype=np.uint32),
        np.array([weight for _, weight in kept], dtype=np.float32),
    )
