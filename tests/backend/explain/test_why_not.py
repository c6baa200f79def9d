from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from backend.explain.explain import Explainer
from backend.explain.why_not import STAGES, WhyNot, why_not
from backend.search.rules import Rule, RuleSet
from backend.search.search import Searcher, SearchRequest, SearchSettings
from knowledge.errors import InvalidInput, NotFound
from knowledge.index.conditions import Filter, Named, belonging_to
from knowledge.index.search_index import Point
from knowledge.store.rules import add_rules
from knowledge.store.tables import (
    Document,
    DocumentState,
    ItemState,
    RuleKind,
    RuleRecord,
    Run,
    RunItem,
    Source,
    SourceKind,
)
from tests.filled import FilledKnowledgeBase, Page
from tests.searching import Ask

SHOP = "https://shop.example/"


class Why:
    def __init__(self, ask: Ask) -> None:
        self.filled = ask.filled
        self.explainer = Explainer(ask.searcher)

    async def __call__(self, query: str, page: str, **rest: object) -> WhyNot:
        answer_hits = rest.pop("answer_hits", None)
        request = SearchRequest(query, (self.filled.knowledge_base_id,), **rest)
        why = await why_not(
            self.explainer,
            request,
            address=SHOP + page,
            answer_hits=answer_hits,
            rewrite=True,
        )
        assert why.stage in STAGES
        return why


@pytest.fixture
def why(ask: Ask) -> Why:
    return Why(ask)


async def add_document(filled: FilledKnowledgeBase, name: str, **fields: object) -> UUID:
    document = Document(
        knowledge_base_id=filled.knowledge_base_id,
        source_id=filled.source_id,
        address=SHOP + name,
        **fields,
    )
    async with filled.database.writing() as session:
        session.add(document)
    return document.id


async def test_a_hit_is_found(why: Why) -> None:
    found = await why("desk lamp bulb", "lamp")
    assert (found.stage, found.place) == ("found", 1)
    assert found.chunk_id == why.filled.chunk_id(SHOP + "lamp", 0)


async def test_a_page_that_no_crawl_met(why: Why) -> None:
    assert "No source" in (await why("lamp", "nowhere")).detail


@pytest.mark.parametrize(
    ("page", "rules", "stage", "words"),
    [
        ("blog/lamp", {"exclude": ["/blog/*"]}, "excluded", "pattern /blog/* leaves it out"),
        ("lamp-2", {"include": ["/docs/*", "/help"]}, "excluded", "(/docs/*, /help)"),
        ("lamp.png", {}, "excluded", ".png"),
        ("lamp-2", {"max_depth": 3}, "never seen", "“Shop” has not met"),
    ],
)
async def test_the_rules_of_a_source_judge_what_no_crawl_met(
    why: Why, page: str, rules: dict[str, object], stage: str, words: str
) -> None:
    base = why.filled.knowledge_base_id
    async with why.filled.database.writing() as session:
        for start in ("https://elsewhere.example/", SHOP):
            source = Source(knowledge_base_id=base, kind=SourceKind.WEBSITE, name="Shop")
            source.config = {"start": start} | rules
            session.add(source)
    found = await why("lamp", page)
    assert found.stage == stage
    assert words in found.detail
    assert found.action


@pytest.mark.parametrize(
    ("state", "code", "stage"),
    [
        (ItemState.SKIPPED, "noindex", "excluded"),
        (ItemState.SKIPPED, "redirected", "duplicate"),
        (ItemState.SKIPPED, "broken-link", "gone"),
        (ItemState.FAILED, "not-for-crawlers", "excluded"),
        (ItemState.FAILED, "fetch-timeout", "failed to parse"),
    ],
)
async def test_an_address_that_a_crawl_left_out(
    why: Why, state: ItemState, code: str, stage: str
) -> None:
    run = Run(knowledge_base_id=why.filled.knowledge_base_id)
    async with why.filled.database.writing() as session:
        session.add(run)
        await session.flush()
        item = RunItem(run_id=run.id, address=SHOP + "draft", state=state, error_code=code)
        item.error_detail = "The reason."
        session.add(item)
    found = await why("lamp", "draft")
    assert (found.stage, found.detail) == (stage, "The reason.")


