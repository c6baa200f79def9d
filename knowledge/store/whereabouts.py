"""Where an address, a document or a passage is: what the records say, before any search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from knowledge.crawl_limits import TRAP, Limit, RunNote
from knowledge.crawl_preview import Rule
from knowledge.crawl_rules import CrawlRules, canonical_address
from knowledge.errors import AddressRefused
from knowledge.store.database import Database, ReadSession
from knowledge.store.queries.runs import INGEST_RUN
from knowledge.store.tables import (
    Chunk,
    Document,
    DocumentState,
    ItemState,
    Run,
    RunItem,
    Source,
    SourceKind,
)

MOST_CHUNKS = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """The passages of what was asked for, or why there are none.

    ``stage`` is empty where there are passages; otherwise it is one of why-not's stages, with a
    ``detail`` and an ``action`` in sentences.
    """

    chunk_ids: tuple[UUID, ...] = ()
    document_id: UUID | None = None
    stage: str = ""
    detail: str = ""
    action: str = ""


_STAGES = {
    DocumentState.QUEUED: "never seen",
    DocumentState.FAILED: "failed to parse",
    DocumentState.SKIPPED: "excluded",
    DocumentState.DUPLICATE: "duplicate",
    DocumentState.MISSING: "gone",
}
_CODED = {
    "not-for-crawlers": "excluded",
    "noindex": "excluded",
    "same-page": "duplicate",
    "redirected": "duplicate",
    "broken-link": "gone",
    "gone": "gone",
}
"""Stages by the code of what a crawl noted, where its state alone would say something else."""
_ITEM_STAGES = {
    ItemState.SKIPPED: "excluded",
    ItemState.FAILED: "failed to parse",
    ItemState.REMOVED: "gone",
    ItemState.LEFT_OUT: "excluded",
}


async def find_chunk(
    database: Database, knowledge_base_ids: Sequence[UUID], chunk_id: UUID
) -> Found | None:
    """The passage, or ``None`` where it is not in these knowledge bases."""
    async with database.reading() as session:
        document_id = await session.scalar(
            select(Chunk.document_id).where(
                Chunk.id == chunk_id, Chunk.knowledge_base_id.in_(knowledge_base_ids)
            )
        )
    return Found((chunk_id,), document_id) if document_id else None


async def find_document(
    database: Database, knowledge_base_ids: Sequence[UUID], document_id: UUID
) -> Found | None:
    """The document's passages, or ``None`` where it is not in these knowledge bases."""
    async with database.reading() as session:
        document = await session.scalar(
            select(Document).where(
                Document.id == document_id, Document.knowledge_base_id.in_(knowledge_base_ids)
            )
        )
        return await _passages(session, document) if document else None


async def find_address(
    database: Database, knowledge_base_ids: Sequence[UUID], address: str
) -> Found:
    """The passages of the page at ``address``, or what is known about why there are none."""
    plain = address.strip().split("#")[0]
    spellings = {plain, plain.rstrip("/"), plain.rstrip("/") + "/"}
    async with database.reading() as session:
        documents = await session.scalars(
            select(Document)
            .where(
                Document.address.in_(spellings),
                Document.knowledge_base_id.in_(knowledge_base_ids),
            )
            .order_by(Document.chunk_count.desc(), Document.id)
        )
        document = documents.first()
        if document is not None:
            return await _passages(session, document)
        return await _unknown(session, knowledge_base_ids, plain, spellings)


async def _passages(session: ReadSession, document: Document) -> Found:
    ids = await session.scalars(
        select(Chunk.id)
        .where(Chunk.document_id == document.id)
        .order_by(Chunk.ordinal)
        .limit(MOST_CHUNKS)
    )
    chunk_ids = tuple(ids)
    if chunk_ids:
        return Found(chunk_ids, document.id)
    stage = _CODED.get(document.error_code) or _STAGES.get(DocumentState(document.state), "empty")
    detail = document.error_detail or f"The document is {document.state}."
    if document.duplicate_of is not None:
        twin = await session.get(Document, document.duplicate_of)
        how = (
            "the same" if twin and twin.content_hash == document.content_hash else "nearly the same"
        )
        place = twin.address if twin else "another document"
        detail = f"Its content is {how} as that of {place}, which is kept."
    return Found((), document.id, stage, detail, document.error_action)


