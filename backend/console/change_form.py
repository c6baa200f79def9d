"""The dialog that adds a change to a draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from nicegui import ui

from backend.api.schemas.rules import RuleBody
from backend.console.draft import change_of
from backend.console.forms import button, choice, dialog, field, foot
from backend.console.numbers import number, whole_number
from backend.console.rule_words import KINDS
from backend.console.settings_fields import SettingsFields
from backend.search.request import SearchSettings
from knowledge.errors import InvalidInput
from knowledge.store.queries.rule_targets import RuleTarget
from knowledge.store.tables import RuleKind
from knowledge.types import Hit

Add = Callable[[RuleBody], Awaitable[None]]

_SHOWN: Mapping[RuleKind, frozenset[str]] = {
    RuleKind.BOOST: frozenset({"target", "factor"}),
    RuleKind.PIN: frozenset({"target", "position"}),
    RuleKind.HIDE: frozenset({"target"}),
    RuleKind.EXPANSION: frozenset({"target", "text", "factor"}),
    RuleKind.SYNONYM: frozenset({"text", "factor"}),
    RuleKind.TERM: frozenset({"text", "factor"}),
    RuleKind.SETTINGS: frozenset({"settings"}),
}
_NARROW = frozenset({RuleKind.PIN, RuleKind.EXPANSION})
_KINDS_OF = {"chunk": "Passage", "document": "Document", "source": "Source"}


def targets_of(
    hits: Sequence[Hit], names: Mapping[UUID, RuleTarget], extra: Sequence[RuleTarget] = ()
) -> dict[str, str]:
    """What a change may be about, by ``kind:id``: each hit, its document, its source."""
    options: dict[str, str] = {}
    for kind in ("chunk", "document", "source"):
        for hit in hits:
            id = {"chunk": hit.chunk_id, "document": hit.document_id, "source": hit.source_id}[kind]
            known = names.get(id)
            if known is not None:
                options.setdefault(f"{kind}:{id}", f"{_KINDS_OF[kind]}: {known.name}"[:160])
        for target in extra:
            if target.kind == kind:
                options.setdefault(f"{kind}:{target.id}", f"{_KINDS_OF[kind]}: {target.name}"[:160])
    return options


def open_change_form(
    query: str,
    targets: Mapping[str, str],
    settings: SearchSettings,
    has_reranker: bool,
    add: Add,
) -> None:
    """Ask for a change, and give it to ``add``. ``settings``: those of the search now."""
    with dialog("Try a change") as made:
        made.on("hide", made.delete)
        kinds = {kind.value: words for kind, words in KINDS.items() if targets or kind not in _SOME}
        kind = choice("What", kinds, next(iter(kinds)))
        target = choice("Which", dict(targets), next(iter(targets), None))
        text = field("Words", help="One word or several.")
        factor = field("Times", "2", "0 takes all weight away, 1 changes nothing.")
        position = field("Place", "1")
        with ui.element("div").classes("stack tight") as room_of_settings:
            fields = SettingsFields(settings, has_reranker)
        words = field("For questions with", query, "All of these words. Empty: every question.")
        rooms = {
            "target": _room(target),
            "text": _room(text),
            "factor": _room(factor),
            "position": _room(position),
            "settings": room_of_settings,
        }

        def fit() -> None:
            chosen = RuleKind(kind.value)
            for name, room in rooms.items():
                room.set_visibility(name in _SHOWN[chosen])
            words.value = "" if chosen in _WIDE else query
            factor.value = "1" if chosen in _ADDING else "2"
            fitting = {
                key: name
                for key, name in targets.items()
                if chosen not in _NARROW or not key.startswith("source:")
            }
            target.set_options(fitting, value=target.value if target.value in fitting else None)

        async def go() -> None:
            chosen = RuleKind(kind.value)
            values: dict[str, object] = {"kind": chosen, "query": words.value.strip()}
            shown = _SHOWN[chosen]
            if "target" in shown:
                values |= _target(target.value)
            if "text" in shown:
                values["text"] = text.value.strip()
            if "factor" in shown:
                values["factor"] = number("Times", factor.value)
            if "position" in shown:
                values["position"] = whole_number("Place", position.value)
            if "settings" in shown:
                values["settings"] = fields.changed()
            await add(change_of(**values))
            made.close()

        kind.on_value_change(fit)
        fit()
        with foot(made):
            button("Try it", go, "primary")
    made.open()


_SOME = frozenset({RuleKind.BOOST, RuleKind.PIN, RuleKind.HIDE, RuleKind.EXPANSION})
_ADDING = frozenset({RuleKind.SYNONYM, RuleKind.EXPANSION})
_WIDE = frozenset({RuleKind.TERM, RuleKind.SETTINGS})


def _target(value: str | None) -> dict[str, object]:
    if not value:
        raise InvalidInput("Nothing was chosen.", "Say which passage, document or source.")
    kind, _, id = value.partition(":")
    return {f"{kind}_id": UUID(id)}


def _room(control: ui.element) -> ui.element:
    """The element that holds a control with its label."""
    slot = control.parent_slot
    assert slot is not None
    return slot.parent