async def test_a_document_that_could_not_be_read(why: Why) -> None:
    await add_document(
        why.filled,
        "broken.pdf",
        state=DocumentState.FAILED,
        error_detail="The file is damaged.",
        error_action="Save it again.",
    )
    found = await why("lamp", "broken.pdf")
    assert (found.stage, found.action) == ("failed to parse", "Save it again.")


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (DocumentState.QUEUED, "never seen"),
        (DocumentState.SKIPPED, "excluded"),
        (DocumentState.MISSING, "gone"),
        (DocumentState.INDEXED, "empty"),
    ],
)
async def test_a_document_without_passages_left_where_its_state_says(
    why: Why, state: DocumentState, stage: str
) -> None:
    id = await add_document(why.filled, "page", state=state)
    found = await why("lamp", "page")
    assert (found.stage, found.document_id) == (stage, id)
    assert found.detail


async def test_a_duplicate_names_the_one_that_is_kept(why: Why) -> None:
    await add_document(
        why.filled,
        "copy",
        state=DocumentState.DUPLICATE,
        duplicate_of=why.filled.document_id(SHOP + "lamp"),
    )
    found = await why("lamp", "copy")
    assert found.stage == "duplicate"
    assert SHOP + "lamp" in found.detail


@pytest.mark.parametrize(
    ("restriction", "word"),
    [
        ({"languages": ("de",)}, "language"),
        ({"modified_after": datetime(2026, 2, 1, tzinfo=UTC)}, "date"),
        ({"source_ids": (UUID(int=5),)}, "source"),
        ({"document_ids": (UUID(int=5),)}, "document"),
    ],
)
async def test_what_a_filter_left_out(why: Why, restriction: dict[str, object], word: str) -> None:
    found = await why("desk lamp", "lamp", **restriction)
    assert found.stage == "filtered"
    assert word in found.detail


async def test_what_a_rule_or_an_editor_hides(why: Why) -> None:
    filled = why.filled
    lamp = filled.document_id(SHOP + "lamp")
    condition = belonging_to("document", lamp)
    await filled.index.set_payload(condition, {"hidden": True})
    assert "editor" in (await why("lamp", "lamp")).detail
    await filled.index.set_payload(condition, {"hidden": None})
    rule = RuleRecord(
        knowledge_base_id=filled.knowledge_base_id, kind=RuleKind.HIDE, document_id=lamp
    )
    async with filled.database.writing() as session:
        await add_rules(session, [rule])
    found = await why("lamp", "lamp")
    assert found.stage == "hidden"
    assert "rule" in found.detail


async def test_what_is_not_in_the_index(why: Why) -> None:
    ids = tuple(why.filled.chunk_id(SHOP + "lamp", n) for n in range(2))
    await why.filled.index.delete(Filter((Named(ids),)))
    assert (await why("lamp", "lamp")).stage == "not indexed"


async def test_below_the_cutoff_of_every_arm(why: Why) -> None:
    found = await why("refund", "cable", limit=1, settings=SearchSettings(candidates=1))
    assert found.stage == "cutoff"
    assert "shares no word" in found.detail
    sparse, dense = found.cutoffs
    assert (sparse.own, sparse.distance) == (None, sparse.needed)
    assert dense.distance == dense.needed - dense.own > 0


async def test_lost_in_fusion_says_by_how_much(why: Why) -> None:
    found = await why("refund return days", "cable", limit=3)
    assert found.stage == "fusion"
    fused = found.cutoffs[-1]
    assert (fused.what, fused.distance) == ("fused", fused.needed - fused.own)
    assert fused.distance > 0
    assert found.changes.changes


async def test_lost_in_reranking(why: Why) -> None:
    class Backwards:
        def rerank(self, query, texts):
            return [float(number) for number in range(len(texts))]

    filled = why.filled
    request = SearchRequest("desk lamp bulb", (filled.knowledge_base_id,), limit=1)
    first = (await why.explainer.searcher.search(request)).hits[0].chunk_id
    settings = SearchSettings(rerank=True, rerank_candidates=6, rerank_budget_ms=20_000)
    searcher = Searcher(filled.database, filled.index, filled.encoder, settings, Backwards())
    found = await why_not(Explainer(searcher), request, chunk_id=first)
    assert (found.stage, found.place) == ("rerank", 6)
    assert found.cutoffs[-1].distance == 5.0


async def test_lost_to_the_cap_on_a_document(why: Why) -> None:
    request = SearchRequest(
        "lamp bulb",
        (why.filled.knowledge_base_id,),
        settings=SearchSettings(per_document=1),
    )
    result = await why.explainer.searcher.search(request)
    found = await why_not(why.explainer, request, chunk_id=result.trace.over[0].id)
    assert found.stage == "diversity"


async def test_beyond_what_an_answer_reads(why: Why) -> None:
    found = await why("desk lamp bulb", "cable", answer_hits=2)
    assert found.stage == "budget"


