"""What would bring a passage in: changes, each with the place that it leads to."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A change that brings the passage to ``place``.

    ``kind``: ``expansion`` (treat the passage as if it said ``word``, with weight ``value``),
    ``term`` (multiply the query's weight of ``word`` by ``value``), ``weight`` (of the arm named
    by ``word``, to ``value``), ``page`` (write ``word`` on the page; ``value`` is 1), ``without``
    (end the rule ``rule_id``, which does ``word``), or a search setting: ``rerank`` (0: off),
    ``rerank_candidates``, ``diversity``, ``per_document``, to ``value``. ``exact``: computed from
    the scores of all that could be displaced; otherwise tried, on the candidates.
    """

    kind: str
    word: str
    value: float
    place: int
    exact: bool
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What would bring a passage into the first ``k``; per kind the smallest change first.

    ``place``: where it stands now, in the fused order where the arms decide, ``None`` where no arm
    returned it.
    """

    k: int
    place: int | None
    changes: tuple[Change, ...]
    note: str = (
        "A change that is called exact holds for the sparse arm over the whole index, and for "
        "fusion; reranking comes after it. Others were tried on the candidates, and words on the "
        "page by encoding it again."
    )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)
