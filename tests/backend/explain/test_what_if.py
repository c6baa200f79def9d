from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from backend.explain.rankings import JudgedText
from backend.explain.rule_desk import RuleDesk
from backend.explain.what_if import Draft, compare, what_if, what_if_set
from backend.search.rules import Rule
from backend.search.search import SearchRequest, SearchSettings
from knowledge.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from knowledge.store.rules import find_rule
from knowledge.store.tables import RuleKind, utc_now
from tests.filled import FilledKnowledgeBase, Page
from tests.searching import Ask

SHOP = "https://shop.example/"
WHO = "ada@shop.example"


def rule(kind: str, **rest: object) -> Rule:
    return Rule(id=uuid4(), kind=RuleKind(kind), **rest)


@pytest.fixture
def request_for(ask: Ask):
    return lambda query, **rest: SearchRequest(query, (ask.filled.knowledge_base_id,), **rest)


async def test_a_draft_shows_what_would_move_and_touches_nothing(ask: Ask, request_for) -> None:
    plain = await ask("lamp")
    refunds = ask.filled.document_id(SHOP + "refunds")
    lamp = ask.filled.document_id(SHOP + "lamp")
    draft = Draft(
        add=(rule("boost", document_id=refunds, factor=5.0), rule("hide", document_id=lamp))
    )
    tried = await what_if(ask.searcher, request_for("lamp"), draft)
    assert [hit.chunk_id for hit in tried.before.hits] == [hit.chunk_id for hit in plain.hits]
    assert tried.after.hits[0].document_id == refunds
    for move in tried.moves:
        assert move.before != move.after
    gone = {move.address for move in tried.moves if move.after is None}
    assert gone == {SHOP + "lamp"}
    again = await ask("lamp")
    assert [hit.chunk_id for hit in again.hits] == [hit.chunk_id for hit in plain.hits]
    assert json.loads(json.dumps(tried.to_json()))["query"] == "lamp"


async def test_a_draft_may_change_settings_and_leave_saved_rules_out(ask: Ask, request_for) -> None:
    desk = RuleDesk(ask.filled.database)
    hide = rule("hide", document_id=ask.filled.document_id(SHOP + "lamp"))
    await desk.save(ask.filled.knowledge_base_id, [hide], author=WHO, reason="Outdated.")
    settings = SearchSettings(weights={"sparse": 0.0, "dense": 1.0})
    draft = Draft(remove=(hide.id,), settings=settings)
    tried = await what_if(ask.searcher, request_for("lamp bulb"), draft)
    assert SHOP + "lamp" in {move.address for move in tried.moves if move.before is None}
    assert all(hit.arms["dense"].part == hit.fused for hit in tried.after.hits)


async def test_contradictions_in_a_draft_are_named(ask: Ask, request_for) -> None:
    lamp = ask.filled.document_id(SHOP + "lamp")
    draft = Draft(add=(rule("pin", document_id=lamp), rule("hide", document_id=lamp)))
    tried = await what_if(ask.searcher, request_for("lamp"), draft)
    assert "one pins what the other hides" in tried.warnings[0]


async def test_a_draft_of_a_thousand_changes_is_refused(ask: Ask, request_for) -> None:
    draft = Draft(add=tuple(rule("term", text="lamp") for _ in range(1000)))
    with pytest.raises(LimitExceeded):
        await what_if(ask.searcher, request_for("lamp"), draft)


QUERIES = (
    JudgedText("1", "flickering lamp bulb", {SHOP + "lamp": 1}),
    JudgedText("2", "cable", {SHOP + "cable": 1, SHOP + "no-such-page": 1}),
    JudgedText("3", "refund", {SHOP + "refunds": 2}),
    JudgedText("4", "nothing judged", {}),
)


async def test_a_query_set_is_measured_before_and_after(ask: Ask) -> None:
    bases = (ask.filled.knowledge_base_id,)
    hide = rule("hide", document_id=ask.filled.document_id(SHOP + "lamp"))
    pin = rule("pin", query="refund", document_id=ask.filled.document_id(SHOP + "cable"))
    found = await what_if_set(ask.searcher, bases, QUERIES, Draft(add=(hide, pin)))
    assert found.queries == 3
    assert found.before["mrr@10"] == 1.0
    assert found.after["mrr@10"] == pytest.approx((0 + 1 + 1 / 2) / 3)
    assert found.helped == ()
    assert [change.query for change in found.hurt] == ["flickering lamp bulb", "refund"]
    assert found.hurt[0].after == 0.0
    # Two differences: (-1, -0.37) is as extreme as (+1, +0.37), of four flips.
    assert found.p_value == 2 / 4
    assert found.unknown == (SHOP + "no-such-page",)
    assert json.loads(json.dumps(found.to_json()))["queries"] == 3


