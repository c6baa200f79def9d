"""Which pairs stand in a batch together."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")


def test_the_share_of_one_source_is_of_one_topic_where_asked() -> None:
    from training.batches import Batches

    # one collection of four topics, whose queries point along four axes
    topics = np.repeat(np.arange(4), 50)
    queries = np.eye(4, dtype=np.float16)[topics]
    sources = ["manual"] * 200
    for factor, most in ((1.0, 4), (8.0, 1)):
        batches = Batches(sources, queries, 10, 1.0, factor)
        drawn = [batches.draw(np.random.default_rng(seed)) for seed in range(20)]
        assert all(len(set(rows.tolist())) == 10 for rows in drawn)
        assert max(len(set(topics[rows].tolist())) for rows in drawn) == most


def test_a_batch_mixes_one_source_with_others() -> None:
    from training.batches import Batches

    sources = np.array(["large"] * 90 + ["small"] * 10)
    batches = Batches(sources.tolist(), np.ones((100, 2), np.float16), 8, 0.5, 1.0)
    drawn = [sources[batches.draw(np.random.default_rng(seed))] for seed in range(40)]
    assert all(4 <= len(rows) <= 8 for rows in drawn)
    # roots of the sizes count: the small collection is drawn from in a quarter of the cases
    share = np.mean([(rows == "small").mean() for rows in drawn])
    assert 0.12 < share < 0.4
