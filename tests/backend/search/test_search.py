from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import delete

from backend.search.rules import Rule, RuleSet
from backend.search.search import Searcher, SearchRequest, SearchSettings
from knowledge.errors import InvalidQuery, InvalidSettings
from knowledge.store.tables import Chunk, RuleKind
from tests.fakes import HashingEncoder
from tests.filled import FilledKnowledgeBase, Page
from tests.searching import Ask


async def test_hits_carry_their_passage_and_the_record_of_their_place(ask: Ask) -> None:
    result = await ask("bulb flickers", limit=3)
    first = result.hits[0]
    assert first.chunk_id == ask.filled.chunk_id("https://shop.example/lamp", 1)
    assert first.text == "A bulb that flickers is loose: turn the bulb until it holds."
    assert (first.title, first.address) == ("Desk lamp", "https://shop.example/lamp")
    assert first.source_id == ask.filled.source_id
    assert list(first.arms) == ["sparse", "dense"]
    assert (first.arms["sparse"].rank, first.arms["dense"].rank) == (1, 1)
    assert first.arms["sparse"].part == first.arms["dense"].part == 1 / 61
    for hit in result.hits:
        assert sum(arm.part for arm in hit.arms.values()) == hit.fused == hit.score
    assert result.took_ms > 0
    assert result.warnings == ()


async def test_arms_can_be_chosen(ask: Ask) -> None:
    sparse = await ask("refund", arms=("sparse",))
    assert [hit.text for hit in sparse.hits] == ["A refund is paid within ten days of the return."]
    assert list(sparse.hits[0].arms) == ["sparse"]
    assert len((await ask("refund", arms=("dense",))).hits) == 6


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        ({"languages": ("de",)}, {"lampe"}),
        ({"languages": ("en", "de")}, {"lamp", "refunds", "lampe", "cable"}),
        ({"modified_after": datetime(2026, 2, 1, tzinfo=UTC)}, {"refunds"}),
        ({"modified_before": datetime(2026, 3, 1, tzinfo=UTC)}, {"lamp", "lampe", "cable"}),
        ({"modified_after": datetime(2026, 3, 1, tzinfo=UTC)}, {"refunds"}),
    ],
)
async def test_filters(ask: Ask, restriction: dict[str, object], expected: set[str]) -> None:
    assert set(await ask.addresses("lamp", **restriction)) == expected


async def test_filters_by_source_and_document(ask: Ask) -> None:
    cable = ask.filled.document_id("https://shop.example/cable")
    assert await ask.addresses("lamp", document_ids=(cable,)) == ["cable"]
    assert await ask.addresses("lamp", source_ids=(uuid4(),)) == []
    assert len(await ask.addresses("lamp", source_ids=(ask.filled.source_id,))) == 6


async def test_knowledge_bases_are_apart(ask: Ask) -> None:
    other = FilledKnowledgeBase(ask.filled.database, ask.filled.index, ask.filled.encoder, "bank")
    await other.create()
    await other.add(Page("https://bank.example/lamp", ("The lamp in the vault.",)))
    everywhere = {hit.address for hit in (await ask("lamp", limit=50)).hits}
    assert "https://bank.example/lamp" not in everywhere
    both = SearchRequest("lamp", (ask.filled.knowledge_base_id, other.knowledge_base_id), 50)
    found = {hit.address for hit in (await ask.searcher.search(both)).hits}
    assert found == everywhere | {"https://bank.example/lamp"}


async def test_no_knowledge_base_finds_nothing(
    searcher: Searcher, filled: FilledKnowledgeBase
) -> None:
    result = await searcher.search(SearchRequest("lamp", ()))
    assert result.hits == ()
    assert "No knowledge base" in result.warnings[0]


async def test_searches_at_the_same_time_do_not_disturb_each_other(ask: Ask) -> None:
    queries = ["lamp bulb", "refund", "cable", "Lampe", "return label"] * 4
    alone = [[hit.chunk_id for hit in (await ask(query)).hits] for query in queries]
    fresh = Searcher(ask.filled.database, ask.filled.index, ask.filled.encoder, SearchSettings())
    bases = (ask.filled.knowledge_base_id,)
    together = await asyncio.gather(
        *(fresh.search(SearchRequest(query, bases)) for query in queries)
    )
    assert [[hit.chunk_id for hit in result.hits] for result in together] == alone


