from __future__ import annotations

import json
import math
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from backend.explain.chain import quote_of
from backend.explain.explain import Explainer
from backend.search.rules import Rule, RuleSet
from backend.search.search import Searcher, SearchRequest, SearchSettings
from knowledge.errors import NotFound
from knowledge.store.tables import Chunk, Document, RuleKind
from tests.fakes import HashingEncoder
from tests.filled import FilledKnowledgeBase, Page
from tests.searching import Ask

LAMP = "https://shop.example/lamp"


@pytest.fixture
def explainer(searcher: Searcher) -> Explainer:
    return Explainer(searcher)


async def test_terms_are_the_exact_parts_of_the_sparse_score(
    ask: Ask, explainer: Explainer
) -> None:
    result = await ask("bulb that flickers flicker", limit=1)
    (hit,) = await explainer.hits(result, origins=True)
    terms = hit.terms
    assert terms.score == result.hits[0].arms["sparse"].score
    for word in terms.words:
        product = word.query.weight * word.passage.weight
        assert word.contribution == pytest.approx(product)
        assert word.share == word.contribution / terms.score
    by_word = {word.word: word for word in terms.words}
    assert set(by_word) == {"bulb", "that", "flickers", "flicker"}
    assert by_word["flickers"].passage.written
    added = by_word["flicker"]
    assert (added.query.written, added.passage.written) == (True, False)
    # The span is in the passage as shown, without the title that was encoded before it.
    (span,) = added.passage.spans
    assert hit.text[slice(*span)] == "flickers"
    assert added.passage.words == ("flickers",)
    (written,) = added.query.spans
    assert result.query[slice(*written)] == "flicker"


async def test_contributions_and_shares_sum_to_the_whole(ask: Ask, explainer: Explainer) -> None:
    await ask.filled.add(Page("https://shop.example/long", (" ".join(f"w{n}" for n in range(40)),)))
    result = await ask(" ".join(f"w{n}" for n in range(40)), limit=1)
    (hit,) = await explainer.hits(result, top=5)
    assert len(hit.terms.words) == 5
    assert hit.terms.tail.words == 35
    parts = [word.contribution for word in hit.terms.words] + [hit.terms.tail.contribution]
    assert math.fsum(parts) == pytest.approx(hit.terms.score, rel=1e-15)
    shares = [word.share for word in hit.terms.words] + [hit.terms.tail.share]
    assert math.fsum(shares) == pytest.approx(1.0, rel=1e-15)


async def test_words_that_the_passage_lacks_are_named(ask: Ask, explainer: Explainer) -> None:
    result = await ask("bulb warranty", limit=1)
    (hit,) = await explainer.hits(result)
    assert [(word.word, word.written) for word in hit.terms.unmatched] == [("warranty", True)]


async def test_pieces_of_a_word_are_joined(filled: FilledKnowledgeBase) -> None:
    class Pieces(HashingEncoder):
        def written(self, text):
            spans = super().written(text)
            # As a tokenizer of word pieces would see it: two terms inside one word.
            return {term: tuple((s, s + 2) for s, _ in places) for term, places in spans.items()}

    searcher = Searcher(filled.database, filled.index, Pieces(), SearchSettings())
    request = SearchRequest("flickers bulb", (filled.knowledge_base_id,), limit=1)
    (hit,) = await Explainer(searcher).hits(await searcher.search(request))
    assert {word.word for word in hit.terms.words} == {"flickers", "bulb"}


async def test_the_dense_arm_shows_its_cosine_and_the_nearest_sentences(
    ask: Ask, explainer: Explainer
) -> None:
    text = "Opening hours are long. The vase is made of blue glass. Parking is free."
    await ask.filled.add(Page("https://shop.example/vase", (text,)))
    request = SearchRequest("blue glass vase", (ask.filled.knowledge_base_id,))
    hit = await explainer.passage(request, ask.filled.chunk_id("https://shop.example/vase"))
    assert hit.dense.cosine == hit.ledger.arms[1].score
    first = hit.dense.sentences[0]
    assert first.text == "The vase is made of blue glass."
    assert hit.text[slice(*first.span)] == first.text
    assert "approximation" in hit.dense.note
    plain = (await explainer.hits(await ask.searcher.search(request)))[0]
    assert plain.dense.sentences == ()


async def test_reranking_shows_both_orders(filled: FilledKnowledgeBase) -> None:
    class Backwards:
        def rerank(self, query, texts):
            return [float(number) for number in range(len(texts))]

    settings = SearchSettings(rerank=True, rerank_candidates=3, rerank_budget_ms=20_000)
    searcher = Searcher(filled.database, filled.index, filled.encoder, settings, Backwards())
    result = await searcher.search(SearchRequest("lamp bulb", (filled.knowledge_base_id,)))
    lines = [hit.ledger for hit in await Explainer(searcher).hits(result)]
    assert [(line.rerank.rank_before, line.rerank.rank_after) for line in lines[:3]] == [
        (3, 1),
        (2, 2),
        (1, 3),
    ]
    assert lines[0].score == lines[0].rerank.score == 2.0
    assert lines[3].rerank is None


async def test_a_word_that_only_the_passage_writes_is_called_as_it_does(
    filled: FilledKnowledgeBase,
) -> None:
    class Stems(HashingEncoder):
        def words(self, terms, *texts):
            return {term: f"stem of {word}" for term, word in super().words(terms, *texts).items()}

    searcher = Searcher(filled.database, filled.index, Stems(), SearchSettings())
    synonym = Rule(uuid4(), RuleKind.SYNONYM, query="lead", text="metres")
    request = SearchRequest("lead", (filled.knowledge_base_id,), arms=("sparse",))
    (hit,) = await Explainer(searcher).hits(await searcher.search(request, RuleSet((synonym,))))
    assert [word.word for word in hit.terms.words] == ["metres"]


