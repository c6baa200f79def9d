"""The throw-away knowledge base counts terms as exact scoring does."""

from __future__ import annotations

import numpy as np
import pytest

from backend.search.idf import CollectionIdf
from knowledge.encode.bundled import BundledEncoder
from knowledge.evaluation.collection import temporary_collection
from knowledge.evaluation.exact import SparseArm
from knowledge.store.statistics import versions

PASSAGES = {
    "sign-in": "To sign in, enter your e-mail address and password. We send you a link.",
    "refund": "You can get your money back within 30 days of purchase. Contact billing.",
    "invoice": "We send the bill for your subscription on the first of each month.",
}


async def test_search_and_exact_scoring_weigh_a_query_alike() -> None:
    encoder = BundledEncoder(threads=1)
    encodings = encoder.encode_passages(list(PASSAGES.values()))
    passages = [e.sparse for e in encodings if e.sparse is not None]
    faint = [p.indices[p.values < encoder.spec.counted_weight] for p in passages]
    # a faint added term, asked for, and one that is written
    asked = encoder.encode_queries([" ".join(encoder.words([int(faint[0][0])]).values()), "send"])
    queries = [q.sparse for q in asked if q.sparse is not None]
    found = SparseArm(passages, encoder.spec.counted_weight).rank(queries)
    everything = SparseArm(passages, 0.0).rank(queries)
    assert found[0][0][1] > everything[0][0][1]
    async with temporary_collection(PASSAGES, encoder) as collection:
        base = collection.knowledge_base_id
        async with collection.database.reading() as session:
            known = await versions(session, [base])
        for query, ranking in zip(asked, found, strict=True):
            weighted, _ = await CollectionIdf(collection.database).weigh(query, known)
            assert weighted.sparse is not None
            shared = np.isin(passages[ranking[0][0]].indices, weighted.sparse.indices)
            own = passages[ranking[0][0]]
            weights = dict(
                zip(weighted.sparse.indices.tolist(), weighted.sparse.values, strict=True)
            )
            score = sum(
                weights[term] * value
                for term, value in zip(
                    own.indices[shared].tolist(), own.values[shared], strict=True
                )
            )
            assert score == pytest.approx(ranking[0][1], rel=1e-5)
