"""The encoder that ships with Candor: both vectors from one pass of a small int8 model.

A passage's sparse vector is the sum of two parts. The literal part weighs every written word as
BM25 does, whether the model knows the word or not. The expansion part weighs the terms that the
passage calls for (SPLADE, arXiv 2109.10086): read from the mean of its token states and from the
means of short windows, so that an added term can be led back to the words that added it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding as Tokens

from knowledge.encode.encoder import EncoderSpec
from knowledge.encode.literal import Saturation, count_terms, written_spans
from knowledge.encode.model_files import check_manifest, load_config
from knowledge.encode.sessions import (
    Floats,
    Integers,
    TermHead,
    TokenStates,
    batches,
    open_branch,
    open_session,
    open_tokenizer,
    pool,
    run_trunk,
    unit,
)
from knowledge.encode.terms import TermTable
from knowledge.encode.words import FUNCTION_WORDS, RULES, words
from knowledge.passage_text import PassageContext
from knowledge.types import Encoding, Span, SparseVector, TermOrigin

QueryMode = Literal["inference-free", "encoded"]
DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "models" / "candor-minilm"
_FAINT = 1e-3
_BatchEncoder = Callable[[Sequence[str], TokenStates], list[Encoding]]


class BundledEncoder:
    """Implements ``Encoder`` with the model in ``folder``.

    ``query_mode``: ``"inference-free"`` weighs the words of a query and runs no head on it;
    ``"encoded"`` also adds the terms it calls for. ``threads`` are used inside one call.
    ``batch_tokens`` bounds the tokens of one pass, padding included, and with them the memory.
    ``context``: what stands in front of the passages that it is given.
    Raises :class:`~knowledge.errors.ModelFileError`.
    """

    def __init__(
        self,
        folder: Path = DEFAULT_MODEL,
        *,
        query_mode: QueryMode = "inference-free",
        threads: int = 2,
        batch_tokens: int = 512,
        context: PassageContext = "title+headings",
    ) -> None:
        digest = check_manifest(folder)
        self._config = config = load_config(folder)
        self._mode, self._batch_tokens = query_mode, batch_tokens
        self._table = TermTable.load(folder / "terms.tsv")
        self._trunk = open_session(folder / "trunk.onnx", threads)
        self._branch = open_branch(folder, threads)
        self._head = TermHead(folder, config.offsets, threads)
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")
        self._saturation = Saturation(config.k1, config.b, config.typical_length)
        self.spec = EncoderSpec(
            id=f"{config.name}-{config.version}+{digest}.words-{RULES}.{query_mode}",
            dense_size=config.dense_size,
            sparse=True,
            uses_idf=True,
            max_tokens=config.max_tokens - 2,
            languages=config.languages,
            counted_weight=config.counted_weight,
            score_spread=config.score_spread,
        ).with_context(context)

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each passage, in the order given."""
        return self._encode(texts, self._passage_batch, branch=True)

    def encode_queries(self, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each query, in the order given, before any collection IDF."""
        return self._encode(texts, self._query_batch)

    def encode_dense(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The dense vectors of passages alone, for about half the work; in the order given."""
        found = self._encode(texts, _whole_batch)
        return [encoding.dense for encoding in found if encoding.dense is not None]

    def trace_passage(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a passage with the words that produced it, heaviest first."""
        return self._trace(text, self._passage_batch, ("passage", "window"))

    def trace_query(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a query with the words that produced it, heaviest first."""
        return self._trace(text, self._query_batch, ("query",))

    def written(self, text: str) -> Mapping[int, tuple[Span, ...]]:
        """Where each sparse term is written in ``text``, in order, found without the model."""
        return written_spans(text, self._table)

    def words(self, terms: Sequence[int], *texts: str) -> Mapping[int, str]:
        """The readable word of each term; words outside the vocabulary are read from ``texts``."""
        return self._table.words(terms, *texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in word pieces, without special tokens."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(tokens) for tokens in found]

    def token_spans(self, text: str) -> list[Span]:
        """The character span of each word piece of a text of any length."""
        spans = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return [(int(start), int(end)) for start, end in spans]

    def _encode(
        self, texts: Sequence[str], encode_batch: _BatchEncoder, *, branch: bool = False
    ) -> list[Encoding]:
        tokens = self._tokenizer.encode_batch(list(texts))
        most = self._config.max_tokens
        sizes = [min(len(t), most) for t in tokens]
        done: dict[int, Encoding] = {}
        for rows in batches(sizes, self._batch_tokens):
            beside = self._branch if branch else None
            states = run_trunk(self._trunk, [tokens[i] for i in rows], most, beside)
            done.update(zip(rows, encode_batch([texts[i] for i in rows], states), strict=True))
        return [done[i] for i in range(len(texts))]

    def _passage_batch(self, texts: Sequence[str], states: TokenStates) -> list[Encoding]:
        dense = unit(states.dense.sum(1))
        pooled = pool(states.calling, states.lengths, self._config.window)
        logits, terms = self._head.passages(pooled)
        weights = self._head.activate(logits, self._config.scales["passage"])
        return [
            Encoding(dense[row], self._join(*self._literal(text), terms[row], weights[row]))
            for row, text in enumerate(texts)
        ]

    def _query_batch(self, texts: Sequence[str], states: TokenStates) -> list[Encoding]:
        whole = unit(states.dense.sum(1))
        most = self._config.added_query if self._mode == "encoded" else 0
        terms = np.zeros((len(texts), 0), np.int64)
        weights = np.zeros((len(texts), 0), np.float32)
        if most:
            logits, terms = self._head.queries(whole)
            weights = self._head.activate(logits[:, :most], self._config.scales["query"])
        return [
            Encoding(whole[row], self._join(*self._asked(text), terms[row, :most], weights[row]))
            for row, text in enumerate(texts)
        ]

    def _literal(self, text: str) -> tuple[Integers, Floats]:
        """Written terms of a passage and their weights."""
        counts = count_terms(text, self._table)
        terms = np.fromiter(counts.keys(), np.int64, len(counts))
        times = np.fromiter(counts.values(), np.float32, len(counts))
        return terms, self._saturation.weights(times, float(times.sum()))

    def _asked(self, text: str) -> tuple[Integers, Floats]:
        """Written terms of a query and their learned weights.

        Function words are left out where others remain: in manuals that never say "I", the "I" of
        "How do I ..." is so rare that it would count for more than the topic.
        """
        topical = Counter(
            self._table.id(word) for word in words(text) if word.form not in FUNCTION_WORDS
        )
        counts = topical or count_terms(text, self._table)
        terms = np.fromiter(counts.keys(), np.int64, len(counts))
        weights = np.fromiter(counts.values(), np.float32, len(counts))
        known = terms < len(self._table)
        weights[known] *= self._head.query_weights[terms[known]]
        return terms, weights

    def _join(
        self, written: Integers, literal: Floats, called: Integers, weights: NDArray[np.floating]
    ) -> SparseVector:
        """The sum of both parts, with no more added terms than the model's settings allow."""
        audible = weights > _FAINT
        called, weights = called[audible], weights[audible]
        # the most added terms, in order of weight; weight on a written term costs no place
        new = ~np.isin(called, written)
        kept = ~new | (np.cumsum(new) <= self._config.added)
        terms = np.concatenate([written, called[kept]])
        values = np.concatenate([literal, weights[kept].astype(np.float32)])
        indices, place = np.unique(terms, return_inverse=True)
        summed = np.bincount(place, values, len(indices)).astype(np.float32)
        return SparseVector(indices.astype(np.uint32), summed)

    def _trace(
        self, text: str, encode_batch: _BatchEncoder, roles: tuple[str, ...]
    ) -> list[TermOrigin]:
        tokens = self._tokenizer.encode(text)
        beside = self._branch if "window" in roles else None
        states = run_trunk(self._trunk, [tokens], self._config.max_tokens, beside)
        sparse = encode_batch([text], states)[0].sparse
        assert sparse is not None  # this encoder always has a sparse side
        spans = written_spans(text, self._table)
        added = [int(term) for term in sparse.indices if int(term) not in spans]
        sources = self._adding_words(text, tokens, states, added, roles) if added else {}
        origins = [
            TermOrigin(
                int(term),
                float(weight),
                int(term) in spans,
                spans.get(int(term)) or sources.get(int(term), ()),
            )
            for term, weight in zip(sparse.indices, sparse.values, strict=True)
        ]
        return sorted(origins, key=lambda origin: (-origin.weight, origin.term))

    def _adding_words(
        self,
        text: str,
        tokens: Tokens,
        states: TokenStates,
        terms: list[int],
        roles: tuple[str, ...],
    ) -> dict[int, tuple[Span, ...]]:
        """For each added term the word that calls for it most.

        The pooled state with the highest logit is found first, then the token inside it whose own
        state has the highest logit.
        """
        inner = unit(states.calling[0, 1 : int(states.lengths[0]) - 1])
        if not len(inner):
            return {}
        width = self._config.window
        owner = np.arange(len(inner)) // width
        by_token = self._head.logits(inner, roles[-1])[:, terms]
        allowed = np.ones(by_token.shape, bool)
        if "window" in roles:
            pooled = pool(states.calling, states.lengths, width)
            whole = self._head.logits(pooled.whole, "passage")[0, terms]
            local = self._head.logits(pooled.windows[0], "window")[:, terms]
            from_window = local.max(0) > whole
            allowed = ~from_window | (owner[:, None] == local.argmax(0))
        spans = _enclosing(text, tokens.offsets[1 : len(inner) + 1])
        # stop words and punctuation carry what their neighbours mean: they are no answer
        telling = np.array([span is not None for span in spans])
        allowed &= telling[:, None] | ~(allowed & telling[:, None]).any(0)
        best = np.where(allowed, by_token, -np.inf).argmax(0)
        return {
            term: (spans[token] or tokens.offsets[token + 1],)
            for term, token in zip(terms, best.tolist(), strict=True)
        }


def _whole_batch(_texts: Sequence[str], states: TokenStates) -> list[Encoding]:
    """The dense side alone."""
    return [Encoding(vector, None) for vector in unit(states.dense.sum(1))]


def _enclosing(text: str, pieces: Sequence[Span]) -> list[Span | None]:
    """For each word piece the span of the topical word that it lies in, if it lies in one."""
    topical = [w for w in words(text) if w.form not in FUNCTION_WORDS]
    found: list[Span | None] = []
    for start, _ in pieces:
        inside = (word for word in topical if word.start <= start < word.end)
        word = next(inside, None)
        found.append(None if word is None else (word.start, word.end))
    return found