async def test_rules_show_in_terms_and_ledger(ask: Ask, explainer: Explainer) -> None:
    cable = ask.filled.chunk_id("https://shop.example/cable")
    grow = Rule(uuid4(), RuleKind.EXPANSION, chunk_id=cable, text="lead", factor=2.0)
    synonym = Rule(uuid4(), RuleKind.SYNONYM, query="lead", text="metres")
    request = SearchRequest("lead", (ask.filled.knowledge_base_id,), arms=("sparse",))
    result = await ask.searcher.search(request, RuleSet((grow, synonym)))
    (hit,) = await explainer.hits(result)
    by_word = {word.word: word for word in hit.terms.words}
    assert (by_word["lead"].query.by_rule, by_word["lead"].passage.by_rule) == (False, True)
    assert by_word["metres"].query.by_rule
    assert math.fsum(word.contribution for word in hit.terms.words) == pytest.approx(
        hit.terms.score, rel=1e-6
    )
    assert {line.rule_id for line in hit.ledger.rules} == {str(grow.id), str(synonym.id)}


async def test_a_passage_beyond_the_candidates_is_scored_too(
    ask: Ask, explainer: Explainer
) -> None:
    request = SearchRequest(
        "refund",
        (ask.filled.knowledge_base_id,),
        limit=1,
        settings=SearchSettings(candidates=1),
    )
    hit = await explainer.passage(request, ask.filled.chunk_id("https://shop.example/cable"))
    assert hit.ledger is None
    assert hit.terms.score == 0.0
    assert hit.dense.cosine != 0.0


async def test_what_is_not_there_is_not_found(ask: Ask, explainer: Explainer) -> None:
    other = FilledKnowledgeBase(ask.filled.database, ask.filled.index, ask.filled.encoder, "bank")
    await other.create()
    await other.add(Page("https://bank.example/lamp", ("The lamp in the vault.",)))
    request = SearchRequest("lamp", (ask.filled.knowledge_base_id,))
    for hidden in (uuid4(), other.chunk_id("https://bank.example/lamp")):
        with pytest.raises(NotFound, match=str(hidden)):
            await explainer.passage(request, hidden)


async def test_a_record_reads_after_the_page_and_the_encoder_have_changed(
    ask: Ask, explainer: Explainer
) -> None:
    filled = ask.filled
    result = await ask("lamp bulb flickers", limit=3)
    ids = tuple(hit.chunk_id for hit in result.hits)
    record = await explainer.record(result.trace.request, result, ids, {ids[0]: [(0, 13)]})
    assert json.loads(json.dumps(record)) == record
    assert len(json.dumps(record)) < 4096
    first = record["passages"][0]
    assert first["address"] == LAMP
    assert (first["place"], first["version"]) == (1, 1)
    assert sum(arm["part"] for arm in first["arms"].values()) == first["fused"]
    assert sum(word["share"] for word in first["words"]) + first["tail"] == pytest.approx(
        1, abs=1e-3
    )
    assert {word["query"] for word in first["words"]} == {"written"}
    assert await explainer.changes(record) == ()

    refunds = filled.document_id("https://shop.example/refunds")
    gone = next(one for one in record["passages"] if one["document_id"] != str(refunds))
    async with filled.database.writing() as session:
        await session.execute(delete(Chunk).where(Chunk.id == UUID(gone["chunk_id"])))
    (change,) = await explainer.changes(record)
    assert "is gone" in change

    async with filled.database.writing() as session:
        await session.execute(
            update(Document).where(Document.id == filled.document_id(LAMP)).values(version=2)
        )
        await session.execute(delete(Chunk).where(Chunk.document_id == refunds))
        await session.execute(delete(Document).where(Document.id == refunds))
    other = HashingEncoder(id="hashing-2")
    later = Explainer(Searcher(filled.database, filled.index, other, SearchSettings()))
    changes = await later.changes(record)
    assert any("hashing-1 then and by hashing-2 now" in change for change in changes)
    assert any("version 1 was cited, 2 is indexed now" in change for change in changes)
    assert quote_of(first, [0, 13]) == result.hits[0].text[:13]
    assert quote_of(first, [0, 5]) == ""


async def test_long_quotes_do_not_make_a_record_large(ask: Ask, explainer: Explainer) -> None:
    text = "лампа " * 500
    pages = [Page(f"https://shop.example/{n}", (text,)) for n in range(9)]
    await ask.filled.add(*pages)
    result = await ask("лампа", limit=3)
    ids = tuple(hit.chunk_id for hit in result.hits)
    spans = {id: [(0, 2000), (6, 400)] for id in ids}
    record = await explainer.record(result.trace.request, result, ids, spans)
    (quote, *rest) = [one for passage in record["passages"] for one in passage.get("quotes", ())]
    assert quote["text"].endswith("…")
    assert text.startswith(quote["text"][:-1])
    assert len(rest) == 1
    assert len(json.dumps(record)) < 4096


async def test_explanations_are_plain_values(ask: Ask, explainer: Explainer) -> None:
    result = await ask("lamp bulb")
    for hit in await explainer.hits(result, origins=True):
        plain = hit.to_json()
        assert plain["chunk_id"] == str(hit.chunk_id)
        assert json.loads(json.dumps(plain))["terms"]["score"] == hit.terms.score
