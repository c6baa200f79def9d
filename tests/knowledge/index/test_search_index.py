"""The contract of a search index, held by every engine."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

import numpy as np
import pytest

from knowledge.errors import IndexFault
from knowledge.index.conditions import Between, Empty, Filter, Named, any_of, the_point
from knowledge.index.search_index import MAX_UPSERT, Point, SearchIndex
from knowledge.types import Encoding, SparseVector
from tests.fakes import HashingEncoder

pytestmark = pytest.mark.filterwarnings(
    # The client's in-process mode says that it keeps no payload index.
    "ignore:Payload indexes have no effect:UserWarning",
    "ignore:Local mode performs exact:UserWarning",
    "ignore:Api key is used with an insecure connection:UserWarning",
)

SPACE = UUID(int=7)
END = datetime(2026, 4, 1, tzinfo=UTC)
TEXTS = {
    "lamp": "The desk lamp takes a bulb of 40 watts",
    "bulb": "A bulb that flickers is loose; turn the bulb until it holds",
    "refund": "A refund is paid within ten days of the return",
    "return": "Pack the lamp for its return and print the label",
    "cable": "The cable is two metres long",
}


def name(key: str) -> UUID:
    return uuid5(SPACE, key)


def knowledge_base(value: str) -> Filter:
    return matching("knowledge_base", value)


def matching(key: str, value: str) -> Filter:
    return Filter((any_of(key, [value]),))


async def fill(index: SearchIndex, encoder: HashingEncoder, tenant: str = "shop") -> None:
    encodings = encoder.encode_passages(list(TEXTS.values()))
    await index.upsert(
        [
            Point(
                name(key),
                encoding,
                {
                    "knowledge_base": tenant,
                    "source": "manual" if number < 3 else "site",
                    "document": f"page-{number}",
                    "language": "en",
                    "modified": f"2026-0{number + 1}-01T00:00:00+00:00",
                },
            )
            for number, (key, encoding) in enumerate(zip(TEXTS, encodings, strict=True))
        ]
    )


async def test_each_arm_ranks_by_the_dot_product(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    query = encoder.encode_queries(["bulb of the lamp"])[0]
    found = await index.search_arms(query, ["sparse", "dense"], None, 10)

    passages = dict(zip(TEXTS, encoder.encode_passages(list(TEXTS.values())), strict=True))
    sparse = {name(key): dot(query, passage) for key, passage in passages.items()}
    dense = {name(key): float(query.dense @ passage.dense) for key, passage in passages.items()}
    assert {p.id: pytest.approx(p.score, abs=1e-4) for p in found["sparse"]} == {
        key: score for key, score in sparse.items() if score > 0
    }
    assert {p.id: pytest.approx(p.score, abs=1e-4) for p in found["dense"]} == dense
    for ranked in found.values():
        assert [p.score for p in ranked] == sorted((p.score for p in ranked), reverse=True)


async def test_arms_can_be_asked_alone_and_are_cut_at_the_limit(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    query = encoder.encode_queries(["lamp"])[0]
    only_sparse = await index.search_arms(query, ["sparse"], None, 10)
    assert list(only_sparse) == ["sparse"]
    assert {p.id for p in only_sparse["sparse"]} == {name("lamp"), name("return")}
    assert len((await index.search_arms(query, ["dense"], None, 2))["dense"]) == 2


async def test_several_queries_are_answered_as_one_by_one(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    queries = encoder.encode_queries(["lamp", "bulb of the lamp", "return", "nothing of it"])
    for arms in (["sparse", "dense"], ["dense"]):
        alone = [await index.search_arms(query, arms, None, 2) for query in queries]
        assert await index.search_many(queries, arms, None, 2) == alone
    assert await index.search_many([], ["dense"], None, 2) == []


async def test_equal_scores_are_ordered_by_id(index: SearchIndex, encoder: HashingEncoder) -> None:
    same = encoder.encode_passages(["one and the same"])[0]
    ids = [name(f"copy {number}") for number in range(12)]
    await index.upsert([Point(one, same, {"knowledge_base": "shop"}) for one in ids])
    query = encoder.encode_queries(["same"])[0]
    found = await index.search_arms(query, ["sparse", "dense"], None, 5)
    expected = sorted(ids, key=lambda one: one.int)[:5]
    assert [p.id for p in found["sparse"]] == expected
    assert [p.id for p in found["dense"]] == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (matching("source", "site"), {"return", "cable"}),
        (matching("document", "page-2"), {"refund"}),
        (matching("language", "de"), set()),
        (matching("knowledge_base", "other"), set()),
        (
            Filter((Between("modified", datetime(2026, 2, 1, tzinfo=UTC), END),)),
            {"bulb", "refund"},
        ),
        (Filter((Between("modified", end=END),)), {"lamp", "bulb", "refund"}),
        (
            Filter(must_not=(Named((name("lamp"),)),)),
            {"bulb", "refund", "return", "cable"},
        ),
        (
            Filter((any_of("source", ["manual", "site"]),), (Named((name("lamp"),)),)),
            {"bulb", "refund", "return", "cable"},
        ),
    ],
    ids=["source", "document", "language", "knowledge base", "dates", "before", "not id", "both"],
)
async def test_filters(
    index: SearchIndex,
    encoder: HashingEncoder,
    condition: Filter,
    expected: set[str],
) -> None:
    await fill(index, encoder)
    query = encoder.encode_queries(["lamp"])[0]
    found = await index.search_arms(query, ["dense"], condition, 10)
    assert {p.id for p in found["dense"]} == {name(key) for key in expected}
    assert await index.count(condition) == len(expected)


async def test_hidden_points_are_told_by_an_absent_field(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    shown = Filter((Empty("hidden"),))
    lamp = the_point(name("lamp"))
    await index.set_payload(lamp, {"hidden": True})
    assert await index.count(shown) == 4
    query = encoder.encode_queries(["lamp"])[0]
    nested = Filter((shown,))
    for condition in (shown, nested):
        found = await index.search_arms(query, ["dense"], condition, 10)
        assert name("lamp") not in {p.id for p in found["dense"]}
        assert len(found["dense"]) == 4
    await index.set_payload(lamp, {"hidden": None})
    assert await index.count(shown) == 5
    assert len((await index.search_arms(query, ["dense"], nested, 10))["dense"]) == 5
    assert (await index.retrieve([name("lamp")]))[name("lamp")].payload["source"] == "manual"


async def test_score_names_points_wherever_they_rank(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    query = encoder.encode_queries(["refund bulb"])[0]
    whole = await index.search_arms(query, ["sparse", "dense"], None, 10)
    asked = [name("cable"), name("bulb"), name("nowhere")]
    scores = await index.score(query, ["sparse", "dense"], asked)
    for arm, ranked in whole.items():
        assert scores[arm] == {p.id: p.score for p in ranked if p.id in asked}
    assert set(scores["sparse"]) == {name("bulb")}
    assert await index.score(query, ["dense"], []) == {"dense": {}}


async def test_retrieve_returns_the_vectors_as_written(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    points = await index.retrieve([name("bulb"), name("nowhere")])
    assert list(points) == [name("bulb")]
    expected = encoder.encode_passages([TEXTS["bulb"]])[0]
    stored = points[name("bulb")].encoding
    np.testing.assert_array_equal(stored.dense, expected.dense)
    np.testing.assert_array_equal(stored.sparse.indices, expected.sparse.indices)
    np.testing.assert_array_equal(stored.sparse.values, expected.sparse.values)
    assert points[name("bulb")].payload["knowledge_base"] == "shop"
    assert await index.retrieve([]) == {}


async def test_writing_twice_changes_nothing_and_replaces_the_vectors(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    await fill(index, encoder)
    assert await index.count() == 5
    other = encoder.encode_passages(["something else"])[0]
    await index.upsert([Point(name("lamp"), other, {"knowledge_base": "shop"})])
    query = encoder.encode_queries(["something"])[0]
    found = await index.search_arms(query, ["sparse"], None, 5)
    assert [p.id for p in found["sparse"]] == [name("lamp")]
    lamp = await index.search_arms(encoder.encode_queries(["lamp"])[0], ["sparse"], None, 5)
    assert [p.id for p in lamp["sparse"]] == [name("return")]


async def test_delete_by_filter(index: SearchIndex, encoder: HashingEncoder) -> None:
    await fill(index, encoder)
    await index.delete(matching("source", "manual"))
    assert await index.count() == 2
    query = encoder.encode_queries(["bulb"])[0]
    assert (await index.search_arms(query, ["sparse"], None, 5))["sparse"] == []


async def test_scroll_visits_every_point_in_the_order_of_ids(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder)
    batches = [batch async for batch in index.scroll(batch=2)]
    ids = [point.id for batch in batches for point in batch]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert ids == sorted((name(key) for key in TEXTS), key=lambda one: one.int)
    some = [batch async for batch in index.scroll(matching("source", "site"))]
    assert {p.id for batch in some for p in batch} == {name("return"), name("cable")}


async def test_knowledge_bases_do_not_see_each_other(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    await fill(index, encoder, tenant="shop")
    secret = encoder.encode_passages(["the lamp of the other tenant"])[0]
    await index.upsert([Point(name("secret"), secret, {"knowledge_base": "bank"})])
    query = encoder.encode_queries(["lamp"])[0]
    shop = await index.search_arms(query, ["sparse", "dense"], knowledge_base("shop"), 50)
    assert all(p.id != name("secret") for ranked in shop.values() for p in ranked)
    bank = await index.search_arms(query, ["sparse", "dense"], knowledge_base("bank"), 50)
    assert {p.id for ranked in bank.values() for p in ranked} == {name("secret")}


@pytest.mark.parametrize("fault", ["size", "nan", "no dense", "no sparse", "order", "zero"])
async def test_a_wrong_vector_is_refused_and_changes_nothing(
    index: SearchIndex, encoder: HashingEncoder, fault: str
) -> None:
    good = encoder.encode_passages(["a good one"])[0]
    bad = {
        "size": Encoding(np.ones(3, dtype=np.float32), good.sparse),
        "nan": Encoding(np.full(32, np.nan, dtype=np.float32), good.sparse),
        "no dense": Encoding(None, good.sparse),
        "no sparse": Encoding(good.dense, None),
        "order": Encoding(
            good.dense,
            SparseVector(np.array([5, 3], dtype=np.uint32), np.ones(2, dtype=np.float32)),
        ),
        "zero": Encoding(
            good.dense,
            SparseVector(np.array([3, 5], dtype=np.uint32), np.zeros(2, dtype=np.float32)),
        ),
    }[fault]
    payload = {"knowledge_base": "shop"}
    with pytest.raises(IndexFault, match=str(name("bad"))):
        await index.upsert([Point(name("good"), good, payload), Point(name("bad"), bad, payload)])
    assert await index.count() == 0


async def test_too_large_a_batch_is_refused(index: SearchIndex, encoder: HashingEncoder) -> None:
    one = encoder.encode_passages(["x"])[0]
    batch = [Point(name(str(n)), one, {}) for n in range(MAX_UPSERT + 1)]
    with pytest.raises(IndexFault, match="256"):
        await index.upsert(batch)
    await index.upsert(batch[:MAX_UPSERT])
    await index.upsert([])
    assert await index.count() == MAX_UPSERT


async def test_a_query_without_the_arm_s_vector_is_refused(index: SearchIndex) -> None:
    with pytest.raises(IndexFault, match="dense vector is missing"):
        await index.search_arms(Encoding(None, None), ["dense"], None, 5)


async def test_a_text_without_terms_is_kept_and_found_by_the_dense_arm(
    index: SearchIndex, encoder: HashingEncoder
) -> None:
    empty = SparseVector(np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.float32))
    dense = encoder.encode_passages(["word"])[0].dense
    await index.upsert([Point(name("empty"), Encoding(dense, empty), {})])
    query = Encoding(dense, empty)
    found = await index.search_arms(query, ["sparse", "dense"], None, 5)
    assert found["sparse"] == []
    assert [p.id for p in found["dense"]] == [name("empty")]


def dot(query: Encoding, passage: Encoding) -> float:
    weights = dict(
        zip(passage.sparse.indices.tolist(), passage.sparse.values.tolist(), strict=True)
    )
    return sum(
        weight * weights.get(term, 0.0)
        for term, weight in zip(
            query.sparse.indices.tolist(), query.sparse.values.tolist(), strict=True
        )
    )