def test_comparing_counts_what_both_runs_have() -> None:
    before = {"ndcg@10": {"1": 0.5, "2": 1.0}, "mrr@10": {"1": 0.5, "2": 1.0}}
    after = {"ndcg@10": {"1": 1.0, "3": 1.0}, "mrr@10": {"1": 1.0, "3": 1.0}}
    found = compare(QUERIES, before, after)
    assert (found.queries, found.before["ndcg@10"], found.after["ndcg@10"]) == (1, 0.5, 1.0)
    assert [change.id for change in found.helped] == ["1"]


class TestRuleDesk:
    @pytest.fixture
    def desk(self, filled: FilledKnowledgeBase) -> RuleDesk:
        return RuleDesk(filled.database)

    async def test_a_saved_rule_says_who_and_why(
        self, desk: RuleDesk, filled: FilledKnowledgeBase
    ) -> None:
        base = filled.knowledge_base_id
        pin = rule("pin", query="lamp", document_id=filled.document_id(SHOP + "lamp"))
        until = utc_now() + timedelta(days=7)
        (record,) = await desk.save(
            base, [pin], author=WHO, reason="Asked often.", expires_at=until
        )
        assert (record.author, record.reason, record.expires_at) == (WHO, "Asked often.", until)
        assert [one.id for one in await desk.active(base)] == [pin.id]

    async def test_undo_ends_a_rule_and_brings_it_back(
        self, desk: RuleDesk, ask: Ask, filled: FilledKnowledgeBase
    ) -> None:
        base = filled.knowledge_base_id
        hide = rule("hide", document_id=filled.document_id(SHOP + "lamp"))
        await desk.save(base, [hide], author=WHO, reason="Outdated.")
        assert "lamp" not in await ask.addresses("lamp")
        ended = await desk.undo(base, hide.id, "bob@shop.example")
        assert (ended.ended_by, await desk.active(base)) == ("bob@shop.example", [])
        assert "lamp" in await ask.addresses("lamp")
        again = await desk.undo(base, hide.id, WHO)
        assert again.replaces == hide.id
        assert "lamp" not in await ask.addresses("lamp")
        assert len(await desk.history(base)) == 2

    async def test_undoing_an_edit_brings_back_what_it_replaced(
        self, desk: RuleDesk, filled: FilledKnowledgeBase
    ) -> None:
        base, lamp = filled.knowledge_base_id, filled.document_id(SHOP + "lamp")
        first = rule("boost", document_id=lamp, factor=2.0)
        await desk.save(base, [first], author=WHO, reason="Good page.")
        second = rule("boost", document_id=lamp, factor=9.0)
        await desk.save(base, [second], author=WHO, reason="Better.", replaces=first.id)
        assert [one.factor for one in await desk.active(base)] == [9.0]
        await desk.undo(base, second.id, WHO)
        assert [one.factor for one in await desk.active(base)] == [2.0]

    async def test_a_contradiction_is_refused_unless_it_is_meant(
        self, desk: RuleDesk, filled: FilledKnowledgeBase
    ) -> None:
        base, lamp = filled.knowledge_base_id, filled.document_id(SHOP + "lamp")
        await desk.save(base, [rule("pin", document_id=lamp)], author=WHO, reason="Good.")
        hide = rule("hide", document_id=lamp)
        with pytest.raises(Conflict, match="one pins what the other hides"):
            await desk.save(base, [hide], author=WHO, reason="Bad.")
        assert len(await desk.active(base)) == 1
        await desk.save(base, [hide], author=WHO, reason="Bad.", despite_contradiction=True)
        assert len(await desk.active(base)) == 2

    async def test_what_cannot_be_saved(self, desk: RuleDesk, filled: FilledKnowledgeBase) -> None:
        base = filled.knowledge_base_id
        lamp = rule("hide", document_id=filled.document_id(SHOP + "lamp"))
        with pytest.raises(InvalidInput, match="reason"):
            await desk.save(base, [lamp], author=WHO, reason=" ")
        with pytest.raises(InvalidInput, match="expired"):
            await desk.save(base, [lamp], author=WHO, reason="x", expires_at=utc_now())
        with pytest.raises(NotFound, match="no document"):
            await desk.save(base, [rule("hide", document_id=uuid4())], author=WHO, reason="x")
        other = FilledKnowledgeBase(filled.database, filled.index, filled.encoder, "bank")
        await other.create()
        await other.add(Page("https://bank.example/", ("A vault.",)))
        foreign = rule("hide", document_id=other.document_id("https://bank.example/"))
        with pytest.raises(NotFound):
            await desk.save(base, [foreign], author=WHO, reason="x")
        assert await desk.active(base) == []
        await desk.save(base, [lamp], author=WHO, reason="x")
        with pytest.raises(NotFound):
            await desk.end(other.knowledge_base_id, lamp.id, WHO)
        async with filled.database.reading() as session:
            assert (await find_rule(session, base, lamp.id)).ended_at is None
