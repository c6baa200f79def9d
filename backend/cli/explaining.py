"""``candor explain``: why hits were found, and why a page was not."""

from __future__ import annotations

from typing import Any

from backend.cli.connection import Api
from backend.cli.errors import ApiError
from backend.cli.names import is_id
from knowledge.errors import InvalidInput, NotFound

EXPLAINED = 3
"""Hits that are explained where no number is given: a screen or two."""

PLACES = 10
"""The first places that count where something is missed and no number is given."""


def check_choice(missed: str) -> None:
    """Raise :class:`InvalidInput` where changes are to be tried and a miss explained at once."""
    if missed:
        raise InvalidInput(
            "--why-not does not go with changes to try.", "Ask for one of them at a time."
        )


async def explain(api: Api, query: str, kb: str, limit: int | None) -> Any:
    """The first hits with terms, nearest sentences and ledger."""
    body = _search(query, kb, limit or EXPLAINED) | {"origins": True}
    return await api.post("/explain", body)


async def explain_miss(api: Api, query: str, kb: str, limit: int | None, missed: str) -> Any:
    """Why ``missed`` is not among the first hits: an address, or the id of a passage or document.

    Raises :class:`ApiError` for an id that no knowledge base searched has.
    """
    body = _search(query, kb, limit or PLACES) | {"rewrite": True, "answer": True}
    if not is_id(missed):
        return await api.post("/explain/why-not", body | {"address": missed})
    try:
        return await api.post("/explain/why-not", body | {"chunk_id": missed})
    except ApiError as error:
        # The id of a document looks no different from that of a passage.
        if error.code != NotFound("").code:
            raise
    return await api.post("/explain/why-not", body | {"document_id": missed})


def _search(query: str, kb: str, limit: int) -> dict[str, Any]:
    return {"query": query, "knowledge_bases": [kb] if kb else [], "limit": limit}
