"""Rules: what people changed about search, who, why and until when; taking it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from markupsafe import Markup
from nicegui import ui

from backend.console.forms import button, link_button
from backend.console.frame import done, head, page
from backend.console.listing import follow_typing
from backend.console.parts import NOTHING, badge, empty, note, show, when
from backend.console.rule_words import KINDS, Names, condition, conflicts, effect, names_of
from backend.console.visit import Visit
from backend.console.words import count, exact
from backend.explain.rule_desk import RuleDesk
from backend.search.rules import Rule
from knowledge.errors import CandorError
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.rules import is_active
from knowledge.store.tables import KnowledgeBase, Role, RuleKind, RuleRecord, utc_now

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the page shows; the whole of it stands in the address."""

    q: str = ""
    base: UUID | None = None
    history: bool = False

    def address(self) -> str:
        given = [("q", self.q), ("in", self.base or ""), ("history", self.history or "")]
        query = urlencode([(name, str(value)) for name, value in given if value])
        return "/console/rules" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class _Line:
    """A stored rule as it is listed; ``rule`` is ``None`` where this version cannot read it."""

    record: RuleRecord
    rule: Rule | None
    effect: str


@page("/rules", "rules")
async def rules_page(
    visit: Visit,
    q: str = "",
    base: Annotated[UUID | None, Query(alias="in")] = None,
    history: bool = False,
) -> None:
    """The rules of all knowledge bases, or of one."""
    async with visit.database.reading() as session:
        rows = await session.scalars(
            knowledge_bases(visit.workspace_id).order_by(KnowledgeBase.created_at).limit(200)
        )
        bases = {row.id: row.name for row in rows}
    wanted = _Wanted(q[:200], base if base in bases else None, history)
    with head(
        "Rules", below="What people changed about search. Each acts in every search at once."
    ):
        if visit.may(Role.EDITOR):
            link_button("Try a change", "/console/explain", "primary")

    async def change(**changed: object) -> None:
        nonlocal wanted
        wanted = replace(wanted, **changed)  # type: ignore[arg-type]
        await draw()
        ui.navigate.history.replace(wanted.address())

    with ui.element("search").classes("filters"):
        box = ui.input(value=wanted.q, placeholder="Search rules, reasons and authors")
        box.props('outlined dense clearable data-search aria-label="Search rules"')
        follow_typing(box.classes("grow"), lambda text: change(q=text))
        ui.select(
            {"": "All knowledge bases"} | {str(id): name for id, name in bases.items()},
            value=str(wanted.base or ""),
            on_change=lambda e: change(base=UUID(e.value) if e.value else None),
        ).props('outlined dense options-dense aria-label="Knowledge base"').style("width:220px")
        ui.checkbox(
            "Ended ones too",
            value=wanted.history,
            on_change=lambda e: change(history=bool(e.value)),
        )
    room = ui.element("div").classes("stack tight")

    async def draw() -> None:
        await visit.check()
        chosen = [wanted.base] if wanted.base else list(bases)
        lines, names = await _read(visit, chosen, wanted.history)
        room.clear()
        with room:
            _list(visit, _matching(lines, wanted.q), names, bases, wanted, draw)

    await draw()


async def _read(visit: Visit, bases: Sequence[UUID], history: bool) -> tuple[list[_Line], Names]:
    """The rules of knowledge bases, newest first, and what they are about."""
    desk = RuleDesk(visit.database)
    records: list[RuleRecord] = []
    for base in bases:
        records += await (desk.history(base) if history else desk.active(base))
    records.sort(key=lambda record: record.created_at, reverse=True)
    read = [(record, _readable(record)) for record in records]
    names = await names_of(visit, [rule for _, rule in read if rule])
    lines = [
        _Line(record, rule, effect(rule, names) if rule else KINDS[RuleKind(record.kind)])
        for record, rule in read
    ]
    return lines, names


