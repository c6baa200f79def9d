from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from backend.search.rules import MAX_RULES, Rule, RuleSet, contradictions
from backend.search.search import Searcher, SearchRequest
from knowledge.errors import InvalidInput, LimitExceeded
from knowledge.store.rules import add_rules, end_rule, find_rule
from knowledge.store.tables import RuleKind, RuleRecord, utc_now
from tests.searching import Ask

SHOP = "https://shop.example/"


def rule(kind: str, **rest: object) -> Rule:
    return Rule(id=uuid4(), kind=RuleKind(kind), **rest)


async def search(ask: Ask, query: str, *rules: Rule, **rest: object):
    request = SearchRequest(query, (ask.filled.knowledge_base_id,), **rest)
    return await ask.searcher.search(request, RuleSet(rules))


def names(result) -> list[str]:
    return [hit.address.removeprefix(SHOP) for hit in result.hits]


async def test_hide_leaves_a_document_out_of_every_arm(ask: Ask) -> None:
    lamp = ask.filled.document_id(SHOP + "lamp")
    assert "lamp" in names(await search(ask, "lamp"))
    assert "lamp" not in names(await search(ask, "lamp", rule("hide", document_id=lamp)))
    whole = rule("hide", source_id=ask.filled.source_id)
    assert names(await search(ask, "lamp", whole)) == []


async def test_pin_puts_a_chunk_in_its_place_even_if_no_arm_returned_it(ask: Ask) -> None:
    cable = ask.filled.chunk_id(SHOP + "cable")
    plain = await search(ask, "refund", arms=("sparse",))
    assert names(plain) == ["refunds"]
    pinned = rule("pin", chunk_id=cable, position=1)
    result = await search(ask, "refund", pinned, arms=("sparse",))
    assert names(result) == ["cable", "refunds"]
    assert result.trace.placed[0].pinned_by == pinned.id
    second = await search(ask, "refund", replace(pinned, position=2), arms=("sparse",))
    assert names(second) == ["refunds", "cable"]


async def test_a_pin_respects_what_the_request_leaves_out(ask: Ask) -> None:
    cable = ask.filled.document_id(SHOP + "cable")
    result = await search(ask, "lamp", rule("pin", document_id=cable), languages=("de",))
    assert names(result) == ["lampe"]


async def test_boost_is_a_part_of_the_score(ask: Ask) -> None:
    refunds = ask.filled.document_id(SHOP + "refunds")
    boost = rule("boost", document_id=refunds, factor=3.0)
    plain = {hit.chunk_id: hit for hit in (await search(ask, "lamp")).hits}
    result = await search(ask, "lamp", boost)
    assert names(result)[0] == "refunds"
    for hit in result.hits:
        arms = [arm.part for arm in hit.arms.values()]
        assert math.fsum([*arms, *hit.rules.values()]) == hit.fused == hit.score
        if hit.document_id == refunds:
            assert hit.rules == {boost.id: 2.0 * plain[hit.chunk_id].fused}
        else:
            assert hit.rules == {}


async def test_a_term_is_weighted_or_removed(ask: Ask) -> None:
    query = "refund cable"
    plain = await search(ask, query, arms=("sparse",))
    assert set(names(plain)) == {"refunds", "cable"}
    without = await search(ask, query, rule("term", text="refund", factor=0), arms=("sparse",))
    assert names(without) == ["cable"]
    more = await search(ask, query, rule("term", text="cable", factor=9), arms=("sparse",))
    scores = {hit.address: hit.arms["sparse"].score for hit in more.hits}
    before = {hit.address: hit.arms["sparse"].score for hit in plain.hits}
    assert scores[SHOP + "cable"] == pytest.approx(9 * before[SHOP + "cable"])
    assert scores[SHOP + "refunds"] == pytest.approx(before[SHOP + "refunds"])


async def test_a_synonym_is_searched_for_too(ask: Ask) -> None:
    synonym = rule("synonym", query="money back", text="refund", factor=0.5)
    assert names(await search(ask, "my money back", arms=("sparse",))) == ["refunds"]  # expansion
    plain = await search(ask, "back", arms=("sparse",))
    assert names(plain) == []
    result = await search(ask, "get money back", synonym, arms=("sparse",))
    terms = ask.filled.encoder.written("refund")
    assert result.trace.prepared.rule_terms == set(terms)
    apart = await search(ask, "back", synonym, arms=("sparse",))
    assert names(apart) == []


async def test_an_expansion_gives_a_passage_terms_and_its_score_is_exact(ask: Ask) -> None:
    cable = ask.filled.chunk_id(SHOP + "cable")
    grow = rule("expansion", chunk_id=cable, text="lead", factor=2.0)
    assert names(await search(ask, "lead", arms=("sparse",))) == []
    result = await search(ask, "lead", grow, arms=("sparse",))
    assert names(result) == ["cable"]
    (weight,) = result.trace.query.sparse.values.tolist()
    assert result.hits[0].arms["sparse"].score == weight * 2.0


async def test_settings_can_be_a_rule(ask: Ask) -> None:
    only_dense = rule("settings", settings={"weights": {"sparse": 0.0}, "rrf_k": 10})
    result = await search(ask, "lamp", only_dense)
    assert result.trace.prepared.settings.rrf_k == 10
    assert all(hit.fused == 1 / (10 + hit.arms["dense"].rank) for hit in result.hits)


