from __future__ import annotations

import random
from math import log2
from statistics import fmean

import pytest

from knowledge.errors import InvalidInput
from knowledge.evaluation.metrics import figures, mean_figures


def test_figures_are_those_of_trec_eval() -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    draw = random.Random(5)
    documents = [f"d{number}" for number in range(300)]
    judgments, run = {}, {}
    for number in range(300):
        some = draw.sample(documents, draw.randint(1, 40))
        judgments[str(number)] = {one: draw.randint(0, 3) for one in some} | {some[0]: 1}
        found = draw.sample(documents, draw.randint(1, 250))
        run[str(number)] = {one: float(draw.random()) for one in found}
    theirs = pytrec_eval.RelevanceEvaluator(judgments, {"ndcg_cut.10", "recall.100"}).evaluate(run)
    first = {id: dict(sorted(of.items(), key=lambda pair: -pair[1])[:10]) for id, of in run.items()}
    reciprocal = pytrec_eval.RelevanceEvaluator(judgments, {"recip_rank"}).evaluate(first)
    expected = {
        "ndcg@10": fmean(of["ndcg_cut_10"] for of in theirs.values()),
        "mrr@10": fmean(of["recip_rank"] for of in reciprocal.values()),
        "recall@100": fmean(of["recall_100"] for of in theirs.values()),
    }
    assert mean_figures(judgments, run) == pytest.approx(expected)
    assert all(0 < figure < 1 for figure in expected.values())


def test_figures_are_means_over_judged_queries() -> None:
    judgments = {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 1}}
    run = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"b": 1.0, "a": 2.0}}
    counted = mean_figures(judgments, run)
    assert counted["ndcg@10"] == pytest.approx((1 + 1 / log2(3) + 0) / 3)
    assert counted["mrr@10"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert counted["recall@100"] == pytest.approx(2 / 3)


def test_places_beyond_the_cut_do_not_count() -> None:
    judgments = {"q": {"right": 1, "wrong": 0}}
    ranking = {"q": ["wrong", "other", "right"]}
    assert figures(judgments, ranking, ["mrr@2", "mrr@3", "recall@2", "ndcg@3"]) == {
        "mrr@2": {"q": 0.0},
        "mrr@3": {"q": 1 / 3},
        "recall@2": {"q": 0.0},
        "ndcg@3": {"q": 0.5},
    }


def test_a_query_without_a_right_document_has_nothing() -> None:
    counted = figures({"a": {"x": 0}, "b": {"x": 1}}, {"a": ["x"]})
    assert set(counted) == {"ndcg@10", "mrr@10", "recall@100"}
    assert all(of == {"a": 0.0, "b": 0.0} for of in counted.values())


def test_no_judgments_no_figures() -> None:
    assert mean_figures({}, {}, ["ndcg@10"]) == {"ndcg@10": 0.0}


@pytest.mark.parametrize("name", ["map@10", "ndcg", "ndcg@0", "mrr@ten"])
def test_an_unknown_metric_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        figures({"q": {"a": 1}}, {"q": ["a"]}, [name])
