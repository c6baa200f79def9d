from __future__ import annotations

import numpy as np
import pytest

from knowledge.evaluation.significance import randomization_test


def test_all_sign_flips_are_counted_where_there_are_few() -> None:
    # Of the 2^3 ways to flip (1, 2, 3), only +6 and -6 are as extreme as the sum of 6.
    assert randomization_test([0, 0, 0], [1, 2, 3]) == 2 / 8
    # (1, -1): the sum is 0, so every flip is as extreme.
    assert randomization_test([0, 1], [1, 0]) == 1.0


def test_equal_figures_do_not_differ() -> None:
    assert randomization_test([0.5, 0.2], [0.5, 0.2]) == 1.0
    assert randomization_test([], []) == 1.0


def test_many_queries_are_sampled_the_same_way_every_time() -> None:
    rng = np.random.default_rng(5)
    before = rng.random(100)
    noise = before + rng.normal(0, 0.1, 100)
    better = before + rng.normal(0.05, 0.1, 100)
    assert randomization_test(before, noise) > 0.05
    assert randomization_test(before, better) < 0.01
    assert randomization_test(before, better) == randomization_test(before, better)
    assert randomization_test(before, better) == pytest.approx(
        randomization_test(better, before), abs=1e-12
    )
