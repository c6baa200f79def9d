"""Vectors that are remembered: the same ones, each encoded once, the oldest forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.encode.dense_memory import DenseMemory
from knowledge.types import Encoding
from tests.fakes import HashingEncoder


class Counting(HashingEncoder):
    """Keeps what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        self.asked.append(list(texts))
        return super().encode_passages(texts)


def test_each_text_is_encoded_once() -> None:
    encoder = Counting()
    memory = DenseMemory(encoder, most=3)
    first = memory.vectors(["a sea", "a lake", "a sea"])
    assert np.array_equal(first[0], first[2])
    again = memory.vectors(["a pond", "a lake"])
    assert np.array_equal(again[1], first[1])
    for vector, text in zip(first, ["a sea", "a lake", "a sea"], strict=True):
        (plain,) = HashingEncoder().encode_passages([text])
        assert np.array_equal(vector, plain.dense)
    assert encoder.asked == [["a sea", "a lake"], ["a pond"]]
    memory.vectors(["a brook"])  # the least lately asked for goes: the sea
    memory.vectors(["a lake", "a pond"])
    assert memory.vectors([]) == []
    assert len(encoder.asked) == 3
    memory.vectors(["a sea"])
    assert encoder.asked[3:] == [["a sea"]]
