"""How sure an assistant must be before it answers, with the effect shown before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.behaviour import Behaviour
from backend.console.behaviour_saving import BehaviourSaving
from backend.console.forms import button, choice, field
from backend.console.frame import section, show_outcome
from backend.console.numbers import number
from backend.console.parts import badge, note, show, table, tiles
from backend.console.visit import Visit
from knowledge.store.query_sets import list_query_sets
from knowledge.store.tables import Assistant

_BELOW = "Below it, visitors are told that there is no answer. It is about quoted sentences."


async def threshold_form(
    visit: Visit, row: Assistant, bases: Mapping[str, str], save: BehaviourSaving
) -> None:
    """The threshold of quoted answers. ``bases``: the knowledge bases that the assistant reads."""
    standard = visit.state.chat.settings.confidence
    own = Behaviour.of(row.behaviour).answers.confidence
    sets = await _query_sets(visit, bases)
    with section("When to answer", _BELOW), ui.element("div").classes("card pad form"):
        least = field(
            "How sure it must be",
            "" if own is None else f"{own:g}",
            f"From 0, always something, to 1. Empty: {standard:g}, as the server sets it.",
            placeholder=f"{standard:g}",
        )
        chosen = None
        if sets:
            chosen = choice("Query set", sets, next(iter(sets)), "The effect is measured on it.")
        else:
            show(note("", "", "Without a query set the effect cannot be shown: see Evaluation."))
        outcome = ui.element("div").props("aria-live=polite")

        def value() -> float | None:
            text = str(least.value or "").strip()
            return number("How sure it must be", text) if text else None

        async def measure() -> None:
            assert chosen is not None
            wanted = value()
            body = {
                "query_set": chosen.value,
                "confidence": standard if wanted is None else wanted,
            }

            async def tried() -> Markup:
                path = f"/assistants/{row.id}/answer-threshold/try"
                return _effect(await visit.send("POST", path, body), float(body["confidence"]))

            await show_outcome(outcome, "Asking the questions of the query set …", tried)

        async def keep() -> None:
            await save.save({"answers": {"confidence": value()}})

        with ui.element("div").classes("actions"):
            if sets:
                button("See the effect", measure, "primary")
            button("Save threshold", keep, "" if sets else "primary")


async def _query_sets(visit: Visit, bases: Mapping[str, str]) -> dict[str, str]:
    """The query sets of these knowledge bases that hold something, by id."""
    found = {}
    async with visit.database.reading() as session:
        for id, name in bases.items():
            for row, queries in await list_query_sets(session, UUID(id)):
                if queries:
                    found[str(row.id)] = f"{row.name} ({queries:,} queries of {name})"
    return found


def _effect(told: Mapping[str, Any], confidence: float) -> Markup:
    """How many questions would be answered, and which ones change."""
    whole = told["questions"]
    figures = tiles(
        [
            ("Questions", f"{whole:,}", False),
            (f"Answered now, at {told['confidence_now']:g}", f"{told['answered_now']:,}", False),
            (f"Answered at {confidence:g}", f"{told['answered_then']:,}", False),
        ]
    )
    if not told["changed"]:
        return Markup('<div class="stack tight">{}{}</div>').format(
            figures, note("", "", "Nothing would change for any of these questions.")
        )
    return Markup('<div class="stack tight">{}<div class="card">{}</div></div>').format(
        figures, _changed(told["changed"])
    )


def _changed(rows: Sequence[Mapping[str, Any]]) -> Markup:
    heads = (("Question", "fill"), ("Would be", ""), ("How sure", "num"))
    lines = (
        [
            row["question"],
            badge("Answered", "good") if row["answered"] else badge("Not answered", "bad"),
            f"{row['confidence']:.2f}",
        ]
        for row in rows
    )
    return table(heads, lines, "Questions that change")
