"""The dense vectors of short texts that come again and again, encoded once.

The visitors of a website ask about the same pages, and so the same sentences are weighed for one
answer after another. An int8 encoder rounds by the batch, so a remembered vector may differ from a
new one in its last digits, as two new ones do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from knowledge.encode.dense import dense_vectors
from knowledge.encode.encoder import Encoder

Vector = NDArray[np.float32]

_MOST = 20_000
"""Texts remembered: 30 MB of vectors of 384 numbers."""


class DenseMemory:
    """Remembers the vectors of the last texts it was asked for. Safe to share among threads."""

    def __init__(self, encoder: Encoder, most: int = _MOST) -> None:
        self._encoder = encoder
        self._most = most
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._lock = Lock()

    def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """The vector of each text (``float32[d]``), in order. One call of the encoder at most."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        new = list(dict.fromkeys(text for text in texts if text not in found))
        if new:
            found |= zip(new, dense_vectors(self._encoder, new), strict=True)
            with self._lock:
                self._known |= {text: found[text] for text in new}
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return [found[text] for text in texts]
