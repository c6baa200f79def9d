"""The items of runs: a crawl's frontier, how far each has come, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select, update

from knowledge.errors import CandorError
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.queries.runs import INGEST_RUN
from knowledge.store.tables import Change, Document, ItemState, Run, RunItem, utc_now

_ON_THE_WAY = (
    ItemState.FOUND,
    ItemState.FETCHED,
    ItemState.PARSED,
    ItemState.CHUNKED,
    ItemState.ENCODED,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item of a run ended. ``detail`` and ``action`` say why where that is not obvious.

    ``change``: what that did to its document.
    """

    state: ItemState
    code: str = ""
    detail: str = ""
    action: str = ""
    change: Change | None = None

    @classmethod
    def of(cls, error: CandorError, change: Change = Change.FAILED) -> Outcome:
        """The end that an error makes."""
        return cls(ItemState.FAILED, error.code, error.detail[:1000], error.action[:1000], change)

    def with_change(self, change: Change) -> Outcome:
        """The same end with another change."""
        return replace(self, change=change)


async def add_items(session: WriteSession, found: Iterable[tuple[UUID, str, int]]) -> None:
    """Add addresses, each with its depth, to runs; one that is there already stays as it is."""
    rows = [_row(run_id, address, depth) for run_id, address, depth in found]
    await session.execute(insert_for(session, RunItem).on_conflict_do_nothing(), rows)


async def leave_out(
    session: WriteSession, run_id: UUID, found: Iterable[tuple[str, int]], outcome: Outcome
) -> None:
    """Add addresses, each with its depth, that a run does not come to, and why."""
    rows = [_row(run_id, address, depth) | _left_out(outcome) for address, depth in found]
    await session.execute(insert_for(session, RunItem).on_conflict_do_nothing(), rows)


async def leave_out_rest(
    session: WriteSession, run_id: UUID, begun: Sequence[UUID], outcome: Outcome
) -> None:
    """Let a run end with the items that it has ``begun``: the others are left out."""
    await session.execute(
        update(RunItem)
        .where(
            RunItem.run_id == run_id,
            RunItem.state.in_(_ON_THE_WAY),
            RunItem.id.not_in(begun),
        )
        .values(**_left_out(outcome))
    )


async def left_out_by(session: ReadSession, run_id: UUID) -> dict[str, int]:
    """How many addresses a run left out, by the code of the reason."""
    rows = await session.execute(
        select(RunItem.error_code, func.count())
        .where(RunItem.run_id == run_id, RunItem.state == ItemState.LEFT_OUT)
        .group_by(RunItem.error_code)
    )
    return {row[0]: row[1] for row in rows}


def _left_out(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": ItemState.LEFT_OUT.value,
        "error_code": outcome.code,
        "error_detail": outcome.detail,
        "error_action": outcome.action,
    }


async def item_addresses(session: ReadSession, run_id: UUID) -> tuple[set[str], int]:
    """The addresses of all items of a run, and how many of them it left out."""
    rows = await session.execute(
        select(RunItem.address, RunItem.state).where(RunItem.run_id == run_id)
    )
    addresses, left_out = set[str](), 0
    for address, state in rows:
        addresses.add(address)
        left_out += state == ItemState.LEFT_OUT
    return addresses, left_out


