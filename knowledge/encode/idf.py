"""Collection IDF: how rare a term is among the chunks of one knowledge base."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knowledge.types import SparseVector


def idf(document_frequency: ArrayLike, documents: int) -> NDArray[np.float32]:
    """``log(1 + (N - df + 0.5) / (df + 0.5))`` for each term, always above 0.

    ``document_frequency``: for how many of the ``documents`` chunks the term is among the
    :func:`counted_terms`; same shape as the result. Robertson and Zaragoza, "The
    Probabilistic Relevance Framework: BM25 and Beyond" (2009), in the form that stays positive.
    """
    df = np.minimum(np.asarray(document_frequency, np.float64), documents)
    return np.log1p((documents - df + 0.5) / (df + 0.5)).astype(np.float32)


def counted_terms(vector: SparseVector, least: float) -> NDArray[np.uint32]:
    """The terms whose document frequency a chunk with this ``vector`` raises by one.

    ``least``: the weight from which a term counts, ``EncoderSpec.counted_weight``. A faint added
    term says that the chunk is near the term's topic, not that it is about it: counting those
    makes words look common that few chunks are about.
    """
    return vector.indices[vector.values >= np.float32(least)]
