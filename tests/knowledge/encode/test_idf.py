from math import log

import numpy as np
import pytest

from knowledge.encode.idf import idf


def test_idf_is_the_formula() -> None:
    assert idf([1], 10) == pytest.approx([log(1 + 9.5 / 1.5)])


def test_rarer_terms_weigh_more_and_all_weigh_something() -> None:
    weights = idf(np.arange(11), 10)
    assert (np.diff(weights) < 0).all()
    assert weights[-1] > 0


def test_a_stale_count_above_the_number_of_chunks_is_harmless() -> None:
    assert idf([12], 10) == pytest.approx(idf([10], 10))