async def test_rules_apply_to_the_queries_that_hold_their_words(ask: Ask) -> None:
    lamp = ask.filled.document_id(SHOP + "lamp")
    hide = rule("hide", query="returned lamps", document_id=lamp)
    # Inflection does not matter, order neither; a missing word does.
    assert "lamp" not in names(await search(ask, "Lamp: how to RETURN it", hide))
    assert "lamp" in names(await search(ask, "lamp", hide))


async def test_an_expired_rule_does_nothing(ask: Ask) -> None:
    lamp = ask.filled.document_id(SHOP + "lamp")
    over = rule("hide", document_id=lamp, expires_at=utc_now() - timedelta(seconds=1))
    assert "lamp" in names(await search(ask, "lamp", over))


async def test_saved_rules_act_from_the_next_search_until_they_are_ended(ask: Ask) -> None:
    filled = ask.filled
    record = RuleRecord(
        knowledge_base_id=filled.knowledge_base_id,
        kind=RuleKind.HIDE,
        document_id=filled.document_id(SHOP + "lamp"),
        author="ada@shop.example",
    )
    assert "lamp" in await ask.addresses("lamp")
    async with filled.database.writing() as session:
        await add_rules(session, [record])
    assert "lamp" not in await ask.addresses("lamp")
    # A draft stands in for the saved rules.
    empty = SearchRequest("lamp", (filled.knowledge_base_id,))
    assert "lamp" in names(await ask.searcher.search(empty, RuleSet()))
    async with filled.database.writing() as session:
        found = await find_rule(session, filled.knowledge_base_id, record.id)
        await end_rule(session, found, "ada@shop.example")
    assert "lamp" in await ask.addresses("lamp")


async def test_a_stored_rule_that_cannot_be_used_does_not_break_search(ask: Ask) -> None:
    broken = RuleRecord(knowledge_base_id=ask.filled.knowledge_base_id, kind=RuleKind.PIN)
    async with ask.filled.database.writing() as session:
        await add_rules(session, [broken])
    assert await ask.addresses("lamp")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("pin", {}),
        ("pin", {"source_id": uuid4()}),
        ("pin", {"chunk_id": uuid4(), "position": 0}),
        ("hide", {"chunk_id": uuid4(), "document_id": uuid4()}),
        ("boost", {"document_id": uuid4(), "factor": -1.0}),
        ("term", {"text": "?"}),
        ("term", {"text": "lamp", "document_id": uuid4()}),
        ("synonym", {"text": "refund"}),
        ("expansion", {"text": "lamp"}),
        ("settings", {}),
        ("settings", {"settings": {"candidates": 5}}),
        ("settings", {"settings": {"rrf_k": -5}}),
        ("settings", {"settings": {"weights": 3}}),
        ("settings", {"settings": {"rerank": "no"}}),
        ("settings", {"settings": {"rerank_candidates": 2.5}}),
        ("settings", {"settings": {"per_document": True}}),
    ],
)
def test_rules_that_cannot_work_are_refused(kind: str, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=kind):
        rule(kind, **fields)


def test_contradictions_are_found() -> None:
    page = uuid4()
    pin = rule("pin", document_id=page, query="lamp")
    hide = rule("hide", document_id=page)
    assert contradictions([pin, hide]) == [(pin, hide, "one pins what the other hides")]
    assert contradictions([pin, replace(hide, query="cable")]) == []
    up, down = (rule("boost", document_id=page, factor=factor) for factor in (2.0, 0.5))
    assert contradictions([up, down])[0][2] == "one raises what the other lowers"
    other = rule("pin", document_id=uuid4(), query="lamp bulb")
    assert contradictions([pin, other])[0][2] == "both pin to place 1"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            {"kind": "pin", "document_id": UUID(int=1)},
            {"kind": "pin", "document_id": UUID(int=1), "position": 3},
            "one pins to place 1 what the other pins to 3",
        ),
        (
            {"kind": "synonym", "query": "lamp", "text": "lantern"},
            {"kind": "term", "text": "lanterns", "factor": 0.0},
            "one puts words in that the other takes out",
        ),
        (
            {"kind": "settings", "settings": {"rrf_k": 10, "per_document": 1}},
            {"kind": "settings", "settings": {"rrf_k": 60, "per_document": 1}},
            "both set rrf_k, and not to the same",
        ),
        (
            {"kind": "settings", "settings": {"rrf_k": 10}},
            {"kind": "settings", "settings": {"per_document": 1}},
            None,
        ),
        (
            {"kind": "synonym", "query": "lamp", "text": "lantern"},
            {"kind": "term", "text": "lantern", "factor": 2.0},
            None,
        ),
    ],
)
def test_what_contradicts_what(
    one: dict[str, object], other: dict[str, object], why: str | None
) -> None:
    for pair in ([one, other], [other, one]):
        rules = [rule(**fields) for fields in pair]
        found = contradictions(rules)
        assert len(found) == (why is not None)
        if why and pair[0] is one:
            assert found[0][2] == why


def test_a_draft_of_too_many_changes_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="1000"):
        RuleSet(tuple(rule("term", text="lamp") for _ in range(1000)))
    assert len(RuleSet(tuple(rule("term", text="lamp") for _ in range(MAX_RULES))).rules) == 500


async def test_unknown_targets_do_nothing(searcher: Searcher, ask: Ask) -> None:
    ghost = uuid4()
    rules = [rule(kind, document_id=ghost) for kind in ("pin", "hide", "boost")]
    rules.append(rule("expansion", chunk_id=ghost, text="lamp"))
    assert names(await search(ask, "lamp", *rules)) == names(await search(ask, "lamp"))
