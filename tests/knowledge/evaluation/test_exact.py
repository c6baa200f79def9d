import numpy as np
import pytest

from knowledge.encode.idf import idf
from knowledge.evaluation.exact import SparseArm, best, dense_ranking
from knowledge.types import Encoding, SparseVector


def sparse(**weights: float) -> SparseVector:
    terms = sorted((int(term[1:]), weight) for term, weight in weights.items())
    return SparseVector(
        np.array([t for t, _ in terms], np.uint32), np.array([w for _, w in terms], np.float32)
    )


def test_sparse_scores_are_dot_products_with_idf() -> None:
    arm = SparseArm([sparse(t1=2.0, t7=1.0), sparse(t1=1.0), sparse(t9=1.0)], 0.0)
    ranking = arm.rank([sparse(t1=1.0, t7=0.5, t500=9.0)])[0]
    common, rare = idf([2, 1], 3)
    assert [place for place, _ in ranking] == [0, 1]
    assert [score for _, score in ranking] == pytest.approx([2 * common + 0.5 * rare, common])
    assert arm.mean_terms == pytest.approx(4 / 3)


def test_faint_terms_match_but_do_not_make_a_word_common() -> None:
    passages = [sparse(t1=2.0), sparse(t1=0.4), sparse(t9=1.0)]
    found = SparseArm(passages, 0.5).rank([sparse(t1=1.0)])[0]
    assert [score for _, score in found] == pytest.approx(idf([1], 3)[0] * np.array([2, 0.4]))


def test_dense_scores_are_cosines() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    ranking = dense_ranking([Encoding(east, None)], [Encoding(north, None), Encoding(east, None)])
    assert ranking == [[(1, 1.0)]]


def test_equal_scores_keep_the_order_of_the_corpus() -> None:
    assert best(np.array([1.0, 0.0, 1.0])) == [(0, 1.0), (2, 1.0)]
