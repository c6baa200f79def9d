"""Changes to search that are tried and not saved. All of them stand in the page's address."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import ValidationError

from backend.api.schemas.rules import RuleBody
from backend.explain.what_if import Draft
from knowledge.errors import InvalidInput

MOST = 50
"""Changes that one draft may hold; as many are saved at once."""

EVERY, NO_SET = "all", "none"


@dataclass(frozen=True, slots=True)
class Tried:
    """``changes``: rules to add; ``without``: saved rules left out; ``query_set``: what the effect
    is measured on, the id of a set, :data:`EVERY`, :data:`NO_SET`, or empty: nothing was said.
    """

    changes: tuple[RuleBody, ...] = ()
    without: tuple[UUID, ...] = ()
    query_set: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing would differ."""
        return not self.changes and not self.without

    def draft(self) -> Draft:
        """The changes as they are tried."""
        return Draft(tuple(one.rule() for one in self.changes), self.without)

    def plus(self, change: RuleBody) -> Tried:
        """One change more. Raises :class:`InvalidInput` where it makes no rule, or is too many."""
        change.rule()
        if len(self.changes) >= MOST:
            raise InvalidInput(f"A draft holds {MOST} changes at most.", "Save or remove some.")
        return replace(self, changes=(*self.changes, change))

    def minus(self, place: int) -> Tried:
        """Without the change at ``place``."""
        return replace(self, changes=self.changes[:place] + self.changes[place + 1 :])

    def with_changed(self, place: int, **values: object) -> Tried:
        """With other values in the change at ``place``. Raises :class:`InvalidInput`."""
        changed = self.changes[place].model_copy(update=values)
        changed.rule()
        return replace(self, changes=(*self.changes[:place], changed, *self.changes[place + 1 :]))

    def parameters(self) -> list[tuple[str, str]]:
        """The draft as parameters of an address."""
        given = [("try", written(change)) for change in self.changes]
        given += [("without", str(rule)) for rule in self.without]
        if self.query_set:
            given.append(("set", self.query_set))
        return given


def change_of(**values: object) -> RuleBody:
    """A change of these values. Raises :class:`InvalidInput` where one is out of its range."""
    try:
        change = RuleBody.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "It"
        raise InvalidInput(f"{name.capitalize()}: {first['msg']}.") from error
    change.rule()
    return change


def written(change: RuleBody) -> str:
    """A change in the fewest characters that say it."""
    plain = change.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def read_changes(texts: Iterable[str]) -> tuple[tuple[RuleBody, ...], int]:
    """The changes that an address holds, and how many of them cannot be read."""
    read, bad = [], 0
    for text in texts:
        try:
            change = RuleBody.model_validate_json(text)
            change.rule()
        except (ValidationError, InvalidInput):
            bad += 1
            continue
        read.append(change)
    return tuple(read[:MOST]), bad + max(0, len(read) - MOST)
