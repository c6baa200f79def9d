"""Collection IDF: how rare a term is among the chunks of one knowledge base."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def idf(document_frequency: ArrayLike, documents: int) -> NDArray[np.float32]:
    """``log(1 + (N - df + 0.5) / (df + 0.5))`` for each term, always above 0.

    ``document_frequency``: how many of the ``documents`` chunks have the term in their sparse
    vector, whether written or added; same shape as the result. Robertson and Zaragoza, "The
    Probabilistic Relevance Framework: BM25 and Beyond" (2009), in the form that stays positive.
    """
    df = np.minimum(np.asarray(document_frequency, np.float64), documents)
    return np.log1p((documents - df + 0.5) / (df + 0.5)).astype(np.float32)
