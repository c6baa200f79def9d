"""The dialog that makes rules of a draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.rules import RuleBody, end_of_day
from backend.console.draft import Tried
from backend.console.forms import area, button, choice, dialog, field, foot
from backend.console.frame import done
from backend.console.parts import join, note, show
from backend.console.rule_words import Names, condition, effect, names_of
from backend.console.visit import Refused, Visit
from backend.console.words import count
from knowledge.errors import InvalidInput
from knowledge.store.tables import RuleRecord


async def open_saving(
    visit: Visit,
    tried: Tried,
    leaving: Sequence[RuleRecord],
    bases: Mapping[UUID, str],
    saved: Callable[[], Awaitable[None]],
) -> None:
    """Ask why and until when, and save. ``leaving``: saved rules that end with it; ``bases``: the
    knowledge bases searched, by id, where rules without a target may go.
    """
    rules = [change.rule() for change in tried.changes]
    names = await names_of(visit, rules)
    with dialog("Save as rule") as made:
        made.on("hide", made.delete)
        lines = [f"{effect(rule, names)}, {condition(rule)}" for rule in rules]
        show(
            Markup('<ul class="list">{}</ul>').format(
                join(Markup("<li>{}</li>").format(line) for line in lines)
            )
        )
        if leaving:
            show(note("", "", f"{count(len(leaving), 'saved rule')} left out here will end."))
        loose = any(rule.target is None for rule in rules)
        into = choice(
            "Knowledge base",
            {str(id): name for id, name in bases.items()},
            str(next(iter(bases), "")),
            "It acts wherever this one is searched.",
        )
        into.parent_slot.parent.set_visibility(loose and len(bases) > 1)  # type: ignore[union-attr]
        reason = area("Reason", "", "For whoever finds it later.", rows=2)
        until = field("Until", "", "Empty: until somebody ends it.").props("type=date")
        despite = ui.checkbox("Save it all the same")
        despite.set_visibility(False)

        async def save() -> None:
            expires = end_of_day(until.value) if (until.value or "").strip() else None
            for base, bodies in _by_base(tried.changes, names, into.value).items():
                try:
                    await visit.send(
                        "POST",
                        f"/knowledge-bases/{base}/rules",
                        {
                            "rules": [
                                body.model_dump(mode="json", exclude_defaults=True)
                                for body in bodies
                            ],
                            "reason": reason.value.strip(),
                            "expires_at": expires.isoformat() if expires else None,
                            "despite_contradiction": bool(despite.value),
                        },
                    )
                except Refused as error:
                    if "contradicts" in error.detail:
                        despite.set_visibility(True)
                    raise
            for record in leaving:
                path = f"/knowledge-bases/{record.knowledge_base_id}/rules/{record.id}"
                await visit.send("DELETE", path)
            made.close()
            done("Saved. It acts from the next search on.")
            await saved()

        with foot(made):
            button("Save", save, "primary")
    made.open()


def _by_base(changes: Sequence[RuleBody], names: Names, into: str) -> dict[str, list[RuleBody]]:
    """The changes by the knowledge base that they are saved in: their target's, or the chosen."""
    found: dict[str, list[RuleBody]] = {}
    for change in changes:
        target = change.rule().target
        if target is not None and target not in names:
            raise InvalidInput(
                "A change is about something that is gone.", "Remove it, and search again."
            )
        base = str(names[target].knowledge_base_id) if target is not None else into
        found.setdefault(base, []).append(change)
    return found
