"""The dialogs of a source: its content or rules, its name, its schedule, and removing it."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from backend.api.written import is_pairs
from backend.console.adding import SCHEDULES, Again, edit_text, opener, upload_files
from backend.console.forms import Act, button, choice, confirm, dialog, field, foot, on_enter
from backend.console.frame import go
from backend.console.pairs_form import edit_pairs
from backend.console.visit import Visit
from backend.console.webhook_form import webhook
from backend.console.website_form import website
from backend.console.words import count
from knowledge.store.queries.knowledge_bases import Counts
from knowledge.store.tables import Source, SourceKind

_OWN = "own"


@dataclass(frozen=True, slots=True)
class SourceDialogs:
    """Acts that open a dialog. ``write``: what changes a text or pairs, a website's
    rules, or a webhook.
    """

    upload: Act
    write: Act
    rename: Act
    schedule: Act
    remove: Act

    @classmethod
    def of(cls, visit: Visit, row: Source, counts: Counts, again: Again) -> SourceDialogs:
        """Those of one source; ``again`` draws its page anew."""
        return cls(
            upload_files(visit, row.knowledge_base_id),
            _write(visit, row, again),
            _rename(visit, row),
            _schedule(visit, row),
            _remove(visit, row, counts),
        )


def _write(visit: Visit, row: Source, again: Again) -> Act:
    if row.kind == SourceKind.WEBSITE:
        return website(visit, row.knowledge_base_id, again, row.config)
    if row.kind == SourceKind.PUSH:
        return webhook(visit, row.id)
    if is_pairs(row):
        return edit_pairs(visit, row.id, again)
    return edit_text(visit, row.id, again)


def _rename(visit: Visit, row: Source) -> Act:
    with dialog("Rename the source") as made:
        name = field("Name", row.name)

        async def save() -> None:
            await visit.send("PATCH", f"/sources/{row.id}", {"name": name.value})
            ui.navigate.reload()

        with foot(made):
            button("Save", save, "primary")
        on_enter(name, save)
    return opener(made)


def _schedule(visit: Visit, row: Source) -> Act:
    with dialog("Read it again by itself") as made:
        often = choice("How often", SCHEDULES | {_OWN: "At other times"}, _kind_of(row.schedule))
        schedule = field(
            "Schedule",
            row.schedule,
            help="Five fields as cron has them, UTC: 0 3 * * * is every night at three. "
            "Empty: only when asked.",
        )
        often.on_value_change(
            lambda event: None if event.value == _OWN else schedule.set_value(event.value)
        )

        async def save() -> None:
            await visit.send("PATCH", f"/sources/{row.id}", {"schedule": schedule.value.strip()})
            ui.navigate.reload()

        with foot(made):
            button("Save", save, "primary")
        on_enter(schedule, save)
    return opener(made)


def _kind_of(schedule: str) -> str:
    return schedule if schedule in SCHEDULES else _OWN


def _remove(visit: Visit, row: Source, counts: Counts) -> Act:
    async def remove() -> None:
        await visit.send("DELETE", f"/sources/{row.id}")
        go(f"/console/knowledge-bases/{row.knowledge_base_id}")

    made = confirm(
        f"Delete {row.name}?",
        f"This removes {count(sum(counts.documents.values()), 'document')} with "
        f"{count(counts.chunks, 'passage')}. Assistants stop answering from them at once. "
        "It cannot be undone.",
        "Delete",
        remove,
    )
    return opener(made)
