import numpy as np
import pytest
import torch

from training.build import LOWERED, QUERY_SCALE, settle
from training.head import HeadConfig, SparseHead

TERMS, SIZE = 5, 4


def head() -> SparseHead:
    torch.manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(TERMS, SIZE), dim=1)
    ones = torch.ones(TERMS)
    return SparseHead(HeadConfig(hidden=3, start=0.0), centres, 0 * ones, ones, ones)


def test_an_untrained_head_is_the_cosine_with_each_word() -> None:
    made, vectors = head(), torch.randn(2, SIZE)
    expected = (vectors @ made.vectors.T).detach().numpy()
    assert made.logits(vectors, "query").detach().numpy() == pytest.approx(expected, abs=0.02)


def test_some_terms_alone_have_the_same_logits() -> None:
    made, vectors = head(), torch.randn(2, SIZE)
    some = torch.tensor([1, 3])
    whole = made.logits(vectors, "window").detach().numpy()
    assert made.logits(vectors, "window", some).detach().numpy() == pytest.approx(
        whole[:, [1, 3]], abs=0.01
    )


def test_a_passage_takes_the_largest_logit_of_its_windows() -> None:
    made = head()
    whole, windows = torch.zeros(2, SIZE), torch.randn(3, SIZE)
    pooled = made.passage_logits(whole, windows, torch.tensor([0, 0, 1])).detach().numpy()
    local = made.logits(windows, "window").detach().numpy()
    assert pooled[0] == pytest.approx(np.maximum(local[:2].max(0), 0), abs=1e-6)
    assert pooled[1] == pytest.approx(np.maximum(local[2], 0), abs=1e-6)


def test_weights_are_saturated_and_never_negative() -> None:
    weights = head().weights(torch.tensor([-1.0, 0.0, 1.0]), "query")
    assert weights.detach().numpy() == pytest.approx([0, 0, np.log(2)])


def test_settling_is_the_mean_of_both_heads_with_a_lower_threshold() -> None:
    start, trained = head(), head()
    trained.bias.data += 1.0
    settle(trained, start)
    assert (trained.bias - start.bias).detach().numpy() == pytest.approx(0.5)
    assert trained.offsets["window"].item() == pytest.approx(LOWERED)
    assert trained.offsets["query"].item() == 0
    assert trained.scales["query"].item() == pytest.approx(QUERY_SCALE)