async def test_an_unclear_or_foreign_question_is_refused(why: Why) -> None:
    other = FilledKnowledgeBase(why.filled.database, why.filled.index, why.filled.encoder, "bank")
    await other.create()
    await other.add(Page("https://bank.example/lamp", ("The lamp in the vault.",)))
    request = SearchRequest("lamp", (why.filled.knowledge_base_id,))
    for ids in (
        {"chunk_id": other.chunk_id("https://bank.example/lamp")},
        {"document_id": other.document_id("https://bank.example/lamp")},
        {"document_id": uuid4()},
    ):
        with pytest.raises(NotFound):
            await why_not(why.explainer, request, **ids)
    foreign = await why_not(why.explainer, request, address="https://bank.example/lamp")
    assert foreign.stage == "never seen"
    with pytest.raises(InvalidInput):
        await why_not(why.explainer, request)


@pytest.mark.parametrize(
    "query", ["refund return days", "pack lamp print label", "desk lamp bulb 40 watts"]
)
async def test_changes_do_what_they_say(ask: Ask, why: Why, query: str) -> None:
    """Every change that is offered is made for real, and brings the passage in."""
    found = await why(query, "cable", limit=3, settings=SearchSettings(candidates=50))
    kinds = set()
    for change in found.changes.changes:
        kinds.add(change.kind)
        if change.kind != "page":
            assert await place(ask, query, found, change.kind, change.word, change.value) <= 3
        if change.kind == "expansion" and change.value > 0.01:
            # The smallest one: a little less does not suffice.
            less = await place(ask, query, found, "expansion", change.word, change.value * 0.98)
            assert less > 3
        if change.kind == "term" and change.exact:
            nearer = change.value + 0.02 * (1 - change.value)
            assert await place(ask, query, found, "term", change.word, nearer) > 3
    assert "expansion" in kinds


@pytest.mark.parametrize("candidates", [2, 50])
async def test_a_term_is_weighed_on_the_whole_index(ask: Ask, why: Why, candidates: int) -> None:
    """Rivals that were no candidates count: what is called exact holds in a search."""
    filled = ask.filled
    for number in range(6):
        await filled.add(Page(f"{SHOP}plug{number}", (f"Plug {number} for a cable.",)))
    settings = SearchSettings(candidates=candidates)
    query = "desk lamp bulb 40 watts cable metres"
    found = await why(query, "cable", limit=1, settings=settings, arms=("sparse",))
    terms = [change for change in found.changes.changes if change.kind == "term"]
    exact = [change for change in terms if change.exact]
    assert exact
    for change in exact:
        rule = Rule(uuid4(), RuleKind.TERM, text=change.word, factor=change.value)
        request = SearchRequest(
            query, (filled.knowledge_base_id,), 1, arms=("sparse",), settings=settings
        )
        hits = (await ask.searcher.search(request, RuleSet((rule,)))).hits
        assert hits[0].chunk_id == found.chunk_id


async def place(ask: Ask, query: str, found: WhyNot, kind: str, word: str, value: float) -> int:
    base = Rule(uuid4(), RuleKind.TERM, text=word) if kind != "weight" else None
    if kind == "expansion":
        rule = Rule(uuid4(), RuleKind.EXPANSION, chunk_id=found.chunk_id, text=word, factor=value)
    elif kind == "term":
        rule = replace(base, factor=value)
    else:
        weights = {"sparse": 1.0, "dense": 1.0, word: value}
        rule = Rule(uuid4(), RuleKind.SETTINGS, settings={"weights": weights})
    request = SearchRequest(
        query,
        (ask.filled.knowledge_base_id,),
        limit=50,
        settings=SearchSettings(candidates=50),
    )
    result = await ask.searcher.search(request, RuleSet((rule,)))
    return [hit.chunk_id for hit in result.hits].index(found.chunk_id) + 1


async def test_words_to_write_on_the_page_are_tried_by_encoding_it(ask: Ask, why: Why) -> None:
    query = "cable warranty years"
    promise = (
        "Our warranty holds two years for any cable, and pays for repair, shipping and a plug."
    )
    filled = ask.filled
    await filled.add(Page(SHOP + "promise", (promise,)))
    found = await why(query, "cable", limit=1)
    page = [change for change in found.changes.changes if change.kind == "page"]
    assert page
    # Write it there for real.
    text = "Cable\n\nThe cable is two metres long. " + page[-1].word
    encoding = filled.encoder.encode_passages([text])[0]
    points = await filled.index.retrieve([found.chunk_id])
    await filled.index.upsert([Point(found.chunk_id, encoding, points[found.chunk_id].payload)])
    assert (await ask(query, limit=1)).hits[0].chunk_id == found.chunk_id
