from __future__ import annotations

from uuid import uuid4

import pytest

from backend.explain.query_runs import QueryRuns
from backend.explain.rule_desk import RuleDesk
from backend.explain.what_if import Draft
from backend.search.rules import Rule
from knowledge.errors import InvalidInput, NotFound
from knowledge.store.query_sets import add_queries, create_query_set, list_runs, read_queries
from knowledge.store.tables import RuleKind
from tests.filled import FilledKnowledgeBase
from tests.searching import Ask

SHOP = "https://shop.example/"


async def query_set(filled: FilledKnowledgeBase, name: str = "First") -> object:
    async with filled.database.writing() as session:
        made = await create_query_set(session, filled.knowledge_base_id, name)
        await add_queries(
            session,
            made.id,
            [("flickering lamp bulb", {SHOP + "lamp": 1}), ("cable", {SHOP + "cable": 1})],
        )
    return made


async def test_runs_are_kept_and_compared(ask: Ask) -> None:
    filled, base = ask.filled, ask.filled.knowledge_base_id
    runs = QueryRuns(ask.searcher)
    first_set = await query_set(filled)
    before = await runs.run(base, first_set.id, "before")
    assert before.figures["mrr@10"] == 1.0
    assert before.encoder == "hashing-1"
    assert before.settings["rrf_k"] == 60

    hide = Rule(uuid4(), RuleKind.HIDE, document_id=filled.document_id(SHOP + "lamp"))
    tried = await runs.try_draft(base, first_set.id, Draft(add=(hide,)))
    await RuleDesk(filled.database).save(base, [hide], author="ada", reason="To see.")
    after = await runs.run(base, first_set.id, "after")
    found = await runs.compare(base, before.id, after.id)
    assert found.figures.after == tried.after == {"ndcg@10": 0.5, "mrr@10": 0.5}
    assert [change.query for change in found.figures.hurt] == ["flickering lamp bulb"]
    # One difference can be chance: of two flips both are as large.
    assert (found.verdict, found.figures.p_value) == ("same", 1.0)
    first = found.queries[0]
    assert (first.query, first.place_before, first.place_after) == ("flickering lamp bulb", 1, None)
    assert found.differences == ("Rules were saved or ended between the runs.",)
    async with filled.database.reading() as session:
        kept = await list_runs(session, first_set.id)
    assert [run.name for run in kept] == ["after", "before"]

    second_set = await query_set(filled, "Second")
    other = await runs.run(base, second_set.id)
    with pytest.raises(InvalidInput, match="different query sets"):
        await runs.compare(base, before.id, other.id)
    with pytest.raises(NotFound):
        await runs.compare(uuid4(), before.id, after.id)


async def test_runs_are_compared_under_the_judgments_of_today(ask: Ask) -> None:
    filled, base = ask.filled, ask.filled.knowledge_base_id
    runs = QueryRuns(ask.searcher)
    made = await query_set(filled)
    before = await runs.run(base, made.id)
    async with filled.database.writing() as session:
        for row in await read_queries(session, made.id):
            row.grades = {SHOP + "cable": 1, SHOP + "gone": 1}
    after = await runs.run(base, made.id)
    assert before.figures["mrr@10"] > after.figures["mrr@10"]
    found = await runs.compare(base, before.id, after.id)
    assert found.figures.before == found.figures.after == after.figures
    assert found.figures.unknown == (SHOP + "gone",)
    assert found.differences == ()


async def test_a_significant_loss_is_a_verdict(ask: Ask) -> None:
    filled, base = ask.filled, ask.filled.knowledge_base_id
    async with filled.database.writing() as session:
        made = await create_query_set(session, base, "Six")
        queries = ["lamp", "desk lamp", "lamp bulb", "bulb flickers", "desk bulb", "40 watts"]
        await add_queries(session, made.id, [(one, {SHOP + "lamp": 1}) for one in queries])
    runs = QueryRuns(ask.searcher)
    before = await runs.run(base, made.id)
    hide = Rule(uuid4(), RuleKind.HIDE, document_id=filled.document_id(SHOP + "lamp"))
    await RuleDesk(filled.database).save(base, [hide], author="ada", reason="To see.")
    after = await runs.run(base, made.id)
    assert (await runs.compare(base, before.id, after.id)).verdict == "worse"
    assert (await runs.compare(base, after.id, before.id)).verdict == "better"


async def test_a_set_without_judgments_cannot_be_run(ask: Ask) -> None:
    base = ask.filled.knowledge_base_id
    async with ask.filled.database.writing() as session:
        made = await create_query_set(session, base, "Empty")
        await add_queries(session, made.id, [("lamp", {})])
    with pytest.raises(InvalidInput, match="judgment"):
        await QueryRuns(ask.searcher).run(base, made.id)
    with pytest.raises(NotFound):
        await QueryRuns(ask.searcher).run(uuid4(), made.id)
