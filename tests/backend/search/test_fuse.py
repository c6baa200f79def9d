from __future__ import annotations

import math
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.search.fuse import distribution_based, fuse, linear, min_max, reciprocal_rank
from backend.search.request import SearchSettings
from knowledge.encode.encoder import EncoderSpec
from knowledge.index.search_index import RankedPoint
from knowledge.settings import Settings
from knowledge.types import ArmScore

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def test_reciprocal_rank() -> None:
    parts = reciprocal_rank(np.array([9.0, 5.0, 1.0]), k=60)
    assert parts.tolist() == [1 / (60 + 1), 1 / (60 + 2), 1 / (60 + 3)]


def test_min_max() -> None:
    assert min_max(np.array([8.0, 5.0, 2.0])).tolist() == [1.0, (5 - 2) / (8 - 2), 0.0]
    assert min_max(np.array([3.0, 3.0])).tolist() == [1.0, 1.0]
    assert min_max(np.array([0.7])).tolist() == [1.0]


def test_distribution_based() -> None:
    # mean 4, sample standard deviation sqrt((16 + 0 + 16) / 2) = 4: from -8 to 16.
    parts = distribution_based(np.array([8.0, 4.0, 0.0]))
    assert parts.tolist() == [(8 + 8) / 24, (4 + 8) / 24, (0 + 8) / 24]
    assert distribution_based(np.array([3.0, 3.0])).tolist() == [0.5, 0.5]
    assert distribution_based(np.array([0.7])).tolist() == [0.5]


def test_linear_keeps_how_far_apart_scores_are() -> None:
    assert linear(np.array([20.0, 5.0]), "sparse", 10.0).tolist() == [20 / 10, 5 / 10]
    assert linear(np.array([0.7, 0.3]), "dense", 0.4).tolist() == [(0.7 - 0.3) / 0.4, 0.0]
    # what the dense arm did not return stands where its last does
    assert linear(np.array([0.7]), "dense", 0.4).tolist() == [0.0]
    arms = {
        "sparse": [RankedPoint(A, 12.0), RankedPoint(B, 9.0)],
        "dense": [RankedPoint(B, 0.9), RankedPoint(A, 0.7)],
    }
    settings = SearchSettings(fusion="linear", spread={"sparse": 10.0, "dense": 0.5})
    first, second = fuse(arms, settings)
    assert (first.id, second.id) == (B, A)
    assert first.score == 9 / 10.0 + (0.9 - 0.7) / 0.5


def test_parts_are_weighted_and_summed() -> None:
    arms = {
        "sparse": [RankedPoint(A, 12.0), RankedPoint(B, 7.0)],
        "dense": [RankedPoint(B, 0.9), RankedPoint(C, 0.8)],
    }
    settings = SearchSettings(rrf_k=60, weights={"sparse": 2.0, "dense": 0.5})
    first, second, third = fuse(arms, settings)
    assert (first.id, second.id, third.id) == (B, A, C)
    assert first.score == 2 * (1 / 62) + 0.5 * (1 / 61)
    assert first.arms == {
        "sparse": ArmScore(rank=2, score=7.0, part=2 * (1 / 62)),
        "dense": ArmScore(rank=1, score=0.9, part=0.5 * (1 / 61)),
    }
    assert second.score == 2 * (1 / 61)
    assert third.arms == {"dense": ArmScore(rank=2, score=0.8, part=0.5 * (1 / 62))}


def test_equal_scores_are_ordered_by_id() -> None:
    arms = {"sparse": [RankedPoint(C, 2.0)], "dense": [RankedPoint(A, 0.9)]}
    assert [point.id for point in fuse(arms, SearchSettings())] == [A, C]


def test_an_arm_may_be_empty() -> None:
    arms = {"sparse": [], "dense": [RankedPoint(A, 0.9)]}
    assert [point.id for point in fuse(arms, SearchSettings(fusion="minmax"))] == [A]
    assert fuse({}, SearchSettings()) == []


rankings = st.lists(
    st.tuples(st.integers(1, 40), st.floats(0, 100, allow_nan=False)),
    max_size=20,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: [RankedPoint(UUID(int=n), s) for n, s in sorted(pairs, key=lambda p: -p[1])])


@given(rankings, rankings, st.sampled_from(["rrf", "minmax", "dbsf", "linear"]), st.floats(0, 5))
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_parts_sum_to_the_score_to_the_last_bit(sparse, dense, fusion, weight) -> None:
    settings = SearchSettings(fusion=fusion, weights={"sparse": weight, "dense": 1.0})
    fused = fuse({"sparse": sparse, "dense": dense}, settings)
    assert {point.id for point in fused} == {point.id for point in [*sparse, *dense]}
    for point in fused:
        assert math.fsum(arm.part for arm in point.arms.values()) == point.score
        assert math.isfinite(point.score)
    assert [p.score for p in fused] == sorted((p.score for p in fused), reverse=True)


def test_fusion_is_chosen_by_what_is_known_of_the_encoder() -> None:
    strange = EncoderSpec(id="a-1", dense_size=4, sparse=True, uses_idf=False, max_tokens=8)
    known = replace(strange, score_spread=(12.0, 0.3))
    usual = SearchSettings.of(Settings(), known)
    assert (usual.fusion, usual.weights) == ("linear", {"sparse": 0.45, "dense": 0.55})
    assert usual.spread == {"sparse": 12.0, "dense": 0.3}
    other = SearchSettings.of(Settings(), strange)
    assert (other.fusion, other.weights) == ("minmax", {"sparse": 0.6, "dense": 0.4})
    named = SearchSettings.of(Settings(fusion="rrf", sparse_weight=2.0), known)
    assert (named.fusion, named.weights) == ("rrf", {"sparse": 2.0, "dense": 1.0})
