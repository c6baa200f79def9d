"""A Hugging Face cross-encoder as a reranker (extra ``models``)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from knowledge.errors import MissingExtra, ModelFileError


class CrossEncoderReranker:
    """Scores query and text together.

    ``model``: a Hugging Face name or a folder. torch and sentence-transformers are imported here,
    not before. Raises :class:`MissingExtra` and :class:`ModelFileError`.
    """

    def __init__(self, model: str, *, device: str = "cpu", batch: int = 32) -> None:
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            action = "Install it with: pip install 'candor[models]'"
            raise MissingExtra("sentence-transformers is not installed.", action) from error
        try:
            self._model: Any = CrossEncoder(model, device=device)
        except (OSError, ValueError, RuntimeError) as error:
            action = "Give the name of a model on the Hugging Face hub, or a folder."
            detail = f"The reranker {model!r} cannot be loaded ({error})."
            raise ModelFileError(detail, action) from error
        self._batch = batch
        self._lock = threading.Lock()

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score for each of ``texts``, in their order; higher is better."""
        if not texts:
            return []
        pairs = [(query, text) for text in texts]
        with self._lock:
            scores = self._model.predict(pairs, batch_size=self._batch, show_progress_bar=False)
        return [float(score) for score in scores]
