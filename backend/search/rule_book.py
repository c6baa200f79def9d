"""The saved rules of the knowledge bases searched, read again only when they change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

import structlog

from backend.search.rules import MAX_RULES, Rule, RuleSet
from knowledge.errors import CandorError
from knowledge.store.database import ReadSession
from knowledge.store.rules import Versions, read_active_rules
from knowledge.store.tables import RuleRecord

_REMEMBERED = 64
_log = structlog.get_logger(__name__)

_NONE = RuleSet()


class RuleBook:
    """Saved rules by set of knowledge bases."""

    def __init__(self) -> None:
        self._kept: OrderedDict[frozenset[UUID], tuple[dict[UUID, int], RuleSet]] = OrderedDict()

    async def read(self, session: ReadSession, versions: Mapping[UUID, Versions]) -> RuleSet:
        """The rules of the knowledge bases that ``versions`` names."""
        key = frozenset(versions)
        current = {id: version.rules for id, version in versions.items()}
        if not any(current.values()):
            return _NONE
        kept = self._kept.get(key)
        if kept is None or kept[0] != current:
            records = await read_active_rules(session, list(versions))
            most = MAX_RULES * len(versions)
            kept = (current, RuleSet(tuple(filter(None, map(_readable, records)))[:most], most))
            self._kept[key] = kept
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept[1]


def _readable(record: RuleRecord) -> Rule | None:
    """A stored rule; one that this version would not accept is left out, not fatal to search."""
    try:
        return Rule.of(record)
    except CandorError as error:
        _log.warning("rule_unusable", rule=str(record.id), error=error.detail)
        return None
