"""Saving rules, with who and why; their history; taking them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from backend.search.rules import Rule, RuleSet, contradictions
from knowledge.errors import Conflict, InvalidInput
from knowledge.store.database import Database, WriteSession
from knowledge.store.rules import (
    add_rules,
    check_target,
    end_rule,
    find_rule,
    is_active,
    read_active_rules,
    read_rule_history,
)
from knowledge.store.tables import RuleKind, RuleRecord, utc_now


class RuleDesk:
    """The rules of knowledge bases, as an editor works with them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self,
        knowledge_base_id: UUID,
        rules: Sequence[Rule],
        *,
        author: str,
        reason: str,
        expires_at: datetime | None = None,
        replaces: UUID | None = None,
        despite_contradiction: bool = False,
    ) -> list[RuleRecord]:
        """Save a draft's rules; they act from the next search on, in every path.

        ``replaces``: a saved rule that the first of these stands in for; it ends. Raises
        :class:`Conflict` where a rule contradicts another, :class:`NotFound` where a target is not
        in this knowledge base, :class:`InvalidInput` where no reason is given or the time is past.
        """
        async with self._database.writing() as session:
            return await self.save_in(
                session,
                knowledge_base_id,
                rules,
                author=author,
                reason=reason,
                expires_at=expires_at,
                replaces=replaces,
                despite_contradiction=despite_contradiction,
            )

    async def save_in(
        self,
        session: WriteSession,
        knowledge_base_id: UUID,
        rules: Sequence[Rule],
        *,
        author: str,
        reason: str,
        expires_at: datetime | None = None,
        replaces: UUID | None = None,
        despite_contradiction: bool = False,
    ) -> list[RuleRecord]:
        """:meth:`save` as a part of what ``session`` writes."""
        if not reason.strip():
            raise InvalidInput("A rule needs a reason.", "Say why, for whoever finds it later.")
        if expires_at is not None and expires_at <= utc_now():
            raise InvalidInput("The rule would have expired already.", "Choose a later time.")
        rules = [replace(rule, expires_at=expires_at or rule.expires_at) for rule in rules]
        active = [
            Rule.of(record)
            for record in await read_active_rules(session, [knowledge_base_id])
            if is_active(record, utc_now()) and record.id != replaces
        ]
        RuleSet((*active, *rules))
        if not despite_contradiction:
            _refuse_contradictions(active, rules)
        for rule in rules:
            await check_target(
                session, knowledge_base_id, rule.chunk_id, rule.document_id, rule.source_id
            )
        if replaces is not None:
            await end_rule(session, await find_rule(session, knowledge_base_id, replaces), author)
        records = [_record(rule, knowledge_base_id, author, reason) for rule in rules]
        records[0].replaces = replaces
        await add_rules(session, records)
        return records

    async def end(self, knowledge_base_id: UUID, rule_id: UUID, by: str) -> RuleRecord:
        """Let a rule act no more; its record stays."""
        async with self._database.writing() as session:
            rule = await find_rule(session, knowledge_base_id, rule_id)
            await end_rule(session, rule, by)
        return rule

    async def undo(self, knowledge_base_id: UUID, rule_id: UUID, by: str) -> RuleRecord:
        """Take back the last thing done to a rule: end it, or bring an ended one back.

        Where it replaced another, that one comes back with it gone.
        """
        async with self._database.writing() as session:
            return await self.undo_in(session, knowledge_base_id, rule_id, by)

    async def undo_in(
        self, session: WriteSession, knowledge_base_id: UUID, rule_id: UUID, by: str
    ) -> RuleRecord:
        """:meth:`undo` as a part of what ``session`` writes."""
        rule = await find_rule(session, knowledge_base_id, rule_id)
        back = rule
        if rule.ended_at is None:
            await end_rule(session, rule, by)
            if rule.replaces is None:
                return rule
            back = await find_rule(session, knowledge_base_id, rule.replaces)
        again = _copy(back, by, f"Brought back by undo: {back.reason}"[:1000])
        await add_rules(session, [again])
        return again

    async def active(self, knowledge_base_id: UUID) -> list[RuleRecord]:
        """The rules that act now, oldest first."""
        async with self._database.reading() as session:
            records = await read_active_rules(session, [knowledge_base_id])
        return [record for record in records if is_active(record, utc_now())]

    async def history(self, knowledge_base_id: UUID, limit: int = 200) -> list[RuleRecord]:
        """All rules, ended and expired ones too, newest first."""
        async with self._database.reading() as session:
            return await read_rule_history(session, knowledge_base_id, limit)


def _refuse_contradictions(active: Sequence[Rule], rules: Sequence[Rule]) -> None:
    new = {rule.id for rule in rules}
    for earlier, later, why in contradictions([*active, *rules]):
        if later.id in new:
            raise Conflict(
                f"“{later.effect()}” contradicts “{earlier.effect()}”: {why}.",
                "End one of them, narrow the queries that they are for, or save it all the same.",
            )


def _record(rule: Rule, knowledge_base_id: UUID, author: str, reason: str) -> RuleRecord:
    return RuleRecord(
        id=rule.id,
        knowledge_base_id=knowledge_base_id,
        kind=RuleKind(rule.kind),
        query=rule.query,
        chunk_id=rule.chunk_id,
        document_id=rule.document_id,
        source_id=rule.source_id,
        text=rule.text,
        factor=rule.factor,
        position=rule.position,
        settings=dict(rule.settings),
        reason=reason.strip(),
        author=author,
        expires_at=rule.expires_at,
    )


def _copy(record: RuleRecord, author: str, reason: str) -> RuleRecord:
    return RuleRecord(
        knowledge_base_id=record.knowledge_base_id,
        kind=record.kind,
        query=record.query,
        chunk_id=record.chunk_id,
        document_id=record.document_id,
        source_id=record.source_id,
        text=record.text,
        factor=record.factor,
        position=record.position,
        settings=dict(record.settings),
        reason=reason,
        author=author,
        expires_at=record.expires_at,
        replaces=record.id,
    )
