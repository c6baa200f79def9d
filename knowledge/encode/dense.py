"""The dense vectors of passages alone, from encoders that can leave out their sparse side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knowledge.encode.encoder import Encoder


@runtime_checkable
class DenseEncoder(Protocol):
    """An encoder for which the dense side alone is less work."""

    def encode_dense(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The dense vectors (``float32[d]``) that ``encode_passages`` would give."""
        ...


def dense_vectors(encoder: Encoder, texts: Sequence[str]) -> list[NDArray[np.float32]]:
    """The dense vector of each passage, in the order given.

    An encoder without a dense side gives empty vectors.
    """
    if isinstance(encoder, DenseEncoder):
        return encoder.encode_dense(texts)
    nothing = np.zeros(0, np.float32)
    return [nothing if one.dense is None else one.dense for one in encoder.encode_passages(texts)]
