"""What one chat turn tells its reader, as typed events in the order of the turn.

``search_results`` comes first and once; then ``message`` (the answer, piece by piece) and
``citation`` in any order; last comes exactly one of ``final_answer`` and ``error``. The pieces of
``message`` joined are the ``answer`` of ``final_answer``, to the character.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from knowledge.errors import CandorError
from knowledge.types import Hit, Span

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Citation:
    """One sentence of the answer and the place that it rests on.

    ``id`` is the number shown. It stands for the passage: sentences that rest on the same passage
    carry the same number, and numbers count up from 1 in the order of first use. ``sentence``: span
    in the answer. ``span``: span in the text of the chunk.
    """

    id: int
    sentence: Span
    chunk_id: UUID
    span: Span
    address: str
    title: str

    def data(self) -> JsonObject:
        """The citation as it goes over the wire and into the records."""
        return {
            "id": self.id,
            "sentence": list(self.sentence),
            "chunk_id": str(self.chunk_id),
            "span": list(self.span),
            "address": self.address,
            "title": self.title,
        }


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What was searched for and found, before the answer is written."""

    name: ClassVar[str] = "search_results"

    conversation_id: UUID
    message_id: UUID
    query: str
    took_ms: float
    hits: tuple[Hit, ...]

    def data(self) -> JsonObject:
        """The event's body."""
        return {
            "conversation_id": str(self.conversation_id),
            "message_id": str(self.message_id),
            "query": self.query,
            "took_ms": round(self.took_ms, 1),
            "hits": [_hit(hit) for hit in self.hits],
        }


@dataclass(frozen=True, slots=True)
class MessageDelta:
    """The next piece of the answer."""

    name: ClassVar[str] = "message"

    delta: str

    def data(self) -> JsonObject:
        """The event's body."""
        return {"delta": self.delta}


@dataclass(frozen=True, slots=True)
class CitationFound:
    """A citation that was checked. Its sentence has been sent whole before it."""

    name: ClassVar[str] = "citation"

    citation: Citation

    def data(self) -> JsonObject:
        """The event's body."""
        return self.citation.data()


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """The whole answer, as it was stored.

    ``model`` is ``extractive``, or the name of the language model that wrote the answer.
    ``notice`` is empty, or tells the reader what was out of the ordinary: that sentences were
    quoted because the language model failed, or that the answer was cut at its token limit.
    """

    name: ClassVar[str] = "final_answer"

    conversation_id: UUID
    message_id: UUID
    answer: str
    abstained: bool
    citations: tuple[Citation, ...]
    took_ms: float
    model: str
    notice: str = ""

    def data(self) -> JsonObject:
        """The event's body, which is also the answer to a request without a stream."""
        return {
            "conversation_id": str(self.conversation_id),
            "message_id": str(self.message_id),
            "answer": self.answer,
            "abstained": self.abstained,
            "citations": citation_data(self.citations),
            "took_ms": round(self.took_ms, 1),
            "model": self.model,
            "notice": self.notice,
        }


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn ended without an answer. What was sent before stands, and is stored as unfinished.

    The HTTP layer adds ``type``, ``title`` and ``status`` from its table of errors; the domain
    knows ``code``, ``detail`` and ``action``.
    """

    name: ClassVar[str] = "error"

    error: CandorError

    def data(self) -> JsonObject:
        """What the domain knows of the event's body."""
        return {
            "code": self.error.code,
            "detail": self.error.detail,
            "action": self.error.action,
        }


ChatEvent = SearchResults | MessageDelta | CitationFound | FinalAnswer | TurnFailed


def citation_data(citations: Sequence[Citation]) -> list[JsonObject]:
    """Citations as they go over the wire."""
    return [citation.data() for citation in citations]


def _hit(hit: Hit) -> JsonObject:
    return {
        "chunk_id": str(hit.chunk_id),
        "document_id": str(hit.document_id),
        "title": hit.title,
        "address": hit.address,
        "heading": list(hit.heading),
        "text": hit.text,
        "score": hit.score,
        "arms": {
            name: {"rank": arm.rank, "score": arm.score, "part": arm.part}
            for name, arm in hit.arms.items()
        },
        "page": hit.page,
        "seconds": hit.seconds,
    }
