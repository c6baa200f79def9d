"""The encoder and the reranker that the settings name. Each is imported where it is used."""

from __future__ import annotations

from backend.search.rerank import Reranker
from knowledge.encode.encoder import Encoder
from knowledge.settings import Settings


def open_encoder(settings: Settings) -> Encoder:
    """Load the encoder. Raises :class:`ModelFileError` and :class:`MissingExtra`."""
    from knowledge.encode.bundled import BundledEncoder

    mode = settings.encoder_query_mode
    if mode == "default":
        return BundledEncoder(threads=settings.encoder_threads)
    return BundledEncoder(query_mode=mode, threads=settings.encoder_threads)


def open_reranker(settings: Settings) -> Reranker | None:
    """Load the cross-encoder that the settings name, if any."""
    return None