def _readable(record: RuleRecord) -> Rule | None:
    with suppress(CandorError):
        return Rule.of(record)
    return None


def _matching(lines: Sequence[_Line], text: str) -> list[_Line]:
    wanted = text.lower().split()

    def said(line: _Line) -> str:
        row = line.record
        return f"{line.effect} {row.query} {row.reason} {row.author}".lower()

    return [line for line in lines if all(word in said(line) for word in wanted)]


def _list(
    visit: Visit,
    lines: Sequence[_Line],
    names: Names,
    bases: dict[UUID, str],
    wanted: _Wanted,
    draw: Callable[[], Awaitable[None]],
) -> None:
    if not lines:
        show(_nothing(wanted), classes="card")
        return
    now = utc_now()
    for base in bases:
        acting = [
            line.rule
            for line in reversed(lines)
            if line.rule and line.record.knowledge_base_id == base and is_active(line.record, now)
        ]
        for words in conflicts(acting, names):
            show(note("warn", "Two rules contradict each other", words))
    show(Markup("{}").format(count(len(lines), "rule")), tag="p", classes="soft small").props(
        "role=status"
    )
    with ui.element("ul").classes("stack tight"):
        for line in lines[:_SHOWN]:
            _line(visit, line, bases, draw)
    if len(lines) > _SHOWN:
        show(note("", "", f"{len(lines) - _SHOWN:,} more: search for some of them."))


def _nothing(wanted: _Wanted) -> Markup:
    if wanted != _Wanted(history=wanted.history):
        return empty("rules", "Nothing like that", "Try other words, or all knowledge bases.")
    return empty(
        "rules",
        "No rule yet",
        Markup(
            'Try a change under <a href="/console/explain">Explain</a>: pin or hide a passage, add '
            "a synonym, weigh words. What helps is saved as a rule, with its reason."
        ),
    )


def _line(
    visit: Visit, line: _Line, bases: dict[UUID, str], draw: Callable[[], Awaitable[None]]
) -> None:
    record = line.record
    path = f"/knowledge-bases/{record.knowledge_base_id}/rules/{record.id}"
    active = is_active(record, utc_now())

    async def end() -> None:
        await visit.send("DELETE", path)
        done("Ended. It acts no more.")
        await draw()

    async def undo() -> None:
        await visit.send("POST", f"{path}/undo")
        done("Taken back." if active else "It acts again.")
        await draw()

    with ui.element("li").classes("card change rule"):
        show(
            Markup(
                '<h2>{}</h2><p class="soft small">{} · {}</p><p>{}</p>'
                '<p class="soft small">{} by {}, {}{}</p>'
            ).format(
                line.effect,
                condition(line.rule).capitalize() if line.rule else "",
                bases[record.knowledge_base_id],
                record.reason,
                "Saved",
                record.author or "somebody",
                when(record.created_at),
                _tried(record),
            )
        )
        with ui.element("div").classes("actions"):
            show(_state(record, active))
            if visit.may(Role.EDITOR):
                acts = [("End", end, active), ("Undo", undo, active and bool(record.replaces))]
                for words, act, offered in (*acts, ("Bring back", undo, bool(record.ended_at))):
                    if offered:
                        button(words, act, "tiny").props["aria-label"] = f"{words}: {line.effect}"


def _state(record: RuleRecord, active: bool) -> Markup:
    if record.ended_at:
        words = f"Ended by {record.ended_by}" if record.ended_by else "Ended"
        return badge(words, "quiet")
    if not active:
        return badge("Expired", "quiet")
    if record.expires_at:
        return badge(f"Acts until {exact(record.expires_at)}", "good")
    return badge("Acts", "good")


def _tried(record: RuleRecord) -> Markup:
    """A link to a question that the rule acts on."""
    if not record.query:
        return NOTHING
    query = urlencode([("q", record.query), ("in", str(record.knowledge_base_id))])
    return Markup(' · <a href="/console/explain?{}">Explain “{}”</a>').format(query, record.query)
