"""How a knowledge base is searched: settings whose effect on a query set shows before saving."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.rules import RuleBody
from backend.console.change_form import number, whole_number
from backend.console.draft import change_of
from backend.console.forms import button, choice, field
from backend.console.frame import done, section, show_error
from backend.console.judging import explain_address
from backend.console.parts import note, show
from backend.console.rule_words import FUSIONS
from backend.console.visit import Visit
from backend.console.what_if_view import comparison
from backend.explain.query_runs import QueryRuns
from backend.explain.rule_desk import RuleDesk
from backend.explain.what_if import Draft
from backend.search.request import SearchSettings
from backend.search.rules import Rule, changed_settings
from knowledge.errors import CandorError
from knowledge.store.query_sets import list_query_sets
from knowledge.store.tables import RuleKind, RuleRecord

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
            room = ui.element("div").classes("stack tight")

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
            outcome.clear()
            with outcome:
                show(note("", "", "Measuring the query set, now and with the change …"))
            await self.visit.check()
            try:
                told = await QueryRuns(searcher).try_draft(self.base, UUID(chosen.value), draft)
            except CandorError as error:
                outcome.clear()
                with outcome:
                    show_error(error)
                return
            outcome.clear()
            with outcome:
                show(comparison(told, lambda query: explain_address(query, self.base)))

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
        with ui.element("div").classes("two"):
            self.sparse = field("Weight of words", f"{now.weights.get('sparse', 1.0):g}")
            self.dense = field("Weight of meaning", f"{now.weights.get('dense', 1.0):g}")
            self.fusion = choice("Fusion", FUSIONS, now.fusion)
            self.k = field("k", str(now.rrf_k), "Of fusion by rank: larger is flatter.")
            self.diversity = field(
                "Diversity", f"{now.diversity:g}", "0 to below 1: how much likeness costs."
            )
            self.per_document = field(
                "Passages of one document", str(now.per_document), "At most; 0 is no limit."
            )
        self.rerank = ui.checkbox("Let the reranker order the first ones", value=now.rerank)
        self.rerank.set_visibility(self.visit.state.searcher.settings.rerank)

    def _change(self) -> RuleBody:
        """What the form says, as a rule. Raises :class:`InvalidInput`."""
        settings: dict[str, object] = {
            "weights": {
                "sparse": number("Weight of words", self.sparse.value),
                "dense": number("Weight of meaning", self.dense.value),
            },
            "fusion": self.fusion.value,
            "rrf_k": whole_number("k", self.k.value),
            "diversity": number("Diversity", self.diversity.value),
            "per_document": whole_number("Passages of one document", self.per_document.value),
        }
        if self.visit.state.searcher.settings.rerank:
            settings["rerank"] = bool(self.rerank.value)
        return change_of(kind=RuleKind.SETTINGS, settings=settings)
