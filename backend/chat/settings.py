"""How chat behaves: plain values, which the composition root fills from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from backend.chat.language_models import ModelChoice


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Settings of all turns.

    ``hits``: passages searched for; ``question_characters``: the longest question that is read;
    ``history_turns``: earlier exchanges that a follow-up question is understood from.
    ``sentences``: the most sentences that are quoted, ``answer_characters``: about how long a
    quoted answer may get, from at most ``quoted_passages`` of the first ``passages_read``, of which
    the ``pieces_encoded`` most promising pieces are compared by meaning. ``confidence``: below this
    probability that the passages answer the question, nothing is quoted and the reader is told so;
    at 0 something always is.
    ``context_tokens`` and ``answer_tokens``: the language model's window and what of it is kept
    for its answer. ``quote_on_failure``: whether sentences are quoted where the language model
    fails before its first word; the answer then says so.
    """

    hits: int = 10
    question_characters: int = 2_000
    history_turns: int = 3
    sentences: int = 5
    answer_characters: int = 1_200
    quoted_passages: int = 3
    confidence: float = 0.15
    passages_read: int = 8
    pieces_encoded: int = 16
    context_tokens: int = 8_192
    answer_tokens: int = 800
    quote_on_failure: bool = False


@dataclass(frozen=True, slots=True)
class Answering:
    """How one assistant answers, where it differs from the server's settings.

    ``model``: the language model that it names; ``quoted``: sentences are quoted, whatever model
    the server has. ``confidence``: below this, quoted answers are none.
    """

    model: ModelChoice | None = None
    quoted: bool = False
    confidence: float | None = None
