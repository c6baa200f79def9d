from collections import Counter

import numpy as np
import pytest

from knowledge.encode.terms import hashed
from knowledge.encode.words import words
from training.corpus import Pair
from training.trunk import unit, window_means
from training.vocabulary import LIGHT, build_table, candidates, query_weights

EAST, NORTH = np.array([1, 0], np.float32), np.array([0, 1], np.float32)


def test_words_of_a_stem_that_mean_different_things_get_terms_of_their_own() -> None:
    counts = Counter({"organ": 5, "organs": 2, "organization": 4, "organizations": 1})
    vectors = {
        "organ": EAST,
        "organs": NORTH,
        "organization": NORTH,
        "organizations": NORTH,
    }
    table, centres = build_table(counts, vectors)
    organ, organs, other = (table.id(word) for word in words("organ organs organization"))
    assert organ == organs != other
    assert centres[other] == pytest.approx(NORTH)
    assert table.readable[organ] == "organ"


def test_candidates_are_frequent_words_in_one_case() -> None:
    pairs = [Pair(f"s{n % 2}", "webhook", "set the maxRetries of the webhook") for n in range(4)]
    found = candidates(pairs, ["password", "##s", "[CLS]", "the"])
    # of a name in a program its parts, not the whole
    assert set(found) == {"password", "webhook", "set", "max", "retries"}


def test_function_words_are_light_in_queries() -> None:
    table, _ = build_table(Counter({"how": 3, "refund": 3}), {"how": EAST, "refund": NORTH})
    how, refund = (table.id(word) for word in words("how refund"))
    assert query_weights(table)[[how, refund]] == pytest.approx([LIGHT, 1])
    assert hashed("how") not in (how, refund)


def test_windows_are_means_of_consecutive_tokens() -> None:
    states = np.arange(20, dtype=np.float32)[:, None]
    assert window_means(states)[:, 0] == pytest.approx([7.5, 17.5])
    assert window_means(states[:0]).shape == (1, 1)
    assert np.linalg.norm(unit(np.array([[3, 4]], np.float32))) == pytest.approx(1)
