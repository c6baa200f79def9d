"""The part of the Explain page in which changes are tried, live, before one is saved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from backend.api.schemas.rules import RuleBody
from backend.console.change_form import open_change_form, targets_of
from backend.console.draft import Tried
from backend.console.forms import button
from backend.console.frame import show_error, tell
from backend.console.numbers import number
from backend.console.parts import note, show
from backend.console.rule_saving import open_saving
from backend.console.rule_words import condition, conflicts, effect, names_of
from backend.console.set_effects import SetEffects
from backend.console.visit import Visit
from backend.console.what_if_view import places
from backend.explain.what_if import WhatIf, what_if
from backend.search.rules import Rule, RuleSet, changed_settings
from backend.search.search import SearchRequest, SearchSettings
from knowledge.errors import CandorError, InvalidInput
from knowledge.store.queries.rule_targets import RuleTarget, read_rule_targets
from knowledge.store.rules import is_active, read_active_rules
from knowledge.store.tables import Role, RuleKind, RuleRecord, utc_now

_WITH_FACTOR = frozenset({RuleKind.BOOST, RuleKind.TERM, RuleKind.SYNONYM, RuleKind.EXPANSION})


@dataclass(frozen=True, slots=True)
class Around:
    """What the page around the panel gives it.

    ``changed``: keep the draft in the address; ``again``: draw the page's own hits anew;
    ``link``: the address of this page for another question, with the draft. ``names``: knowledge
    bases by id.
    """

    changed: Callable[[Tried], Awaitable[None]]
    again: Callable[[], Awaitable[None]]
    link: Callable[[str], str]
    names: Mapping[str, str]


class WhatIfPanel:
    """A draft, its changes, what they do to this question, and to the query sets."""

    def __init__(self, visit: Visit, tried: Tried, around: Around, unread: int = 0) -> None:
        self.tried = tried
        self._visit = visit
        self._around = around
        self._unread = unread
        self._request: SearchRequest | None = None
        self._active: list[RuleRecord] = []
        self._told: WhatIf | None = None
        self._missing: tuple[RuleTarget, ...] = ()
        self._sets = SetEffects(visit, self._chosen, around.link)

    def place(self) -> None:
        """Put the panel here, closed where there is nothing in it."""
        self._box = ui.element("details").classes("card whatif")
        with self._box:
            show(
                Markup(
                    "<span><b>What if?</b> <span class='soft'>Try changes to search. Nothing is "
                    "saved until you save it.</span></span>"
                ),
                tag="summary",
            )
            with ui.element("div").classes("inside stack"):
                self._rows = ui.element("div").classes("stack tight")
                with ui.element("div").classes("actions"):  # they outlive what they change
                    button("Add a change", self._open_form)
                    self._save = button("Save as rule", self._open_saving, "primary")
                    self._clear = button("Clear", self._start_again, "ghost")
                self._places = ui.element("div").props("aria-live=polite")
                self._sets.place()
        self._dialogs = ui.element("div")
        if not self.tried.is_empty or self.tried.query_set or self._unread:
            self._box.props("open")

    async def show(self, request: SearchRequest) -> None:
        """Draw everything for a question."""
        self._request = request
        self._box.set_visibility(bool(request.query))
        if not request.query:
            return
        await self._read_active(request)
        await self._draw_rows()
        await self._draw_places()
        await self._draw_sets()

    def missing(self, target: RuleTarget | None) -> None:
        """What the page asked about and did not find: changes may be about it too."""
        self._missing = (target,) if target else ()

    async def add(self, change: RuleBody) -> None:
        """Try one change more, and show it."""
        await self._change(self.tried.plus(change))
        self._box.props("open")

    async def settings_now(self) -> SearchSettings:
        """How the question is searched for, under the saved rules."""
        searcher = self._visit.state.searcher
        if self._request is None:
            return searcher.settings
        saved = await searcher.preparation.saved_rules(self._request.knowledge_base_ids)
        return changed_settings(searcher.settings, saved.matching(self._request.query))

    async def _read_active(self, request: SearchRequest) -> None:
        async with self._visit.database.reading() as session:
            records = await read_active_rules(session, request.knowledge_base_ids)
        now = utc_now()
        self._active = [record for record in records if is_active(record, now)]

    def _acting(self, query: str) -> list[RuleRecord]:
        """The saved rules that act on the question."""
        readable: dict[UUID, tuple[RuleRecord, Rule]] = {}
        for record in self._active:
            with suppress(CandorError):  # search leaves out what this version would not accept
                readable[record.id] = (record, Rule.of(record))
        rules = RuleSet(tuple(rule for _, rule in readable.values()))
        return [readable[rule.id][0] for rule in rules.matching(query)]

    async def _change(self, tried: Tried) -> None:
        self.tried = tried
        await self._around.changed(tried)
        await self._draw_rows()
        await self._draw_places()
        await self._draw_sets()

    async def _draw_rows(self) -> None:
        request = self._request
        assert request is not None
        rules = [change.rule() for change in self.tried.changes]
        acting = self._acting(request.query)
        names = await names_of(self._visit, [*rules, *map(Rule.of, acting)])
        self._rows.clear()
        with self._rows:
            if self._unread:
                show(note("warn", "", "Some changes in the address cannot be read: left out."))
            for place, rule in enumerate(rules):
                self._row(place, rule, effect(rule, names))
            for record in acting:
                self._saved(record, f"{effect(Rule.of(record), names)}: {record.reason}")
        drafted = not self.tried.is_empty
        self._save.set_visibility(drafted and self._visit.may(Role.EDITOR))
        self._clear.set_visibility(drafted)

    def _row(self, place: int, rule: Rule, words: str) -> None:
        async def remove() -> None:
            await self._change(self.tried.minus(place))

        with ui.element("div").classes("change"):
            show(
                Markup('<span>{}<span class="sub">{}</span></span>').format(words, condition(rule))
            )
            if rule.kind in _WITH_FACTOR:
                self._number(place, "Times", "factor", rule.factor)
            if rule.kind is RuleKind.PIN:
                self._number(place, "Place", "position", rule.position)
            button("Remove", remove, "tiny ghost").props["aria-label"] = f"Remove: {words}"

    def _number(self, place: int, label: str, name: str, value: float) -> None:
        async def changed(event: ValueChangeEventArguments[str | None]) -> None:
            with suppress(InvalidInput):  # half a number on its way
                typed = number(label, event.value)
                given = int(typed) if name == "position" else typed
                self.tried = self.tried.with_changed(place, **{name: given})
                await self._around.changed(self.tried)
                await self._draw_places()
                await self._draw_sets()

        box = ui.input(value=f"{value:g}", on_change=changed)
        box.props(f'outlined dense debounce=300 aria-label="{label}" inputmode=decimal')
        box.classes("factor")

    def _saved(self, record: RuleRecord, words: str) -> None:
        async def toggled(event: ValueChangeEventArguments[bool | None]) -> None:
            without = tuple(id for id in self.tried.without if id != record.id)
            without += () if event.value else (record.id,)
            await self._change(replace(self.tried, without=without))

        with ui.element("div").classes("change"):
            box = ui.checkbox("Saved rule", value=record.id not in self.tried.without)
            box.on_value_change(toggled).props["aria-label"] = f"Saved rule: {words}"
            show(Markup("<span>{}</span>").format(words))

    async def _draw_places(self) -> None:
        self._places.clear()
        self._told = None
        with self._places:
            if self.tried.is_empty:
                return
            try:
                told = await self._try()
            except CandorError as error:
                show_error(error)
                return
            rules = [change.rule() for change in self.tried.changes]
            without = set(self.tried.without)
            rules += [
                Rule.of(row) for row in self._acting(told.after.query) if row.id not in without
            ]
            names = await names_of(self._visit, rules)
            show(places(told, conflicts(rules, names)))

    async def _try(self) -> WhatIf:
        assert self._request is not None
        await self._visit.check()
        draft = self.tried.draft()
        self._told = await what_if(self._visit.state.searcher, self._request, draft)
        return self._told

    async def _draw_sets(self) -> None:
        assert self._request is not None
        await self._sets.draw(self._request.knowledge_base_ids, self.tried)

    async def _chosen(self, tried: Tried) -> None:
        self.tried = tried
        await self._around.changed(tried)

    async def _open_form(self) -> None:
        request = self._request
        assert request is not None
        told = self._told or await self._try()
        hits = dict.fromkeys(hit.chunk_id for hit in (*told.before.hits, *told.after.hits))
        known = {hit.chunk_id: hit for hit in (*told.after.hits, *told.before.hits)}
        shown = [known[id] for id in hits]
        ids = [id for hit in shown for id in (hit.chunk_id, hit.document_id, hit.source_id)]
        async with self._visit.database.reading() as session:
            names = await read_rule_targets(session, self._visit.workspace_id, ids)
        targets = targets_of(shown, names, self._missing)
        settings = await self.settings_now()
        has_reranker = self._visit.state.searcher.reranker is not None
        with self._dialogs:
            open_change_form(request.query, targets, settings, has_reranker, self.add)

    async def _open_saving(self) -> None:
        assert self._request is not None
        without = set(self.tried.without)
        leaving: Sequence[RuleRecord] = [row for row in self._active if row.id in without]
        ids = self._request.knowledge_base_ids
        bases = {id: self._around.names.get(str(id), "") for id in ids}
        with self._dialogs:
            await open_saving(self._visit, self.tried, leaving, bases, self._saved_all)

    async def _saved_all(self) -> None:
        request = self._request
        assert request is not None
        self.tried = Tried(query_set=self.tried.query_set)
        await self._around.changed(self.tried)
        await self.show(request)
        await self._around.again()

    async def _start_again(self) -> None:
        await self._change(Tried(query_set=self.tried.query_set))

    async def leave_out(self, rule: UUID) -> None:
        """Try it without a saved rule."""
        if rule not in self.tried.without:
            await self._change(replace(self.tried, without=(*self.tried.without, rule)))
        self._box.props("open")

    async def try_or_tell(self, change: RuleBody) -> None:
        """Add a change that a button elsewhere on the page offers."""
        try:
            await self.add(change)
        except CandorError as error:
            tell(error)
