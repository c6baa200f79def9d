"""Any Hugging Face sparse and dense encoder, through sentence-transformers (extra ``models``).

torch and sentence-transformers are imported when a model is opened, never before.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import MissingExtra, ModelFileError
from knowledge.passage_text import PassageContext
from knowledge.types import Encoding, Span, SparseVector, TermOrigin

_EXTRA = "Install it with: pip install 'candor[models]'"


class HuggingFaceEncoder:
    """Implements ``Encoder`` with a sparse model, a dense model, or both.

    ``sparse``, ``dense``: a Hugging Face name or a folder; empty for none. ``device``: as torch
    names it. A sparse model with inference-free queries (its queries come from a table) is asked
    for collection IDF only where ``uses_idf`` says so: such tables mostly hold an IDF already.

    Raises :class:`MissingExtra` without sentence-transformers, and :class:`ModelFileError` where a
    model cannot be loaded.
    """

    def __init__(
        self,
        sparse: str = "",
        dense: str = "",
        *,
        device: str = "cpu",
        batch: int = 32,
        uses_idf: bool = False,
        languages: tuple[str, ...] = (),
        context: PassageContext = "title+headings",
    ) -> None:
        if not sparse and not dense:
            raise ModelFileError("No model is named.", "Name a sparse or a dense model.")
        self._sparse = _open("SparseEncoder", sparse, device) if sparse else None
        self._dense = _open("SentenceTransformer", dense, device) if dense else None
        self._batch = batch
        self._lock = threading.Lock()
        first: Any = self._sparse or self._dense
        self._tokenizer = first.tokenizer
        size = 0 if self._dense is None else int(self._dense.get_embedding_dimension())
        lengths = [int(m.max_seq_length or 512) for m in (self._sparse, self._dense) if m]
        name = "+".join(part for part in (sparse, dense) if part)
        self._spec = EncoderSpec(
            id=f"huggingface:{name}@{_fingerprint(self._sparse, self._dense)}",
            dense_size=size,
            sparse=self._sparse is not None,
            uses_idf=uses_idf,
            max_tokens=min(lengths) - 2,
            languages=languages,
        ).with_context(context)

    @property
    def spec(self) -> EncoderSpec:
        """What an index must know about this encoder."""
        return self._spec

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each passage, in the order given."""
        return self._encode(texts, "encode_document")

    def encode_queries(self, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each query, in the order given."""
        return self._encode(texts, "encode_query")

    def trace_passage(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a passage with the words that produced it, heaviest first."""
        return self._trace(text, self.encode_passages([text])[0])

    def trace_query(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a query with the words that produced it, heaviest first."""
        return self._trace(text, self.encode_queries([text])[0])

    def written(self, text: str) -> Mapping[int, tuple[Span, ...]]:
        """Where each sparse term is written in ``text``, in order, found without the model."""
        if self._sparse is None:
            return {}
        found: dict[int, list[Span]] = {}
        for token, span in self._tokens(text):
            found.setdefault(token, []).append(span)
        return {token: tuple(spans) for token, spans in found.items()}

    def words(self, terms: Sequence[int], *texts: str) -> Mapping[int, str]:
        """The readable word piece of each term."""
        pieces = self._tokenizer.convert_ids_to_tokens(list(terms))
        return {term: _readable(piece) for term, piece in zip(terms, pieces, strict=True)}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in tokens, without special tokens."""
        return [len(self.token_spans(text)) for text in texts]

    def token_spans(self, text: str) -> list[Span]:
        """The character span of each token of a text of any length."""
        return [span for _, span in self._tokens(text)]

    def _tokens(self, text: str) -> list[tuple[int, Span]]:
        found = self._tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        pairs = zip(found["input_ids"], found["offset_mapping"], strict=True)
        return [(int(token), (int(start), int(end))) for token, (start, end) in pairs]

    def _encode(self, texts: Sequence[str], method: str) -> list[Encoding]:
        if not texts:
            return []
        options = {"batch_size": self._batch, "show_progress_bar": False}
        dense: list[Any] = [None] * len(texts)
        sparse: list[SparseVector | None] = [None] * len(texts)
        # sentence-transformers switches a model's mode around a call: one call at a time
        with self._lock:
            if self._dense is not None:
                encode = getattr(self._dense, method)
                dense = list(encode(list(texts), normalize_embeddings=True, **options))
            if self._sparse is not None:
                encode = getattr(self._sparse, method)
                found = encode(list(texts), convert_to_sparse_tensor=False, **options)
                sparse = [_sparse(row.float().cpu().numpy()) for row in found]
        return [
            Encoding(None if d is None else np.asarray(d, np.float32), s)
            for d, s in zip(dense, sparse, strict=True)
        ]

    def _trace(self, text: str, encoding: Encoding) -> list[TermOrigin]:
        if encoding.sparse is None:
            return []
        written = self.written(text)
        added = [int(t) for t in encoding.sparse.indices if int(t) not in written]
        sources = self._adding_tokens(self._sparse, text, added) if added else {}
        origins = [
            TermOrigin(
                int(term),
                float(weight),
                int(term) in written,
                written.get(int(term)) or tuple(sources.get(int(term), [])),
            )
            for term, weight in zip(encoding.sparse.indices, encoding.sparse.values, strict=True)
        ]
        return sorted(origins, key=lambda origin: (-origin.weight, origin.term))

    def _adding_tokens(self, model: Any, text: str, terms: list[int]) -> dict[int, list[Span]]:
        """For each added term the token with the highest logit, where the model has logits."""
        import torch

        spans = self.token_spans(text)
        with self._lock, torch.inference_mode():
            features = model.preprocess([text])
            features = {
                k: v.to(model.device) if hasattr(v, "to") else v for k, v in features.items()
            }
            logits = model[0](features).get("token_embeddings")
        if logits is None or logits.shape[-1] <= max(terms):
            return {}
        inner = logits[0, 1 : len(spans) + 1]
        best = inner[:, terms].argmax(0).tolist()
        return {t: [spans[place]] for t, place in zip(terms, best, strict=True)}


def _open(kind: str, name: str, device: str) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise MissingExtra("sentence-transformers is not installed.", _EXTRA) from error
    try:
        return getattr(sentence_transformers, kind)(name, device=device)
    except (OSError, ValueError, RuntimeError) as error:
        action = "Give the name of a model on the Hugging Face hub, or a folder that holds one."
        raise ModelFileError(f"The model {name!r} cannot be loaded ({error}).", action) from error


def _fingerprint(*models: Any) -> str:
    """A digest of all weights: the same name may stand for other weights tomorrow."""
    digest = hashlib.sha256()
    for model in models:
        for name, tensor in sorted(model.state_dict().items()) if model is not None else ():
            digest.update(name.encode())
            digest.update(str(tensor.float().sum().item()).encode())
    return digest.hexdigest()[:12]


def _sparse(row: Any) -> SparseVector:
    indices = np.flatnonzero(row > 0)
    return SparseVector(indices.astype(np.uint32), row[indices].astype(np.float32))


def _readable(piece: str) -> str:
    """A word piece without the marks of WordPiece, byte-level BPE or SentencePiece."""
    return piece.removeprefix("##").replace("Ġ", "").replace("▁", "") or piece
