"""Which pages each query of a judged set finds, and the figures that follow from them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.search.search import RuleSet, Searcher, SearchRequest, SearchResult, SearchSettings
from knowledge.evaluation.metrics import query_figures

METRICS = ("ndcg@10", "mrr@10")
DEPTH = 30
"""Hits that are looked at for the ten first pages: several may be of one page."""

Figures = Mapping[str, Mapping[str, float]]
"""Metric to query id to figure."""

Rankings = Mapping[str, Sequence[str]]
"""Query id to the addresses of the pages found, best first."""


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
    for one in queries:
        if not one.grades:
            continue
        request = SearchRequest(one.query, knowledge_base_ids, DEPTH, settings=settings)
        found[one.id] = pages_of(await searcher.search(request, rules))
        # Two hundred searches in a row would leave others waiting.
        await asyncio.sleep(0)
    return found


async def measure_rankings(queries: Sequence[JudgedText], rankings: Rankings) -> Figures:
    """nDCG@10 and MRR@10 of every query that has both a judgment and a ranking."""
    judgments = {
        one.id: {page_of(address): grade for address, grade in one.grades.items()}
        for one in queries
        if one.grades and one.id in rankings
    }
    run = {
        id: {address: float(DEPTH - place) for place, address in enumerate(rankings[id][:DEPTH])}
        for id in judgments
    }
    return await asyncio.to_thread(query_figures, judgments, run, METRICS)


def pages_of(result: SearchResult) -> list[str]:
    """The addresses of the pages that a search found, best first."""
    return list(dict.fromkeys(page_of(hit.address) for hit in result.hits))


def page_of(address: str) -> str:
    """An address without the place in the page."""
    return address.split("#")[0]
