"""Why a passage was found, why one was not, and what a change would do.

``Explainer`` (``explain.py``) serves every explanation of one ``Searcher``; make one per process::

    explainer = Explainer(searcher)

    result = await searcher.search(request)
    await explainer.hits(result)                      # every hit: words, cosine, ledger; no model
    await explainer.hits(result, [id], origins=True)  # one, with the words that added each term
    await explainer.passage(request, chunk_id)        # search and explain one passage, hit or not
    await explainer.record(request, result, ids)      # what chat stores with an answer
    await explainer.changes(record)                   # why a stored record differs from today's

    await why_not(explainer, request, address="https://…")    # or chunk_id=, document_id=

    draft = Draft(add=(Rule(uuid4(), RuleKind.PIN, query="refund", document_id=id),))
    await what_if(searcher, request, draft)                   # one query, before and after
    await what_if_set(searcher, knowledge_base_ids, queries, draft)

    desk = RuleDesk(database)                                 # saved rules act in every search
    await desk.save(knowledge_base_id, draft.add, author="ada@example.org", reason="…")
    await desk.undo(knowledge_base_id, rule_id, by="ada@example.org")

All return frozen dataclasses with ``to_json()`` (a record is JSON already; the desk returns rows).
For HTTP:

- ``POST /explain``: ``hits`` of a search, or of the ``chunk_ids`` named;
- ``POST /explain/why-not`` with one of ``chunk_id``, ``document_id``, ``address``: ``why_not.py``;
- ``POST /explain/what-if`` with rules to add, ids to leave out, settings, and a query or a query
  set: ``what_if.py``;
- ``GET, POST /knowledge-bases/{id}/rules``, ``POST .../rules/{id}/undo``: ``rule_desk.py``;
- ``GET /conversations/{id}/messages/{id}/explanation``: the stored record, and its ``changes``.

Every passage is looked up within the request's knowledge bases alone: one of another workspace is
``NotFound``, as if it did not exist.
"""
