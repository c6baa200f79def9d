"""Why a passage was found, why one was not, and what a change would do.

``Explainer`` (``explain.py``) serves every explanation of one ``Searcher``; make one per process::

    explainer = Explainer(searcher)

    result = await searcher.search(request)
    await explainer.hits(result)                      # every hit: words, cosine, ledger; no model
    await explainer.hits(result, [id], origins=True)  # one, with the words that added each term
    await explainer.passage(request, chunk_id)        # search and explain one passage, hit or not
    await explainer.record(request, result, ids)      # what chat stores with an answer
    await explainer.changes(record)                   # why a stored record differs from today's

    await why_not(explainer, request, address="https://…")   # or chunk_id=, document_id=

All return frozen dataclasses with ``to_json()`` (a record is JSON already). For HTTP:

- ``POST /explain`` ``{query, knowledge_base, limit, chunk_id?}``: ``hits``, or ``passage`` where
  a ``chunk_id`` is named;
- ``POST /explain/why-not`` ``{query, knowledge_base, chunk_id | document_id | address}``:
  ``why_not.py``;
- ``GET /conversations/{id}/messages/{id}/explanation``: the stored record, and ``changes`` of it.

Every passage is looked up within the request's knowledge bases alone: one of another workspace is
``NotFound``, as if it did not exist.
"""
