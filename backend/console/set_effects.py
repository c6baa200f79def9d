"""What a draft does to the saved query sets: measured one after another, live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from backend.console.draft import EVERY, NO_SET, Tried
from backend.console.frame import show_error
from backend.console.parts import badge, note, show
from backend.console.visit import Visit
from backend.console.what_if_view import comparison
from backend.console.words import count
from backend.explain.query_runs import SIGNIFICANT, QueryRuns, SavedSet
from backend.explain.what_if import Draft, SetComparison
from knowledge.errors import CandorError

_THERE_IS_NONE = Markup(
    '<p class="soft small">With a query set, made under <a href="/console/evaluation">'
    "Evaluation</a>, the effect on other questions shows here too.</p>"
)
_AT_ONCE = 500
"""Queries that are measured without being asked for: some ten seconds."""


class SetEffects:
    """The query sets of the knowledge bases searched, and what a draft does to them.

    ``chosen`` is told which sets somebody wants; ``link`` is the address that explains a query.
    A later draft takes the place of one that is still being measured.
    """

    def __init__(
        self,
        visit: Visit,
        chosen: Callable[[Tried], Awaitable[None]],
        link: Callable[[str], str],
    ) -> None:
        self._visit = visit
        self._chosen = chosen
        self._link = link
        self._runs = QueryRuns(visit.state.searcher)
        self._newest = 0
        self._measuring = asyncio.Lock()

    def place(self) -> None:
        """Put the room for it here."""
        self._room = ui.element("div").classes("stack tight")

    async def draw(self, bases: Sequence[UUID], tried: Tried) -> None:
        """The choice of sets, and the measuring of those chosen; nothing for an empty draft."""
        self._newest += 1
        self._room.clear()
        if tried.is_empty:
            return
        sets = await self._runs.sets_of(bases)
        with self._room:
            if not sets:
                show(_THERE_IS_NONE)
                return
            show(Markup("<h3>Query sets</h3>"))
            wanted = _wanted(tried.query_set, sets)
            names = {
                str(one.id): f"{one.name} ({count(one.queries, 'query', 'queries')})"
                for one in sets
            }
            if len(sets) > 1:
                whole = sum(one.queries for one in sets)
                names = {EVERY: f"All {len(sets)} ({whole:,} queries)", **names}
            names[NO_SET] = "None of them"

            async def choose(event: ValueChangeEventArguments[str | None]) -> None:
                now = replace(tried, query_set=event.value or NO_SET)
                await self._chosen(now)
                _name_choice(chooser, empty=not event.value)
                await self._measure(outcome, _of(now.query_set, sets), now.draft())

            chooser = ui.select(names, value=wanted or None, on_change=choose).props(
                'outlined dense options-dense aria-label="Query set"'
            )
            _name_choice(chooser.classes("narrow"), empty=not wanted)
            outcome = ui.element("div").classes("stack tight").props("aria-live=polite")
            if wanted not in ("", NO_SET):
                measure = self._measure
                ui.timer(
                    0.05, lambda: measure(outcome, _of(wanted, sets), tried.draft()), once=True
                )

    async def _measure(self, outcome: ui.element, sets: Sequence[SavedSet], draft: Draft) -> None:
        """One set after another, each shown as soon as it is measured."""
        self._newest += 1
        turn = self._newest
        outcome.clear()
        with outcome:
            progress = show(Markup(""))
        async with self._measuring:  # what an older draft has begun ends with its set
            for number, one in enumerate(sets, start=1):
                if turn != self._newest or outcome.is_deleted:
                    return
                of = f", {number} of {len(sets)}" if len(sets) > 1 else ""
                words = f"Measuring “{one.name}”{of}, now and with the change …"
                progress.set_content(note("", "", words))
                await self._one(outcome, one, draft, len(sets) == 1)
        if turn == self._newest and not outcome.is_deleted:
            progress.delete()

    async def _one(self, outcome: ui.element, one: SavedSet, draft: Draft, alone: bool) -> None:
        try:
            await self._visit.check()
            told = await self._runs.try_draft(one.knowledge_base_id, one.id, draft)
        except CandorError as error:
            with outcome:
                show(Markup("<h4>{}</h4>").format(one.name))
                show_error(error)
            return
        if outcome.is_deleted:
            return
        with outcome:
            if alone:
                show(comparison(told, self._link))
                return
            with ui.element("details").classes("card effect") as box:
                show(_summary(one, told), tag="summary")
                show(comparison(told, self._link, of=one.name), classes="inside")
            if told.hurt:
                box.props("open")


def _summary(one: SavedSet, told: SetComparison) -> Markup:
    change = told.after["ndcg@10"] - told.before["ndcg@10"]
    sure = told.p_value < SIGNIFICANT
    kind = ("good" if change > 0 else "bad") if sure else "quiet"
    verdict = ("better" if change > 0 else "worse") if sure else "may be chance"
    if not told.helped and not told.hurt:
        verdict = "no change"
    return Markup(
        '<span><b>{}</b> <span class="soft">nDCG@10 {:.3f} ({:+.3f}), {:,} helped, {:,} hurt</span>'
        "</span> {}"
    ).format(
        one.name,
        told.after["ndcg@10"],
        change,
        len(told.helped),
        len(told.hurt),
        badge(verdict, kind),
    )


def _wanted(chosen: str, sets: Sequence[SavedSet]) -> str:
    """What is measured: what was chosen, if it is there; else all, if that is soon done."""
    known = {NO_SET, *(str(one.id) for one in sets)}
    if chosen in known or (chosen == EVERY and len(sets) > 1):
        return chosen
    if chosen or sum(one.queries for one in sets) > _AT_ONCE:
        return ""
    return EVERY if len(sets) > 1 else str(sets[0].id)


def _of(wanted: str, sets: Sequence[SavedSet]) -> list[SavedSet]:
    return [one for one in sets if wanted in (EVERY, str(one.id))]


def _name_choice(chooser: ui.select, empty: bool) -> None:
    """What stands in the choice as long as there is none."""
    if empty:
        chooser.props('display-value="Choose one to see the effect on it"')
    else:
        chooser.props(remove="display-value")
