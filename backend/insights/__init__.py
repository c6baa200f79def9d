"""How well visitors are served: judged queries, gaps, usage. Every part works on one workspace.

::

    desk = QuerySetDesk(database)                       # query_sets.py: judged queries
    runs = QueryRuns(searcher)                          # backend/explain/query_runs.py: measuring
"""
