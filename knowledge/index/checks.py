"""Points and queries are checked before an engine sees them.

The embedded engine writes a batch to its log before it finds a vector of the wrong size in it: the
batch raises, and comes back from the log after a crash. So nothing wrong may reach it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import IndexFault
from knowledge.index.search_index import MAX_UPSERT, Point
from knowledge.types import ArmName, Encoding, SparseVector

_TELL_US = "This is a fault in the encoder: run `candor doctor`, then `candor reindex`."


def check_points(points: Sequence[Point], spec: EncoderSpec) -> None:
    """Raise :class:`IndexFault` where one of ``points`` does not fit an index of ``spec``."""
    if len(points) > MAX_UPSERT:
        raise IndexFault(
            f"{len(points)} points were to be written at once; {MAX_UPSERT} is the limit.",
            "Write them in smaller batches.",
        )
    for point in points:
        problem = _problem(point.encoding, spec)
        if problem:
            raise IndexFault(f"Chunk {point.id} cannot be indexed: {problem}.", _TELL_US)


def check_query(query: Encoding, arms: Sequence[ArmName], spec: EncoderSpec) -> None:
    """Raise :class:`IndexFault` where ``query`` lacks a vector of ``arms`` or has a wrong one."""
    if "dense" in arms:
        problem = _dense_problem(query, spec.dense_size)
        if problem:
            raise IndexFault(f"The query cannot be searched: {problem}.", _TELL_US)
    if "sparse" in arms:
        problem = _sparse_problem(query.sparse) if spec.sparse else "the index has no sparse side"
        if problem:
            raise IndexFault(f"The query cannot be searched: {problem}.", _TELL_US)


def _problem(encoding: Encoding, spec: EncoderSpec) -> str:
    if spec.dense_size:
        problem = _dense_problem(encoding, spec.dense_size)
    else:
        problem = "it has a dense vector and the index has no dense side" * (
            encoding.dense is not None
        )
    if problem:
        return problem
    if spec.sparse:
        return _sparse_problem(encoding.sparse)
    return "it has a sparse vector and the index has no sparse side" * (encoding.sparse is not None)


def _dense_problem(encoding: Encoding, size: int) -> str:
    if not size:
        return "the index has no dense side"
    if encoding.dense is None:
        return "its dense vector is missing"
    if encoding.dense.shape != (size,):
        shape = "x".join(map(str, encoding.dense.shape))
        return f"its dense vector has {shape} numbers where the index keeps {size}"
    if not np.isfinite(encoding.dense).all():
        return "its dense vector holds a number that is not finite"
    return ""


def _sparse_problem(sparse: SparseVector | None) -> str:
    if sparse is None:
        return "its sparse vector is missing"
    if sparse.indices.shape != sparse.values.shape or sparse.indices.ndim != 1:
        return "its sparse vector has unequal numbers of terms and weights"
    if not np.isfinite(sparse.values).all() or (sparse.values <= 0).any():
        return "its sparse vector holds a weight that is not above zero"
    if (sparse.indices[1:] <= sparse.indices[:-1]).any():
        return "the terms of its sparse vector are not ascending"
    return ""
