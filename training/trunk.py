"""The frozen trunk (all-MiniLM-L6-v2) as an int8 ONNX session that yields token states.

Features for training are computed by the same quantised graph that ships, so that the head learns
on exactly what it will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

WINDOW = 16
"""Tokens in one window of a passage."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled states of many texts.

    ``whole``: ``float16[n, d]``, unit length: the dense vectors. ``windows``: ``float16[m, d]``,
    unit length, all texts' windows in order. ``starts``: ``int64[n + 1]``, offsets into them.
    """

    whole: Halves
    windows: Halves
    starts: NDArray[np.int64]


class Trunk:
    """Runs the trunk over texts. ``max_tokens`` counts special tokens."""

    def __init__(self, model: Path, tokenizer: Path, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()

    def states(self, texts: Sequence[str], max_tokens: int = 256) -> list[Floats]:
        """Token states of each text, ``float32[tokens, d]``, special tokens included."""
        self._tokenizer.enable_truncation(max_tokens)
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max(len(e) for e in encodings)
        ids = np.zeros((len(texts), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        hidden = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return [hidden[row, : len(encoding)] for row, encoding in enumerate(encodings)]

    def pool(self, texts: Sequence[str], max_tokens: int = 256, batch: int = 64) -> Pooled:
        """Whole and windowed means of each text, in the order given."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        whole: list[Halves | None] = [None] * len(texts)
        windows: list[Halves | None] = [None] * len(texts)
        for at in range(0, len(order), batch):
            rows = order[at : at + batch]
            for row, state in zip(
                rows, self.states([texts[i] for i in rows], max_tokens), strict=True
            ):
                whole[row] = unit(state.mean(0, keepdims=True)).astype(np.float16)
                windows[row] = unit(window_means(state[1:-1])).astype(np.float16)
        counts = [len(w) for w in windows if w is not None]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Pooled(
            np.concatenate([w for w in whole if w is not None]),
            np.concatenate([w for w in windows if w is not None]),
            starts,
        )


def window_means(states: Floats) -> Floats:
    """Means over consecutive windows: ``float32[tokens, d]`` to ``float32[windows, d]``."""
    if not len(states):
        return np.zeros((1, states.shape[1]), np.float32)
    edges = np.arange(0, len(states), WINDOW)
    sums = np.add.reduceat(states, edges, axis=0)
    counts = np.diff([*edges, len(states)]).astype(np.float32)
    means: Floats = (sums / counts[:, None]).astype(np.float32)
    return means


def unit(vectors: Floats) -> Floats:
    """Rows scaled to unit length."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, 1e-9)
    return scaled
