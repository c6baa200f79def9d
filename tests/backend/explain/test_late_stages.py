"""What is lost after fusion: by how much, and that each change on offer does what it says."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from backend.explain.change import Change
from backend.explain.explain import Explainer
from backend.explain.rule_desk import RuleDesk
from backend.explain.why_not import WhyNot, why_not
from backend.search.rules import Rule, RuleSet
from backend.search.search import Searcher, SearchRequest, SearchSettings
from knowledge.store.tables import RuleKind
from tests.filled import SHOP as PAGES
from tests.filled import FilledKnowledgeBase, Page

SHOP = "https://shop.example/"
LATE = ("rerank", "diversity", "pinned", "budget")
SETTINGS = ("rerank", "rerank_candidates", "diversity", "per_document")


class Checksum:
    """A reranker without a model: any scores will do, so long as they are not in order."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return [zlib.crc32(f"{query} {text}".encode()) / 2**32 for text in texts]


class LikesYears:
    """A reranker that puts texts first which say "years"."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return [float("years" in text) - number / 100 for number, text in enumerate(texts)]


def searcher_of(filled: FilledKnowledgeBase, reranker: object) -> Searcher:
    return Searcher(filled.database, filled.index, filled.encoder, SearchSettings(), reranker)


async def place_after(
    searcher: Searcher, request: SearchRequest, saved: RuleSet, change: Change, id: UUID
) -> int | None:
    """Where a search that is really made with the change puts the passage."""
    if change.kind == "without":
        rules = saved.changed(remove=[UUID(change.rule_id)])
    else:
        value: object = change.value if change.kind == "diversity" else int(change.value)
        settings = {change.kind: bool(value) if change.kind == "rerank" else value}
        rules = saved.changed([Rule(uuid4(), RuleKind.SETTINGS, settings=settings)])
    hits = (await searcher.search(request, rules)).hits
    return next((n for n, hit in enumerate(hits, 1) if hit.chunk_id == id), None)


def check_distance(told: WhyNot) -> None:
    line = told.cutoffs[-1]
    assert line.distance == pytest.approx(line.needed - line.own) or line.what in (
        "document",
        "place",
    )
    assert line.distance >= 0


async def test_each_change_does_what_it_says_in_any_search(filled: FilledKnowledgeBase) -> None:
    for number in range(4):
        text = f"The desk lamp number {number} takes a bulb of {number}0 watts and a cable."
        await filled.add(Page(f"{SHOP}more{number}", (text, text + " Return it.")))
    searcher = searcher_of(filled, Checksum())
    explainer, desk = Explainer(searcher), RuleDesk(filled.database)
    draw = random.Random(20261121)
    words = sorted({word for page in PAGES for text in page.chunks for word in text.split()})
    pages = [page.address for page in PAGES]
    met: dict[str, int] = {}
    tried: dict[str, int] = {}
    for number in range(160):
        if number % 40 == 20:  # half of them under rules that pin
            pins = [
                Rule(
                    uuid4(),
                    RuleKind.PIN,
                    document_id=filled.document_id(page),
                    position=draw.randint(1, 3),
                )
                for page in draw.sample(pages, 2)
            ]
            await desk.save(
                filled.knowledge_base_id,
                pins,
                author="ada",
                reason="To see.",
                despite_contradiction=True,
            )
        elif number % 40 == 0:
            for record in await desk.active(filled.knowledge_base_id):
                await desk.end(filled.knowledge_base_id, record.id, "ada")
        request = SearchRequest(
            " ".join(draw.sample(words, draw.randint(2, 6))),
            (filled.knowledge_base_id,),
            limit=draw.randint(1, 3),
            settings=SearchSettings(
                rerank=draw.random() < 0.5,
                rerank_candidates=draw.randint(2, 9),
                rerank_budget_ms=20_000,
                diversity=draw.choice([0.0, 0.4, 0.8]),
                per_document=draw.choice([0, 1]),
            ),
        )
        result = await searcher.search(request)
        hits = {hit.chunk_id for hit in result.hits}
        for id in [point.id for point in result.trace.fused if point.id not in hits][:4]:
            told = await why_not(explainer, request, chunk_id=id)
            met[told.stage] = met.get(told.stage, 0) + 1
            assert told.stage in (*LATE, "fusion")
            if told.stage not in LATE:
                continue
            check_distance(told)
            saved = await searcher.preparation.saved_rules(request.knowledge_base_ids)
            for change in told.changes.changes:
                assert change.kind in (*SETTINGS, "without")
                tried[change.kind] = tried.get(change.kind, 0) + 1
                place = await place_after(searcher, request, saved, change, id)
                assert place == change.place <= request.limit, (told, change)
    assert min(met.get(stage, 0) for stage in ("rerank", "diversity", "pinned", "fusion")) > 10, met
    assert min(tried.get(kind, 0) for kind in (*SETTINGS, "without")) > 3, tried


async def test_lost_to_likeness_says_what_it_cost(filled: FilledKnowledgeBase) -> None:
    same = "The desk lamp takes a bulb of 40 watts"
    await filled.add(Page(SHOP + "twin", (f"{same} too.",), "Desk lamp"))
    searcher = searcher_of(filled, None)
    plain = SearchRequest("desk lamp bulb 40 watts", (filled.knowledge_base_id,), limit=2)
    second = (await searcher.search(plain)).hits[1]
    request = SearchRequest(
        plain.query,
        plain.knowledge_base_ids,
        2,
        settings=SearchSettings(diversity=0.9),
    )
    told = await why_not(Explainer(searcher), request, chunk_id=second.chunk_id)
    assert told.stage == "diversity"
    line = told.cutoffs[-1]
    assert line.what == "diversity"
    assert line.own < second.fused  # it loses something
    assert line.distance == line.needed - line.own > 0
    (less,) = told.changes.changes
    assert (less.kind, less.exact) == ("diversity", True)
    assert 0 <= less.value < 0.9


async def test_lost_to_the_cap_says_which_of_its_document_it_is(
    filled: FilledKnowledgeBase,
) -> None:
    searcher = searcher_of(filled, None)
    request = SearchRequest(
        "lamp bulb", (filled.knowledge_base_id,), settings=SearchSettings(per_document=1)
    )
    over = (await searcher.search(request)).trace.over[0]
    told = await why_not(Explainer(searcher), request, chunk_id=over.id)
    line = told.cutoffs[-1]
    assert (told.stage, line.what, line.own, line.needed) == ("diversity", "document", 2, 1)
    (change,) = told.changes.changes
    assert (change.kind, change.value) == ("per_document", 2.0)


async def test_words_on_the_page_are_tried_on_the_reranker_too(
    filled: FilledKnowledgeBase,
) -> None:
    await filled.add(Page(SHOP + "warranty", ("The cable warranty holds two years.",)))
    searcher = searcher_of(filled, LikesYears())
    settings = SearchSettings(rerank=True, rerank_candidates=9, rerank_budget_ms=20_000)
    request = SearchRequest(
        "cable metres years", (filled.knowledge_base_id,), limit=1, settings=settings
    )
    told = await why_not(Explainer(searcher), request, address=SHOP + "cable", rewrite=True)
    assert told.stage == "rerank"
    page = [change for change in told.changes.changes if change.kind == "page"]
    assert page[0].word == "years"
    assert not page[0].exact


async def test_beyond_what_an_answer_reads_what_raises_it_is_told(
    filled: FilledKnowledgeBase,
) -> None:
    searcher = searcher_of(filled, None)
    request = SearchRequest("desk lamp bulb return", (filled.knowledge_base_id,), arms=("sparse",))
    fourth = (await searcher.search(request)).hits[3]
    told = await why_not(Explainer(searcher), request, chunk_id=fourth.chunk_id, answer_hits=1)
    line = told.cutoffs[-1]
    assert (told.stage, line.what, line.distance) == ("budget", "place", 3)
    assert told.changes.k == 1
    assert all(change.place == 1 for change in told.changes.changes)
    assert "expansion" in {change.kind for change in told.changes.changes}
