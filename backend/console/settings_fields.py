"""The settings of a search as fields, of which those count that somebody has changed."""

from __future__ import annotations

from nicegui import ui

from backend.console.forms import choice, field
from backend.console.numbers import number, whole_number
from backend.console.rule_words import FUSIONS
from backend.search.request import SearchSettings
from knowledge.errors import InvalidInput
from knowledge.types import ARMS

_RERANK = {"on": "Order the first passages again", "off": "Leave the fused order"}


class SettingsFields:
    """Puts the fields here, filled with ``now``; those of the reranker only where there is one."""

    def __init__(self, now: SearchSettings, has_reranker: bool) -> None:
        self._now = now
        with ui.element("div").classes("two"):
            self._sparse = field("Weight of words", f"{now.weights.get('sparse', 1.0):g}")
            self._dense = field("Weight of meaning", f"{now.weights.get('dense', 1.0):g}")
        self._fusion = choice("Fusion", FUSIONS, now.fusion)
        self._k = field("k", str(now.rrf_k), "Of fusion by rank: larger is flatter.")
        self._rerank = self._reranked = None
        if has_reranker:
            with ui.element("div").classes("two"):
                self._rerank = choice("Reranker", _RERANK, "on" if now.rerank else "off")
                self._reranked = field("Passages reranked", str(now.rerank_candidates))
        with ui.element("div").classes("two"):
            self._diversity = field(
                "Diversity", f"{now.diversity:g}", "0 to below 1: how much likeness costs."
            )
            self._per_document = field(
                "Passages of one document", str(now.per_document), "At most; 0 is no limit."
            )

    def changed(self) -> dict[str, object]:
        """The settings that differ from those of now. Raises :class:`InvalidInput` where one is no
        number, or none differs.
        """
        weights = {
            "sparse": number("Weight of words", self._sparse.value),
            "dense": number("Weight of meaning", self._dense.value),
        }
        typed: dict[str, object] = {
            "weights": weights,
            "fusion": self._fusion.value,
            "rrf_k": whole_number("k", self._k.value),
            "diversity": number("Diversity", self._diversity.value),
            "per_document": whole_number("Passages of one document", self._per_document.value),
        }
        if self._rerank is not None and self._reranked is not None:
            typed["rerank"] = self._rerank.value == "on"
            typed["rerank_candidates"] = whole_number("Passages reranked", self._reranked.value)
        same = {"weights": {arm: self._now.weights.get(arm, 1.0) for arm in ARMS}}
        changed = {
            name: value
            for name, value in typed.items()
            if value != same.get(name, getattr(self._now, name))
        }
        if not changed:
            raise InvalidInput("Nothing is changed.", "Change a weight, the fusion or another.")
        return changed
