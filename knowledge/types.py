"""The nouns that every part of Candor shares: frozen values without behaviour of their own.

Vectors are numpy arrays. Character spans are half-open offsets into the text they name, in
Unicode code points, as Python slices count them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
"""Half-open character offsets ``(start, end)``."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseVector:
    """A sparse vector over term ids.

    ``indices``: ``uint32[n]``, strictly ascending term ids. ``values``: ``float32[n]``, all > 0.
    """

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.indices.size)


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """What an encoder makes of one text.

    ``dense``: ``float32[d]`` of unit length, or ``None`` where the encoder has no dense side.
    ``sparse``: ``None`` where the encoder has no sparse side.
    """

    dense: NDArray[np.float32] | None
    sparse: SparseVector | None


@dataclass(frozen=True, slots=True)
class TermOrigin:
    """Where one sparse term of a text came from.

    ``term``: the term id. ``weight``: its weight in the text's sparse vector. ``written``: whether
    the term stands in the text; otherwise the model added it. ``spans``: for a written term every
    place where it is written; for an added term the one word whose position gave the maximum in
    the pooling, that is, the word that added it.
    """

    term: int
    weight: float
    written: bool
    spans: tuple[Span, ...]


class MarkKind(StrEnum):
    """What a :class:`Mark` places in a document's text."""

    PAGE = "page"
    TIME = "time"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a document's text: from ``offset`` on, ``value`` holds until the next of its kind.

    ``value``: a page number from 1, seconds from the start of a recording, or the id of an HTML
    element that a link can end in.
    """

    kind: MarkKind
    offset: int
    value: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document as read: its text as Markdown, and what is known about it.

    ``text`` is what chunk spans point into. ``language`` is an ISO 639-1 code, or ``""`` where it
    could not be told. ``warnings`` are sentences for the person who added the document.
    """

    title: str
    text: str
    media_type: str
    marks: tuple[Mark, ...] = ()
    language: str = ""
    modified_at: datetime | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: the unit that is encoded, found and cited.

    ``text`` equals ``document.text[span[0]:span[1]]``. ``repeated`` is text that stands elsewhere
    in the document and is encoded again with this chunk (a table's header row). ``heading`` is the
    path of headings above the chunk, outermost first.
    """

    ordinal: int
    text: str
    span: Span
    heading: tuple[str, ...] = ()
    repeated: str = ""
    page: int | None = None
    seconds: float | None = None
    anchor: str | None = None


ArmName = Literal["sparse", "dense"]
ARMS: tuple[ArmName, ...] = ("sparse", "dense")


@dataclass(frozen=True, slots=True)
class ArmScore:
    """A hit's place in one arm.

    ``rank`` counts from 1, ``score`` is the engine's, ``part`` is what the arm adds to the fused
    score. The parts of a hit sum to its fused score.
    """

    rank: int
    score: float
    part: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search returned, with the record of why it stands where it does.

    ``score`` is the fused score, or the reranker's where one ran. ``fused`` is the sum of the
    arms' parts and of ``rules``: what each rule, by its id, added to it. ``rerank`` is the
    reranker's raw score. ``address`` links to the page, its anchor, or the second of the recording.
    """

    chunk_id: UUID
    document_id: UUID
    source_id: UUID
    title: str
    address: str
    heading: tuple[str, ...]
    text: str
    span: Span
    score: float
    arms: dict[ArmName, ArmScore] = field(default_factory=dict)
    fused: float = 0.0
    rules: dict[UUID, float] = field(default_factory=dict)
    rerank: float | None = None
    page: int | None = None
    seconds: float | None = None
    language: str = ""