async def next_items(
    session: ReadSession,
    run_id: UUID,
    source_id: UUID | None,
    limit: int,
    begun: Sequence[UUID] = (),
) -> list[tuple[RunItem, Document | None]]:
    """Items that are neither ``begun`` nor at their end, those nearest to the start first, with
    their documents.
    """
    here = (Document.address == RunItem.address) & (Document.source_id == source_id)
    rows = await session.execute(
        select(RunItem, Document)
        .outerjoin(Document, here)
        .where(
            RunItem.run_id == run_id,
            RunItem.state.in_(_ON_THE_WAY),
            RunItem.id.not_in(begun),
        )
        .order_by(RunItem.depth, RunItem.created_at, RunItem.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def item_with_document(
    session: ReadSession, item_id: UUID, source_id: UUID | None
) -> tuple[RunItem, Document | None]:
    """An item and the document at its address, where there is one already."""
    here = (Document.address == RunItem.address) & (Document.source_id == source_id)
    row = (
        await session.execute(
            select(RunItem, Document).outerjoin(Document, here).where(RunItem.id == item_id)
        )
    ).one()
    return row[0], row[1]


async def item_of_document(session: ReadSession, run_id: UUID, document_id: UUID) -> RunItem | None:
    """The item of a run that a document ended."""
    return await session.scalar(
        select(RunItem).where(RunItem.run_id == run_id, RunItem.document_id == document_id)
    )


async def state_at(session: ReadSession, run_id: UUID, address: str) -> tuple[str, str] | None:
    """State and error code of the run's item at an address."""
    row = (
        await session.execute(
            select(RunItem.state, RunItem.error_code).where(
                RunItem.run_id == run_id, RunItem.address == address
            )
        )
    ).first()
    return (row[0], row[1]) if row else None


_NOTHING_OF_ITS_OWN = ("noindex", "same-page", "redirected")


async def found_by_the_last_run(session: ReadSession, run: Run) -> list[tuple[str, int]]:
    """Address and depth of what the source's last crawl before this run found and has no document
    of: what it did not come to, or left out, and what held nothing to be indexed, which may be
    otherwise now.
    """
    last = await session.scalar(
        select(Run.id)
        .where(
            Run.source_id == run.source_id,
            Run.kind == INGEST_RUN,
            Run.created_at < run.created_at,
        )
        .order_by(Run.created_at.desc())
        .limit(1)
    )
    was_skipped = (
        (RunItem.state == ItemState.SKIPPED)
        & RunItem.error_code.in_(_NOTHING_OF_ITS_OWN)
        & RunItem.document_id.is_(None)
    )
    was_not_read = RunItem.state.in_((ItemState.FOUND, ItemState.LEFT_OUT))
    rows = await session.execute(
        select(RunItem.address, RunItem.depth)
        .where(RunItem.run_id == last, was_not_read | was_skipped)
        .order_by(RunItem.created_at, RunItem.id)
    )
    return [(row[0], row[1]) for row in rows]


async def move_item(session: WriteSession, item_id: UUID, state: ItemState, **values: Any) -> None:
    """Record how far an item has come."""
    await session.execute(
        update(RunItem).where(RunItem.id == item_id).values(state=state, **values)
    )


def end_of(
    item_id: UUID, outcome: Outcome, document_id: UUID | None, **values: Any
) -> dict[str, Any]:
    """What an item's record says at its end, for :func:`update_each`."""
    return {
        "id": item_id,
        "state": outcome.state,
        "change": outcome.change or "",
        "document_id": document_id,
        "error_code": outcome.code,
        "error_detail": outcome.detail,
        "error_action": outcome.action,
        "finished_at": utc_now(),
        **values,
    }


async def record_removal(session: WriteSession, run_id: UUID, address: str) -> None:
    """Record with a run that the document at an address was removed."""
    end: dict[str, Any] = {"state": ItemState.REMOVED.value, "change": Change.REMOVED.value}
    end["finished_at"] = utc_now()
    end |= dict.fromkeys(("error_code", "error_detail", "error_action"), "")
    statement = insert_for(session, RunItem).values(_row(run_id, address, 0) | end)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["run_id", "address"], set_=end)
    )


def _row(run_id: UUID, address: str, depth: int) -> dict[str, Any]:
    return {
        "id": uuid5(run_id, address),
        "run_id": run_id,
        "address": address,
        "depth": depth,
        "state": ItemState.FOUND.value,
        "change": "",
        "created_at": utc_now(),
        "document_id": None,
        "chunks": 0,
        "chunks_encoded": 0,
        "error_code": "",
        "error_detail": "",
        "error_action": "",
    }
