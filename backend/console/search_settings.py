"""How a knowledge base is searched: settings whose effect on a query set shows before saving."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.rules import RuleBody
from backend.console.draft import change_of
from backend.console.forms import button, choice, field
from backend.console.frame import done, section, show_outcome
from backend.console.judging import explain_address
from backend.console.numbers import number, whole_number
from backend.console.parts import note, show
from backend.console.rule_words import FUSIONS
from backend.console.visit import Visit
from backend.console.what_if_view import comparison
from backend.explain.query_runs import QueryRuns
from backend.explain.rule_desk import RuleDesk
from backend.explain.what_if import Draft
from backend.search.request import SearchSettings
from backend.search.rules import Rule, changed_settings
from knowledge.errors import InvalidInput
from knowledge.store.query_sets import list_query_sets
from knowledge.store.tables import RuleKind, RuleRecord
from knowledge.types import ARMS, ArmName

_ARMS = {
    "": "Words and meaning",
    "dense": "Words alone (the sparse arm)",
    "sparse": "Meaning alone (the dense arm)",
}
"""By the arm that is left out."""

_BELOW = (
    "They are saved as a rule of the knowledge base, and hold wherever it is searched: for this "
    "assistant, for others, and in the API."
)


def search_settings(visit: Visit, bases: Mapping[str, str]) -> None:
    """The part of a page that changes how the knowledge bases named are searched."""
    with section("Search", _BELOW):
        if not bases:
            show(note("", "", "Choose a knowledge base first."))
            return
        with ui.element("div").classes("card pad stack"):
            chooser = choice("Knowledge base", dict(bases), next(iter(bases)))
            room = ui.element("div").classes("form")

            async def draw() -> None:
                room.clear()
                with room:
                    await _Form(visit, UUID(chooser.value)).place()

            chooser.on_value_change(draw)
            chooser.parent_slot.parent.set_visibility(len(bases) > 1)  # type: ignore[union-attr]
            ui.timer(0.01, draw, once=True)


class _Form:
    """The settings of one knowledge base. ``standing``: the rules that set them now."""

    def __init__(self, visit: Visit, base: UUID) -> None:
        self.visit = visit
        self.base = base
        self.standing: list[RuleRecord] = []

    async def place(self) -> None:
        """Put the form here, filled with what holds now."""
        searcher = self.visit.state.searcher
        records = await RuleDesk(self.visit.database).active(self.base)
        self.standing = [row for row in records if row.kind == RuleKind.SETTINGS and not row.query]
        now = changed_settings(searcher.settings, map(Rule.of, self.standing))
        self._fields(now)
        async with self.visit.database.reading() as session:
            sets = await list_query_sets(session, self.base)
        names = {str(row.id): f"{row.name} ({count:,} queries)" for row, count in sets if count}
        if names:
            chosen = choice("Query set", names, next(iter(names)), "The effect is measured on it.")
        else:
            show(note("", "", "Without a query set the effect cannot be shown: see Evaluation."))
        reason = field("Reason", "", "For whoever finds the change later.")
        outcome = ui.element("div").props("aria-live=polite")

        async def measure() -> None:
            draft = Draft(
                add=(self._change().rule(),), remove=tuple(row.id for row in self.standing)
            )

            async def tried() -> Markup:
                await self.visit.check()
                told = await QueryRuns(searcher).try_draft(self.base, UUID(chosen.value), draft)
                return comparison(told, lambda query: explain_address(query, self.base))

            words = "Measuring the query set, now and with the change …"
            await show_outcome(outcome, words, tried)

        async def save() -> None:
            body = {
                "rules": [self._change().model_dump(mode="json", exclude_defaults=True)],
                "reason": reason.value.strip(),
                "replaces": str(self.standing[-1].id) if self.standing else None,
            }
            made = await self.visit.send("POST", f"/knowledge-bases/{self.base}/rules", body)
            for row in self.standing[:-1]:
                await self.visit.send("DELETE", f"/knowledge-bases/{self.base}/rules/{row.id}")
            self.standing = await self._saved(made["items"][0]["id"])
            done("Saved. It holds from the next search on.")

        with ui.element("div").classes("actions"):
            if names:
                button("See the effect", measure, "primary")
            button("Save", save, "" if names else "primary")
        show(
            Markup(
                '<p class="soft small">What was saved stands under '
                '<a href="/console/rules?in={}">Rules</a>, where it can be taken back.</p>'
            ).format(self.base)
        )

    async def _saved(self, id: str) -> list[RuleRecord]:
        records = await RuleDesk(self.visit.database).active(self.base)
        return [row for row in records if str(row.id) == id]

    def _fields(self, now: SearchSettings) -> None:
        weights = {arm: now.weights.get(arm, 1.0) for arm in ARMS}
        dead = [arm for arm in ARMS if not weights[arm]]
        self.arms = choice("Search by", _ARMS, dead[0] if len(dead) == 1 else "")
        with ui.element("div").classes("two") as both:
            self.sparse = field("Weight of words", f"{weights['sparse']:g}")
            self.dense = field("Weight of meaning", f"{weights['dense']:g}")
            self.fusion = choice("Fusion", FUSIONS, now.fusion)
            with ui.element("div") as of_rank:
                self.k = field("k", str(now.rrf_k), "Of fusion by rank: larger is flatter.")
        of_rank.bind_visibility_from(self.fusion, "value", backward=lambda name: name == "rrf")
        both.bind_visibility_from(self.arms, "value", backward=lambda without: not without)
        with ui.element("div").classes("two"):
            self.diversity = field(
                "Diversity", f"{now.diversity:g}", "0 to below 1: how much likeness costs."
            )
            self.per_document = field(
                "Passages of one document", str(now.per_document), "At most; 0 is no limit."
            )
        standard = self.visit.state.searcher.settings
        if not standard.rerank:
            self.rerank = None
            show(
                Markup('<p class="soft small">{}</p>').format(
                    "No reranker is set up. With CANDOR_RERANKER_MODEL a cross-encoder can order "
                    "the first passages again."
                )
            )
            return
        self.rerank = ui.checkbox("Let the reranker order the first ones", value=now.rerank)
        self.reranked = field("Passages that it reads", str(now.rerank_candidates), "At most 200.")

    def _change(self) -> RuleBody:
        """What the form says, as a rule. Raises :class:`InvalidInput`."""
        settings: dict[str, object] = {
            "weights": self._weights(),
            "fusion": self.fusion.value,
            "rrf_k": whole_number("k", self.k.value),
            "diversity": number("Diversity", self.diversity.value),
            "per_document": whole_number("Passages of one document", self.per_document.value),
        }
        if self.rerank is not None:
            settings["rerank"] = bool(self.rerank.value)
            settings["rerank_candidates"] = whole_number(
                "Passages that it reads", self.reranked.value
            )
        return change_of(kind=RuleKind.SETTINGS, settings=settings)

    def _weights(self) -> dict[ArmName, float]:
        """The weight of each arm; an arm that is left out has none."""
        fields: dict[ArmName, tuple[str, ui.input]] = {
            "sparse": ("Weight of words", self.sparse),
            "dense": ("Weight of meaning", self.dense),
        }
        if self.arms.value:
            return {arm: 0.0 if arm == self.arms.value else 1.0 for arm in fields}
        weights = {arm: number(name, control.value) for arm, (name, control) in fields.items()}
        if not any(weights.values()):
            raise InvalidInput("Both weights are 0.", "Give one of them some weight.")
        return weights
