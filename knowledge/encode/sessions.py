"""The two ONNX graphs of the bundled encoder, and the small arithmetic between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding as Tokens
from tokenizers import Tokenizer

from knowledge.errors import ModelFileError

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

HIDDEN, LOWER = "hidden", "lower"
"""Outputs of the trunk: its last states, and those that its branch begins from, if it has one."""

BRANCH = "branch.onnx"
"""The file of layers that stand beside the trunk's upper ones, for the sparse side alone."""

NEVER = np.float32(-1e4)
"""Logit offset of padding: below anything a window can reach."""

_VECTORS_AT_ONCE = 36


@dataclass(frozen=True, slots=True)
class TokenStates:
    """Token states of a batch, zero where padded.

    ``dense``: ``float32[n, t, d]``, whose mean is the dense vector. ``calling``: the same shape,
    what terms are read from: the same states, unless the trunk has a branch for them. ``lengths``:
    ``int64[n]``.
    """

    dense: Floats
    calling: Floats
    lengths: Integers


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled states of a batch.

    ``whole``: ``float32[n, d]``, unit length, the dense vectors. ``windows``: ``float32[n, w, d]``,
    unit length. ``filled``: ``bool[n, w]``, which windows hold tokens.
    """

    whole: Floats
    windows: Floats
    filled: NDArray[np.bool_]


def open_session(path: Path, threads: int) -> Any:
    """An ONNX Runtime session on the CPU. Raises :class:`ModelFileError`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # an arena keeps the largest batch ever seen; spinning threads of two sessions fight
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        action = "Install Candor again, or restore the file from its repository."
        raise ModelFileError(f"The model {path} cannot be loaded ({error}).", action) from error


def open_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that neither pads nor cuts."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def batches(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, each of at most ``most_tokens`` with padding."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if rows and lengths[row] * (len(rows) + 1) > most_tokens:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def open_branch(folder: Path, threads: int) -> Any | None:
    """The session of a model's branch, where it has one. Raises :class:`ModelFileError`."""
    path = folder / BRANCH
    return open_session(path, threads) if path.exists() else None


def run_trunk(
    session: Any, tokens: Sequence[Tokens], max_tokens: int, branch: Any | None = None
) -> TokenStates:
    """Token states of texts, cut to ``max_tokens``, special tokens included.

    The closing special token is kept. ``branch``: the session of :func:`open_branch`, where terms
    are to be read from its states.
    """
    lengths = np.array([min(len(t), max_tokens) for t in tokens], np.int64)
    ids = np.zeros((len(tokens), int(lengths.max())), np.int64)
    for row, encoding in enumerate(tokens):
        ids[row, : lengths[row]] = encoding.ids[: lengths[row]]
        ids[row, lengths[row] - 1] = encoding.ids[-1]
    mask = (np.arange(ids.shape[1]) < lengths[:, None]).astype(np.int64)
    fed, shown = {"input_ids": ids, "attention_mask": mask}, mask[:, :, None].astype(np.float32)
    if branch is None:
        dense = session.run([HIDDEN], fed)[0] * shown
        return TokenStates(dense, dense, lengths)
    dense, lower = session.run([HIDDEN, LOWER], fed)
    calling = branch.run([HIDDEN], {LOWER: lower, "attention_mask": mask})[0]
    return TokenStates(dense * shown, calling * shown, lengths)


def pool(states: Floats, lengths: Integers, window: int) -> Pooled:
    """Means of token states over the whole text, and over windows between the special tokens."""
    n, _, size = states.shape
    whole = unit(states.sum(1))
    inner = np.maximum(lengths - 2, 0)
    count = max(1, -(-int(inner.max()) // window))
    padded = np.zeros((n, count * window, size), np.float32)
    body = states[:, 1 : 1 + count * window]
    padded[:, : body.shape[1]] = body
    # the closing special token lies in the body of all but the longest texts
    padded[np.arange(count * window) >= inner[:, None]] = 0.0
    windows = unit(padded.reshape(n, count, window, size).sum(2))
    filled = np.arange(count) * window < inner[:, None]
    return Pooled(whole, windows, filled)


def unit(vectors: Floats) -> Floats:
    """Vectors scaled to unit length along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, np.float32(1e-9))
    return scaled


class TermHead:
    """Pooled states to the logits of the terms they call for."""

    def __init__(self, folder: Path, offsets: dict[str, float], threads: int) -> None:
        self._session = open_session(folder / "terms.onnx", threads)
        with np.load(folder / "head.npz") as arrays:
            self.query_weights = arrays["query_weights"].astype(np.float32)
            self._adapters = {
                role: tuple(arrays[f"{role}.{part}"].astype(np.float32) for part in "AaBb")
                for role in offsets
            }
        self._offsets = offsets

    def adapt(self, vectors: Floats, role: str) -> Floats:
        """``x + B relu(A x + a) + b``; same shape."""
        up, up_bias, down, down_bias = self._adapters[role]
        moved: Floats = vectors + np.maximum(vectors @ up + up_bias, 0) @ down + down_bias
        return moved

    def passages(self, pooled: Pooled) -> tuple[Floats, Integers]:
        """The highest logits of each passage and their terms, ``[n, k]`` each, highest first."""
        whole = self.adapt(pooled.whole, "passage")[:, None]
        windows = self.adapt(pooled.windows, "window")
        offsets = np.where(pooled.filled, np.float32(self._offsets["window"]), NEVER)
        first = np.full((len(whole), 1), self._offsets["passage"], np.float32)
        return self._top(np.concatenate([whole, windows], 1), np.concatenate([first, offsets], 1))

    def queries(self, whole: Floats) -> tuple[Floats, Integers]:
        """The highest logits of each query and their terms, ``[n, k]`` each, highest first."""
        offsets = np.full((len(whole), 1), self._offsets["query"], np.float32)
        return self._top(self.adapt(whole, "query")[:, None], offsets)

    def logits(self, vectors: Floats, role: str) -> Floats:
        """Logits of every term for each vector: ``[n, d]`` to ``[n, terms]``."""
        offsets = np.full((len(vectors), 1, 1), self._offsets[role], np.float32)
        fed = {"vectors": self.adapt(vectors, role)[:, None], "offsets": offsets}
        result: Floats = self._session.run(["logits"], fed)[0]
        return result

    @staticmethod
    def activate(logits: Floats, scale: float) -> Floats:
        """``scale * log(1 + relu(logits))``, same shape."""
        weights: Floats = np.float32(scale) * np.log1p(np.maximum(logits, np.float32(0)))
        return weights

    def _top(self, vectors: Floats, offsets: Floats) -> tuple[Floats, Integers]:
        """In parts: the projection of a whole batch would be the encoder's largest array."""
        size = max(1, _VECTORS_AT_ONCE // vectors.shape[1])
        parts = [
            self._session.run(
                ["values", "indices"],
                {
                    "vectors": vectors[at : at + size].astype(np.float32),
                    "offsets": offsets[at : at + size, :, None],
                },
            )
            for at in range(0, len(vectors), size)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
