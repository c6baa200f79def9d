from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from backend.search.diversify import Placed, cap_documents, marginal_relevance

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def test_a_near_duplicate_moves_down() -> None:
    vectors = {
        A: np.array([1.0, 0.0], dtype=np.float32),
        B: np.array([0.8, 0.6], dtype=np.float32),
        C: np.array([0.0, 1.0], dtype=np.float32),
    }
    scored = [(A, 5.0), (B, 4.0), (C, 3.0)]
    # diversity 0.5: the penalty is 0.5 / 0.5 * (5 - 3) * sim = 2 * sim.
    placed = marginal_relevance(scored, vectors, diversity=0.5)
    assert [one.id for one in placed] == [A, C, B]
    assert placed[0] == Placed(A, 5.0, 0.0)
    assert placed[1] == Placed(C, 3.0 - 2 * 0.0, 2 * 0.0)
    # B resembles A by 0.8 and C by 0.6: the nearer one counts.
    assert placed[2].penalty == pytest.approx(2 * 0.8)
    assert placed[2].score == 4.0 - placed[2].penalty


def test_nothing_changes_without_diversity_or_without_a_range() -> None:
    vectors = dict.fromkeys((A, B), np.array([1.0], dtype=np.float32))
    assert marginal_relevance([(A, 2.0), (B, 1.0)], vectors, 0.0) == [Placed(A, 2), Placed(B, 1)]
    assert marginal_relevance([(A, 2.0), (B, 2.0)], vectors, 0.9) == [Placed(A, 2), Placed(B, 2)]
    assert marginal_relevance([], {}, 0.5) == []


def test_scores_never_rise_along_the_order() -> None:
    rng = np.random.default_rng(3)
    units = rng.standard_normal((30, 8)).astype(np.float32)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    scored = [(UUID(int=n), float(30 - n)) for n in range(30)]
    vectors = {UUID(int=n): units[n] for n in range(30)}
    placed = marginal_relevance(scored, vectors, 0.4)
    assert sorted(one.id.int for one in placed) == list(range(30))
    assert [one.score for one in placed] == sorted((one.score for one in placed), reverse=True)


def test_documents_are_capped_in_order() -> None:
    one, other = UUID(int=10), UUID(int=11)
    placed = [Placed(A, 3.0), Placed(B, 2.0), Placed(C, 1.0)]
    kept, over = cap_documents(placed, {A: one, B: one, C: other}, most=1)
    assert [p.id for p in kept] == [A, C]
    assert [p.id for p in over] == [B]
