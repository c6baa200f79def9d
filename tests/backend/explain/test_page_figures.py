from __future__ import annotations

import random
import warnings

import pytest

from backend.explain.page_figures import METRICS, page_figures


def test_figures_are_those_of_ranx() -> None:
    draw = random.Random(5)
    pages = [f"p{number}" for number in range(30)]
    judgments, rankings = {}, {}
    for number in range(200):
        some = draw.sample(pages, draw.randint(1, 14))
        judgments[str(number)] = {page: draw.randint(0, 3) for page in some}
        judgments[str(number)][some[0]] = 1
        rankings[str(number)] = draw.sample(pages, draw.randint(0, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ranx import Qrels, Run, evaluate

        run = Run(
            {
                id: {page: float(-place) for place, page in enumerate(ranking)} or {"": 0.0}
                for id, ranking in rankings.items()
            }
        )
        evaluate(Qrels(judgments), run, list(METRICS))
    ours = page_figures(judgments, rankings)
    for metric in METRICS:
        assert ours[metric] == pytest.approx(dict(run.scores[metric]))
        assert 0 < sum(ours[metric].values()) < len(judgments)


def test_a_query_without_a_right_page_has_nothing() -> None:
    ours = page_figures({"a": {"x": 0}, "b": {"x": 1}}, {"a": ["x"]})
    assert ours == {metric: {"a": 0.0, "b": 0.0} for metric in METRICS}
