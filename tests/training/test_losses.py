import pytest
import torch

from training.losses import (
    Controller,
    activity,
    agreement,
    contrast,
    equal_lengths,
    focused,
    missing_words,
)

NONE = torch.zeros(2, 2, dtype=torch.bool)


def test_contrast_is_cross_entropy_of_the_diagonal() -> None:
    scores = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    expected = -torch.tensor([2.0, 0.0]).log_softmax(0)[0]
    assert contrast(scores, NONE).item() == pytest.approx(expected.item())


def test_an_equal_passage_is_no_negative() -> None:
    scores = torch.zeros(2, 2)
    both_equal = ~torch.eye(2, dtype=torch.bool)
    assert contrast(scores, both_equal).item() == pytest.approx(0, abs=1e-6)


def test_agreement_is_zero_where_student_equals_teacher() -> None:
    scores = torch.tensor([[1.0, 0.0], [0.5, 2.0]])
    assert agreement(scores, scores, NONE).item() == pytest.approx(0, abs=1e-6)
    assert agreement(scores, scores.flip(1), NONE).item() > 0.1


def test_missing_words_wants_what_is_gone() -> None:
    gone = torch.tensor([[1.0, 0.0]])
    right = missing_words(torch.tensor([[3.0, 0.0]]), gone)
    wrong = missing_words(torch.tensor([[0.0, 3.0]]), gone)
    assert right < wrong


def test_activity_is_heavier_for_terms_that_are_added_everywhere() -> None:
    everywhere = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    spread = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert activity(everywhere).item() == pytest.approx(1 + 2 * 1.0)
    assert activity(spread).item() == pytest.approx(1 + 2 * (0.25 + 0.25))


def test_the_controller_steers_both_ways() -> None:
    controller = Controller(target=60, weight=0.01)
    controller.update(80)
    assert controller.weight == pytest.approx(0.0102)
    controller.update(40)
    assert controller.weight == pytest.approx(0.0102 * 0.98)


def test_a_window_cuts_all_but_the_highest() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0, -1.0], [0.5, 4.0, 1.0, 2.0]])
    kept = torch.tensor([[3.0, 0.0, 2.0, 0.0], [0.0, 4.0, 0.0, 2.0]])
    assert torch.equal(focused(logits, logits, 2), kept)


def test_queries_of_equal_length_score_as_their_directions() -> None:
    queries = torch.tensor([[3.0, 0.0], [0.0, 0.0]])
    outside = torch.tensor([16.0, 1.0])  # lengths 5 and 1, 3 on the mean
    found = equal_lengths(torch.tensor([[5.0, 10.0], [1.0, 2.0]]), queries, outside)
    assert torch.allclose(found, torch.tensor([[3.0, 6.0], [3.0, 6.0]]))
