"""Pairs of query and passage that a knowledge base has to teach its encoder.

Four kinds: a passage asked for by the title and nearest heading above it; a query of a query set
with the passage that answers it on each page judged relevant, apart where a language model wrote
the query; and a question whose answer a visitor found helpful with the passages cited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from knowledge.encode.words import words
from knowledge.passage_text import PassageContext
from knowledge.store.database import ReadSession
from knowledge.store.queries.training_pairs import (
    HeadedPassage,
    cited_passages,
    headed_passages,
    judged_pages,
)
from knowledge.store.tables import QueryOrigin

_LEAST_WORDS = 12
"""Shorter passages are headings, menus and buttons: they teach nothing."""

Kind = Literal["heading", "judgment", "feedback", "model"]

_KINDS: dict[QueryOrigin, Kind] = {QueryOrigin.FEEDBACK: "feedback", QueryOrigin.MODEL: "model"}


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A query, the passage that answers it, and where the two were found together."""

    source: Kind
    query: str
    passage: str


async def training_pairs(
    session: ReadSession, workspace_id: UUID, knowledge_base_id: UUID, context: PassageContext
) -> AsyncIterator[TrainingPair]:
    """The pairs of a knowledge base, each once; the same pairs in the same order every time.

    ``context``: what its passages are encoded with.
    """
    judged = await judged_pages(session, knowledge_base_id)
    pages = {address for _, _, grades in judged for address in grades}
    liked = _liked(await cited_passages(session, workspace_id))
    of_page = defaultdict[str, list[HeadedPassage]](list)
    seen = set[tuple[str, str]]()
    async for passage in headed_passages(session, knowledge_base_id):
        if passage.address in pages:
            of_page[passage.address].append(passage)
        whole = passage.encoded(context)
        found = [TrainingPair("feedback", query, whole) for query in liked[passage.id]]
        if (asked := _asked_by_heading(passage)) is not None:
            # the heading stands before the encoded text: without it the pair asks for more
            found.append(TrainingPair("heading", asked, passage.text))
        for pair in _new(found, seen):
            yield pair
    for query, origin, grades in judged:
        best = [answering(query, of_page[page]) for page in sorted(grades) if of_page[page]]
        kind = _KINDS.get(origin, "judgment")
        for pair in _new([TrainingPair(kind, query, one.encoded(context)) for one in best], seen):
            yield pair


def _new(pairs: Sequence[TrainingPair], seen: set[tuple[str, str]]) -> Iterator[TrainingPair]:
    """Those of ``pairs`` that are not among the ``seen``, which they then are."""
    for pair in pairs:
        if (pair.query, pair.passage) not in seen:
            seen.add((pair.query, pair.passage))
            yield pair


def answering(query: str, passages: Sequence[HeadedPassage]) -> HeadedPassage:
    """The passage of a page that has most of a query's words; the first one of equals.

    Judgments name pages, an encoder learns from passages.
    """
    asked = {word.stem for word in words(query)}
    return max(
        passages,
        key=lambda one: len(asked & {word.stem for word in words(one.encoded("title+headings"))}),
    )


def _asked_by_heading(passage: HeadedPassage) -> str | None:
    named = [title for title in passage.titles if title]
    query = " ".join(dict.fromkeys(named[:1] + named[-1:]))
    enough = len(passage.text.split()) >= _LEAST_WORDS
    return query if enough and words(query) else None


def _liked(judged: Sequence[tuple[str, bool, frozenset[UUID]]]) -> defaultdict[UUID, list[str]]:
    """The questions that each passage helped to answer oftener than it did not."""
    balance = defaultdict[tuple[str, UUID], int](int)
    for query, helpful, passages in judged:
        for passage in passages:
            balance[query, passage] += 1 if helpful else -1
    liked = defaultdict[UUID, list[str]](list)
    for (query, passage), sum in sorted(balance.items()):
        if sum > 0:
            liked[passage].append(query)
    return liked
