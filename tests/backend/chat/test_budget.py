from __future__ import annotations

import pytest

from backend.chat.budget import budget_of
from backend.chat.llm import LanguageModel
from backend.explain.why_not import why_not
from backend.search.search import SearchRequest
from tests.backend.chat.conftest import Desks


@pytest.mark.parametrize(("context", "all_fit"), [(100_000, True), (850, False)])
async def test_a_language_model_reads_what_fits_and_the_rest_left_in_the_budget(
    desks: Desks, model: LanguageModel, context: int, all_fit: bool
) -> None:
    desk = desks.open(model, context_tokens=context)
    request = SearchRequest("refund", (desk.filled.knowledge_base_id,))
    result = await desk.chat.searcher.search(request)
    assert len(result.hits) > 1
    # The first passage goes in whatever the room.
    assert await budget_of(desk.chat)(result) == (len(result.hits) if all_fit else 1)
    last = result.hits[-1].chunk_id
    told = await why_not(
        desk.chat.explainer, request, chunk_id=last, answer_hits=budget_of(desk.chat)
    )
    assert told.stage == ("found" if all_fit else "budget")


async def test_quoted_answers_read_a_fixed_number(desks: Desks) -> None:
    desk = desks.open(passages_read=3)
    request = SearchRequest("refund", (desk.filled.knowledge_base_id,))
    result = await desk.chat.searcher.search(request)
    assert await budget_of(desk.chat)(result) == 3
