"""The frozen trunk (all-MiniLM-L6-v2) as an int8 ONNX session that yields token states.

Features for training are computed by the same quantised graph that ships, so that the head learns
on exactly what it will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.encode.sessions import LOWER, open_branch, open_session

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

WINDOW = 16
"""Tokens in one window of a passage."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled states of many texts, each of unit length.

    ``whole``: ``float16[n, d]``. ``windows``: ``float16[m, d]``, all texts' windows in order.
    ``starts``: ``int64[n + 1]``, offsets into them. ``dense``: ``float16[n, d]``, the dense
    vectors: the same as ``whole``, unless the trunk has a branch that terms are read from.
    """

    whole: Halves
    windows: Halves
    starts: NDArray[np.int64]
    dense: Halves


class Trunk:
    """Runs the trunk over texts, and the branch that lies beside it, if one does.

    ``max_tokens`` counts special tokens.
    """

    def __init__(self, model: Path, tokenizer: Path, threads: int = 2) -> None:
        self._session = open_session(model, threads)
        self._branch = open_branch(model.parent, threads)
        self._size = int(self._session.get_outputs()[0].shape[2])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()

    def states(self, texts: Sequence[str], max_tokens: int = 256) -> list[tuple[Floats, Floats]]:
        """Token states of each text, ``float32[tokens, d]``, special tokens included.

        First those of the dense side, then those that terms are read from.
        """
        self._tokenizer.enable_truncation(max_tokens)
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max(len(e) for e in encodings)
        ids = np.zeros((len(texts), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        found = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        dense = calling = found[0]
        if self._branch is not None:
            fed = {LOWER: found[1], "attention_mask": mask}
            calling = self._branch.run(None, fed)[0]
        return [
            (dense[row, : len(encoding)], calling[row, : len(encoding)])
            for row, encoding in enumerate(encodings)
        ]

    def pool(self, texts: Sequence[str], max_tokens: int = 256, batch: int = 64) -> Pooled:
        """Whole and windowed means of each text, in the order given."""
        if not texts:
            none = np.zeros((0, self._size), np.float16)
            return Pooled(none, none, np.zeros(1, np.int64), none)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, tuple[Halves, Halves, Halves]] = {}
        for at in range(0, len(order), batch):
            rows = order[at : at + batch]
            states = self.states([texts[i] for i in rows], max_tokens)
            for row, (dense, calling) in zip(rows, states, strict=True):
                means = (calling.mean(0, keepdims=True), window_means(calling[1:-1]))
                every = (*means, dense.mean(0, keepdims=True))
                whole, windows, vector = (unit(mean).astype(np.float16) for mean in every)
                found[row] = (whole, windows, vector)
        wholes, parts, vectors = zip(*(found[row] for row in range(len(texts))), strict=True)
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return Pooled(
            np.concatenate(wholes),
            np.concatenate(parts),
            starts.astype(np.int64),
            np.concatenate(vectors),
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