@pytest.mark.parametrize("query", ["", "   \n", "?!…", "\0", "🙂"])
async def test_a_query_with_nothing_in_it_is_refused(ask: Ask, query: str) -> None:
    with pytest.raises(InvalidQuery):
        await ask(query)


async def test_a_long_query_is_cut_with_a_warning(ask: Ask) -> None:
    query = "lamp " * 20_000
    result = await ask(query)
    assert len(query) == 100_000
    assert len(result.query.split()) == ask.filled.encoder.spec.max_tokens
    assert "99,999" in result.warnings[0]
    assert result.hits


async def test_a_long_word_without_a_break_is_cut_too(ask: Ask) -> None:
    result = await ask("x" * 100_000)
    assert len(result.query) < 100_000
    assert result.warnings


@pytest.mark.parametrize("query", ["Лампа мигает", "ランプの電球", "מנורה", "lamp \ud800 bulb"])
async def test_other_scripts_and_broken_text_are_searched(ask: Ask, query: str) -> None:
    assert (await ask(query)).hits


async def test_a_chunk_that_left_the_database_is_dropped(ask: Ask) -> None:
    filled = ask.filled
    gone = filled.chunk_id("https://shop.example/lamp", 1)
    async with filled.database.writing() as session:
        await session.execute(delete(Chunk).where(Chunk.id == gone))
    result = await ask("bulb flickers", limit=2)
    assert len(result.hits) == 2
    assert gone not in {hit.chunk_id for hit in result.hits}
    assert result.trace.missing == {gone}


async def test_rare_terms_weigh_more_and_the_weights_follow_the_collection(
    ask: Ask, encoder: HashingEncoder
) -> None:
    result = await ask("the cable")
    n = 6
    words = encoder.words(result.trace.prepared.encoded.sparse.indices.tolist(), "the cable")
    factors = {words[term]: factor for term, factor in result.trace.prepared.idf.items()}
    # "the" stands in 5 of the 6 chunks, "cable" in one.
    assert factors["the"] == pytest.approx(np.log(1 + (n - 5 + 0.5) / (5 + 0.5)))
    assert factors["cable"] == pytest.approx(np.log(1 + (n - 1 + 0.5) / (1 + 0.5)))

    await ask.filled.add(Page("https://shop.example/more", ("Another cable.",)))
    later = await ask("the cable")
    factors = {words[term]: factor for term, factor in later.trace.prepared.idf.items()}
    assert factors["cable"] == pytest.approx(np.log(1 + (7 - 2 + 0.5) / (2 + 0.5)))


async def test_an_encoder_that_needs_no_idf_gets_none(filled: FilledKnowledgeBase) -> None:
    encoder = HashingEncoder(uses_idf=False, synonyms={"flickers": "flicker"})
    searcher = Searcher(filled.database, filled.index, encoder, SearchSettings())
    result = await searcher.search(SearchRequest("the cable", (filled.knowledge_base_id,)))
    assert result.trace.prepared.query is result.trace.prepared.encoded


async def test_an_arm_that_the_encoder_lacks_is_named(filled: FilledKnowledgeBase) -> None:
    encoder = HashingEncoder(dense_size=0)
    searcher = Searcher(filled.database, filled.index, encoder, SearchSettings())
    bases = (filled.knowledge_base_id,)
    result = await searcher.search(SearchRequest("cable", bases))
    assert [hit.title for hit in result.hits] == ["Cable"]
    assert "no dense side" in result.warnings[0]
    with pytest.raises(InvalidSettings):
        await searcher.search(SearchRequest("cable", bases, arms=("dense",)))


async def test_per_document_cap(ask: Ask) -> None:
    addresses = await ask.addresses("lamp bulb", settings=SearchSettings(per_document=1))
    assert sorted(addresses) == ["cable", "lamp", "lampe", "refunds"]
    result = await ask("lamp bulb", settings=SearchSettings(per_document=1))
    assert len(result.trace.over) == 2


async def test_diversity_moves_a_near_duplicate_down(ask: Ask) -> None:
    await ask.filled.add(
        Page("https://shop.example/copy", ("The desk lamp takes a bulb of 40 watts.",))
    )
    plain = await ask.addresses("desk lamp bulb watts", limit=2)
    assert set(plain) == {"lamp", "copy"}
    spread = await ask("desk lamp bulb watts", settings=SearchSettings(diversity=0.5))
    assert (
        spread.hits[1].address not in {f"https://shop.example/{name}" for name in ("lamp", "copy")}
        or spread.hits[1].text != spread.hits[0].text
    )
    for one in spread.trace.placed:
        fused = next(point for point in spread.trace.fused if point.id == one.id)
        assert one.score == fused.score - one.penalty


