"""Which pages each query of a judged set finds, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.search.search import RuleSet, Searcher, SearchRequest, SearchResult, SearchSettings
from knowledge.evaluation.metrics import Figures, Rankings, figures

__all__ = [
    "DEPTH",
    "METRICS",
    "Figures",
    "JudgedText",
    "Rankings",
    "batches",
    "measure_rankings",
    "page_of",
    "pages_of",
    "rank_pages",
    "requests_of",
]

METRICS = ("ndcg@10", "mrr@10")

_TOGETHER = 32
DEPTH = 30
"""Hits that are looked at for the ten first pages: several may be of one page."""


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A query of a set: its id, its words, and the grade of each page by address."""

    id: str
    query: str
    grades: Mapping[str, int]


async def rank_pages(
    searcher: Searcher,
    knowledge_base_ids: tuple[UUID, ...],
    queries: Sequence[JudgedText],
    rules: RuleSet | None = None,
    settings: SearchSettings | None = None,
) -> dict[str, list[str]]:
    """The pages that every query with a judgment finds; a page counts once, at its best."""
    found: dict[str, list[str]] = {}
    for some in batches(queries):
        requests = requests_of(some, knowledge_base_ids, settings)
        results = await searcher.search_many(requests, rules)
        found |= {one.id: pages_of(result) for one, result in zip(some, results, strict=True)}
    return found


def batches(queries: Sequence[JudgedText]) -> Iterator[list[JudgedText]]:
    """The queries with a judgment, a few at a time: so many traces are kept at once."""
    judged = [one for one in queries if one.grades]
    for start in range(0, len(judged), _TOGETHER):
        yield judged[start : start + _TOGETHER]


def requests_of(
    queries: Sequence[JudgedText],
    knowledge_base_ids: tuple[UUID, ...],
    settings: SearchSettings | None = None,
) -> list[SearchRequest]:
    """What is searched for to rank pages: enough hits for ten pages."""
    return [
        SearchRequest(one.query, knowledge_base_ids, DEPTH, settings=settings) for one in queries
    ]


async def measure_rankings(queries: Sequence[JudgedText], rankings: Rankings) -> Figures:
    """nDCG@10 and MRR@10 of every query that has both a judgment and a ranking."""
    return figures(
        {
            one.id: {page_of(address): grade for address, grade in one.grades.items()}
            for one in queries
            if one.grades and one.id in rankings
        },
        rankings,
        METRICS,
    )


def pages_of(result: SearchResult) -> list[str]:
    """The addresses of the pages that a search found, best first."""
    return list(dict.fromkeys(page_of(hit.address) for hit in result.hits))


def page_of(address: str) -> str:
    """An address without the place in the page."""
    return address.split("#")[0]