async def _unknown(
    session: ReadSession, knowledge_base_ids: Sequence[UUID], address: str, spellings: set[str]
) -> Found:
    """Whether a crawl met the address, or a source of the same site did not."""
    item = await session.scalar(
        select(RunItem)
        .join(Run, Run.id == RunItem.run_id)
        .where(RunItem.address.in_(spellings), Run.knowledge_base_id.in_(knowledge_base_ids))
        .order_by(RunItem.created_at.desc())
        .limit(1)
    )
    if item is not None:
        by_state = _ITEM_STAGES.get(ItemState(item.state), "never seen")
        stage = _CODED.get(item.error_code, by_state)
        detail = item.error_detail or f"The last crawl left {address} as {item.state}."
        return Found((), None, stage, detail, item.error_action)
    sources = await session.scalars(
        select(Source)
        .where(Source.knowledge_base_id.in_(knowledge_base_ids), Source.kind == SourceKind.WEBSITE)
        .order_by(Source.created_at, Source.id)
    )
    judged = [
        found
        for source in sources
        if (found := _judged(source, address, await _limits_reached(session, source)))
    ]
    if judged:
        # One source that would take the page says more than another that leaves it out.
        return min(judged, key=lambda one: one.stage == "excluded")
    return Found(
        stage="never seen",
        detail=f"No source of the knowledge base covers {address}.",
        action="Add the page, or its site, to the knowledge base.",
    )


async def _limits_reached(session: ReadSession, source: Source) -> list[RunNote]:
    """The limits that the newest crawl of a source came to, and addresses without end."""
    notes = await session.scalar(
        select(Run.notes)
        .where(Run.source_id == source.id, Run.kind == INGEST_RUN)
        .order_by(Run.created_at.desc())
        .limit(1)
    )
    found = (RunNote.from_json(note) for note in notes or ())
    return [note for note in found if note.code in (*Limit, TRAP)]


def _judged(source: Source, address: str, limits: Sequence[RunNote]) -> Found | None:
    """What the rules of a website say of an address on its hosts; ``None`` for another host.

    ``limits``: those that its newest crawl came to.
    """
    try:
        rules = CrawlRules.from_config(source.config)
        verdict = rules.judge(canonical_address(address))
    except AddressRefused:
        return None
    if verdict.rule is Rule.OTHER_HOST:
        return None
    if verdict.is_in and limits:
        # Beyond so many addresses a crawl does not record which.
        return Found(
            stage="never seen",
            detail=f"The crawl of “{source.name}” has not met {address}, or left it out: "
            + " ".join(note.detail for note in limits),
            action=limits[0].action,
        )
    if verdict.is_in:
        return Found(
            stage="never seen",
            detail=f"The crawl of “{source.name}” has not met {address}.",
            action="Link to the page, put it into the sitemap, see that robots.txt allows it, or "
            f"add it by its address; the crawl goes {rules.max_depth} links deep and reads "
            f"{rules.max_pages:,} pages at most.",
        )
    why, action = _LEFT_OUT[verdict.rule]
    patterns = ", ".join(rules.include)
    named = {
        "pattern": verdict.pattern,
        "included": f"it matches none of the patterns to read ({patterns})"
        if patterns
        else f"it is not below the start, {rules.start}",
    }
    return Found(
        stage="excluded",
        detail=f"The rules of “{source.name}” leave {address} out: {why.format(**named)}.",
        action=action,
    )


_LEFT_OUT = {
    Rule.NOT_INCLUDED: (
        "{included}",
        "Add a pattern of its path to those that the source reads.",
    ),
    Rule.EXCLUDE: (
        "the pattern {pattern} leaves it out",
        "Remove the pattern from the source's rules, or make it narrower.",
    ),
    Rule.FILE_TYPE: (
        "files that end in {pattern} are not read as pages",
        "Upload the file.",
    ),
    Rule.TOO_LONG: ("its address is too long", "Give the page a shorter address."),
}
