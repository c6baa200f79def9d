"""Which words on a page would bring its passage in, tried by encoding the passage with them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from backend.explain.change import Change
from backend.explain.simulate import Simulation
from backend.explain.terms import dot
from backend.explain.words import Word, join_pieces, name_of
from backend.search.rerank import TimedReranker
from backend.search.trace import SearchTrace
from knowledge.encode.encoder import Encoder
from knowledge.encode.words import FUNCTION_WORDS, words
from knowledge.store.passages import Passage
from knowledge.types import ArmName, Encoding, SparseVector

_WORDS = 6
_BUDGET_MS = 10_000
"""For reading a passage again; an administrator waits longer than a visitor."""


async def page_words(
    trace: SearchTrace,
    passage: Passage,
    encoder: Encoder,
    k: int,
    reranker: TimedReranker | None = None,
) -> list[Change]:
    """Which words of the query, written at the end of the passage, bring it into the first ``k``;
    all of them together last. Each costs an encoding, some 20 ms.

    ``reranker``: what the search was reranked with, where ``k`` counts its order and not the
    fused one.
    """
    whole = passage.prefix(encoder.spec.context) + passage.text
    here = encoder.written(whole)
    asked = query_words(trace, trace.query.sparse, encoder, passage)
    lacking = [word.text for word in asked if not any(term in here for term in word.terms)]
    if not lacking:
        return []
    tried = [*lacking, " ".join(lacking)] if len(lacking) > 1 else lacking
    encodings = await asyncio.to_thread(
        encoder.encode_passages, [f"{whole} {added}" for added in tried]
    )
    simulation = Simulation(trace, passage.id)
    places = [simulation.place(_scores(trace, encoding)) for encoding in encodings]
    if reranker is not None:
        texts = [f"{passage.text} {added}" for added in tried]
        places = await _reranked(trace, passage.id, places, texts, reranker)
    return [
        Change("page", added, 1.0, place, exact=False)
        for added, place in zip(tried, places, strict=True)
        if place is not None and place <= k
    ]


def query_words(
    trace: SearchTrace, query: SparseVector | None, encoder: Encoder, passage: Passage
) -> list[Word]:
    """The heaviest words of the query; its first content words where it has no weights."""
    text = trace.prepared.text
    written = encoder.written(text)
    if query is None:
        terms = [
            term
            for term, spans in written.items()
            if any(
                word.stem not in FUNCTION_WORDS
                for span in spans
                for word in words(text[slice(*span)])
            )
        ]
        weights = dict.fromkeys(terms, 1.0)
    else:
        weights = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
    by_rules = [rule.text for rule in trace.prepared.rules]
    names = encoder.words(list(weights), text, *by_rules, passage.text)
    joined = join_pieces(weights, written, text, {term: name_of(term, names) for term in weights})
    joined.sort(key=lambda word: (-math.fsum(weights[term] for term in word.terms), word.text))
    return joined[:_WORDS]


async def _reranked(
    trace: SearchTrace,
    id: UUID,
    places: Sequence[int | None],
    texts: Sequence[str],
    reranker: TimedReranker,
) -> list[int | None]:
    """The place that the reranker would give each text among those that it has read."""
    scores, _ = await reranker.scores(trace.prepared.text, texts, _BUDGET_MS)
    if scores is None:
        return [None] * len(texts)
    others = {one: score for one, score in trace.reranked.items() if one != id}

    def place(own: float) -> int:
        above = sum(
            score > own or (score == own and one.int < id.int) for one, score in others.items()
        )
        return above + 1

    return [
        place(score) if fused is not None and fused <= len(trace.reranked) else None
        for fused, score in zip(places, scores, strict=True)
    ]


def _scores(trace: SearchTrace, passage: Encoding) -> dict[ArmName, float]:
    """What a passage of these vectors would score in the arms that were asked."""
    scores: dict[ArmName, float] = {}
    query = trace.query
    if "sparse" in trace.arms and query.sparse is not None and passage.sparse is not None:
        scores["sparse"] = dot(query.sparse, passage.sparse)
    if "dense" in trace.arms and query.dense is not None and passage.dense is not None:
        scores["dense"] = float(np.dot(query.dense, passage.dense))
    return {arm: score for arm, score in scores.items() if arm == "dense" or score > 0}
