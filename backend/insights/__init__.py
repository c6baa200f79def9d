"""How well visitors are served: judged queries, questions, gaps, usage, freshness.

::

    desk = QuerySetDesk(database)                       # query_sets.py: judged queries
    runs = QueryRuns(searcher)                          # backend/explain/query_runs.py: measuring

    period = Period.of(first, last)                     # days in UTC; None: the last 30
    usage = Usage(database, workspace_id)               # usage.py
    await usage.volume(period, assistant_id)            # questions by day, and how they ended
    await usage.reading(period)                         # citations opened, pages visited, dwell
    await usage.latency(period)                         # percentiles, by model
    await usage.tokens(period)                          # language-model tokens by day
    await usage.documents(period, knowledge_base_id)    # cited, only shown, never used

    gaps = Gaps(chat)                                   # gaps.py; one for a process, it remembers
    await gaps.questions(workspace_id, period)          # asked most often, in clusters
    await gaps.gaps(workspace_id, period)               # answered badly, and whether content exists
    await check_freshness(searcher, knowledge_base_id)  # freshness.py: is what changed found

All return frozen dataclasses.
"""
