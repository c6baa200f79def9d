"""The encoder and the reranker that the settings name. Each is imported where it is used."""

from __future__ import annotations

from backend.search.rerank import Reranker
from knowledge.encode.encoder import Encoder
from knowledge.errors import InvalidSettings
from knowledge.settings import Settings


def open_encoder(settings: Settings) -> Encoder:
    """Load the encoder. Raises :class:`ModelFileError`, :class:`MissingExtra` and
    :class:`InvalidSettings`.
    """
    if settings.encoder == "huggingface":
        return _huggingface(settings)
    from knowledge.encode.bundled import DEFAULT_MODEL, BundledEncoder

    mode = settings.encoder_query_mode
    return BundledEncoder(
        settings.encoder_folder or DEFAULT_MODEL,
        query_mode="inference-free" if mode == "default" else mode,
        threads=settings.encoder_threads,
        context=settings.passage_context,
    )


def _huggingface(settings: Settings) -> Encoder:
    if not settings.encoder_sparse_model and not settings.encoder_dense_model:
        raise InvalidSettings(
            "CANDOR_ENCODER is huggingface, but no model is named.",
            "Set CANDOR_ENCODER_SPARSE_MODEL, CANDOR_ENCODER_DENSE_MODEL, or both.",
        )
    from knowledge.encode.huggingface import HuggingFaceEncoder

    return HuggingFaceEncoder(
        settings.encoder_sparse_model,
        settings.encoder_dense_model,
        device=settings.encoder_device,
        context=settings.passage_context,
    )


def open_reranker(settings: Settings) -> Reranker | None:
    """Load the cross-encoder that the settings name, if any.

    Raises :class:`ModelFileError` and :class:`MissingExtra`.
    """
    if not settings.reranker_model:
        return None
    from knowledge.encode.rerank import CrossEncoderReranker

    return CrossEncoderReranker(settings.reranker_model, device=settings.encoder_device)
