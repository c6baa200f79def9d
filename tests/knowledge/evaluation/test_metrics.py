from math import log2

import pytest

from knowledge.evaluation.metrics import mean_figures


def test_figures_are_means_over_judged_queries() -> None:
    judgments = {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 1}}
    run = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 2.0, "b": 1.0}}
    figures = mean_figures(judgments, run)
    assert figures["ndcg@10"] == pytest.approx((1 + 1 / log2(3) + 0) / 3)
    assert figures["mrr@10"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert figures["recall@100"] == pytest.approx(2 / 3)


def test_no_judgments_no_figures() -> None:
    assert mean_figures({}, {}, ["ndcg@10"]) == {"ndcg@10": 0.0}
