"""Judged sets of queries, and figures for how well a ranking serves them."""
