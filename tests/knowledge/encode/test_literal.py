import numpy as np
import pytest

from knowledge.encode.literal import Saturation, count_terms, written_spans
from knowledge.encode.terms import TermTable

TABLE = TermTable([("return", "return", ()), ("start", "start", ())])


def test_saturation_is_bm25() -> None:
    saturation = Saturation(k1=0.9, b=0.4, typical_length=100)
    weights = saturation.weights(np.array([1, 3], np.float32), 50)
    norm = 0.9 * (1 - 0.4 + 0.4 * 50 / 100)
    assert weights == pytest.approx([1.9 / (1 + norm), 3 * 1.9 / (3 + norm)])


def test_terms_are_counted_over_inflections() -> None:
    assert count_terms("Start a return; returns start here", TABLE) == {0: 2, 1: 2, TABLE_HERE: 1}


TABLE_HERE = next(t for t in count_terms("here", TABLE))


def test_every_place_is_found() -> None:
    text = "Return it. Returned."
    assert [text[a:b] for a, b in written_spans(text, TABLE)[0]] == ["Return", "Returned"]