class LastFirst:
    """A reranker that prefers later candidates, waiting first if told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.seen: list[Sequence[str]] = []

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self.go_on.wait(30)
        self.seen.append(texts)
        return [float(number) for number in range(len(texts))]


async def test_reranking_orders_the_first_candidates(filled: FilledKnowledgeBase) -> None:
    reranker = LastFirst()
    settings = SearchSettings(rerank=True, rerank_candidates=2, rerank_budget_ms=20_000)
    searcher = Searcher(filled.database, filled.index, filled.encoder, settings, reranker)
    request = SearchRequest("lamp bulb", (filled.knowledge_base_id,), limit=4)
    plain = await searcher.search(replace(request, settings=SearchSettings()))
    result = await searcher.search(request)
    order = [hit.chunk_id for hit in plain.hits]
    assert [hit.chunk_id for hit in result.hits] == [order[1], order[0], order[2], order[3]]
    assert [hit.rerank for hit in result.hits] == [1.0, 0.0, None, None]
    assert (result.hits[0].score, result.hits[0].fused) == (1.0, plain.hits[1].score)
    assert len(reranker.seen[0]) == 2
    assert result.warnings == ()


async def test_past_the_budget_the_fused_order_stands(filled: FilledKnowledgeBase) -> None:
    reranker = LastFirst()
    reranker.go_on.clear()
    settings = SearchSettings(rerank=True, rerank_budget_ms=20)
    searcher = Searcher(filled.database, filled.index, filled.encoder, settings, reranker)
    request = SearchRequest("lamp bulb", (filled.knowledge_base_id,), limit=4)
    plain = await searcher.search(replace(request, settings=SearchSettings()))
    try:
        late = await searcher.search(request)
        meanwhile = await searcher.search(request)
    finally:
        reranker.go_on.set()
    assert [hit.chunk_id for hit in late.hits] == [hit.chunk_id for hit in plain.hits]
    assert "longer than 20 ms" in late.warnings[0]
    assert "busy" in meanwhile.warnings[0]


async def test_a_missing_reranker_is_said(ask: Ask) -> None:
    result = await ask("lamp", settings=SearchSettings(rerank=True))
    assert "CANDOR_RERANKER_MODEL" in result.warnings[0]
    assert result.hits


@pytest.mark.parametrize(
    "wrong",
    [
        {"candidates": 0},
        {"fusion": "magic"},
        {"rrf_k": -1},
        {"weights": {"sparse": -1.0}},
        {"weights": {"magic": 1.0}},
        {"diversity": 1.0},
        {"rerank_budget_ms": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings, match=next(iter(wrong))):
        SearchSettings(**wrong)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 5000}, {"arms": ()}, {"arms": ("x",)}])
def test_requests_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings):
        SearchRequest("lamp", (), **wrong)


async def test_many_searches_find_what_each_alone_finds(ask: Ask) -> None:
    """Whatever the searches before were under, from which they take what they can."""
    lamp = ask.filled.document_id("https://shop.example/lamp")
    cable = ask.filled.chunk_id("https://shop.example/cable")
    drafts = [
        RuleSet(),
        RuleSet((Rule(uuid4(), RuleKind.BOOST, document_id=lamp, factor=3.0),)),
        RuleSet((Rule(uuid4(), RuleKind.TERM, text="bulb", factor=0.1),)),
        RuleSet((Rule(uuid4(), RuleKind.EXPANSION, chunk_id=cable, text="bulb", factor=4.0),)),
        RuleSet((Rule(uuid4(), RuleKind.PIN, chunk_id=cable),)),
        RuleSet((Rule(uuid4(), RuleKind.HIDE, document_id=lamp),)),
        RuleSet((Rule(uuid4(), RuleKind.SETTINGS, settings={"weights": {"sparse": 0.1}}),)),
    ]
    bases = (ask.filled.knowledge_base_id,)
    queries = ["bulb", "return the lamp", "Birne", "cable of two metres", "bulb that flickers"]
    requests = [SearchRequest(query, bases, 4) for query in queries]
    earlier = [await ask.searcher.search_many(requests * 2, rules) for rules in drafts]
    for rules in drafts:
        alone = [(await ask.searcher.search(request, rules)).hits for request in requests]
        for before in earlier:
            many = await ask.searcher.search_many(requests * 2, rules, before)
            assert [one.hits for one in many] == alone * 2
