"""What is stored with an answer, so that it can be explained when everything has changed.

An answer's citation names a passage; the record says where that passage came from (address, and
the version of the page as it was read), which words matched, and how its score came about. Words
and shares are kept, not vectors: they are read by people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from uuid import UUID

from backend.explain.hit import HitExplanation, JsonObject
from backend.explain.terms import Side
from backend.search.trace import SearchTrace
from knowledge.store.database import Database
from knowledge.store.passages import read_passages, read_versions
from knowledge.types import Span

FORMAT = 2

_QUOTE = 400
"""Bytes of one quote as JSON: a sentence or two."""

_QUOTED = 1_200
"""Bytes of all quotes of a record."""


def record_of(
    trace: SearchTrace,
    hits: Sequence[HitExplanation],
    spans: Mapping[UUID, Sequence[Span]] | None = None,
) -> JsonObject:
    """The record of the passages that an answer cites; ``spans``: the places in each.

    ``{"format", "query", "encoder", "fusion", "k", "passages": [{"chunk_id", "document_id",
    "title", "address", "version", "fetched_at", "place", "score", "fused", "rerank", "arms":
    {"sparse": {"rank", "score", "part"}, ...}, "words": [{"word", "share", "query", "passage"}],
    "tail", "quotes": [{"span", "text"}]}]}``; ``query`` and ``passage`` of a word are
    ``"written"``, ``"added"`` or ``"rule"``. A quote is cut where it is long, and left out where
    the record would grow too large.
    """
    passages = [_passage(hit) for hit in hits]
    _quote(passages, hits, spans or {})
    return {
        "format": FORMAT,
        "query": trace.prepared.text,
        "encoder": trace.encoder,
        "fusion": trace.prepared.settings.fusion,
        "k": trace.prepared.settings.rrf_k,
        "passages": passages,
    }


def quote_of(passage: Mapping[str, object], span: Sequence[int]) -> str:
    """The text that stood at ``span`` of a stored passage; empty where it was not kept."""
    quotes = passage.get("quotes")
    for one in quotes if isinstance(quotes, list) else ():
        if list(one["span"]) == list(span):
            return str(one["text"])
    return ""


async def what_changed(record: JsonObject, database: Database, encoder: str) -> tuple[str, ...]:
    """Why a fresh explanation would differ from ``record``, in sentences; none if it would not."""
    changes = []
    if record.get("encoder") not in (None, encoder):
        changes.append(
            f"The passages were encoded by {record['encoder']} then and by {encoder} now: words "
            "and scores differ."
        )
    cited = record.get("passages", ())
    documents = list(dict.fromkeys(UUID(passage["document_id"]) for passage in cited))
    async with database.reading() as session:
        versions = await read_versions(session, documents)
        there = await read_passages(session, [UUID(passage["chunk_id"]) for passage in cited])
    for passage in cited:
        document_id = UUID(passage["document_id"])
        title = passage["title"] or passage["address"]
        if document_id not in versions:
            changes.append(f"“{title}” has been removed since.")
        elif versions[document_id] != passage["version"]:
            changes.append(
                f"“{title}” has changed since: version {passage['version']} was cited, "
                f"{versions[document_id]} is indexed now."
            )
        elif UUID(passage["chunk_id"]) not in there:
            changes.append(
                f"The passage of “{title}” that was cited is gone: the same text has been cut into "
                "other passages since."
            )
    # Two passages of one page have one fate.
    return tuple(dict.fromkeys(changes))


def _quote(
    passages: Sequence[JsonObject],
    hits: Sequence[HitExplanation],
    spans: Mapping[UUID, Sequence[Span]],
) -> None:
    """Put the text of the places into the passages, as long as there is room."""
    room = _QUOTED
    for passage, hit in zip(passages, hits, strict=True):
        for start, end in dict.fromkeys(spans.get(hit.chunk_id, ())):
            text = _short(hit.text[start:end])
            room -= len(json.dumps(text))
            if room < 0:
                return
            passage.setdefault("quotes", []).append({"span": [start, end], "text": text})


def _short(text: str) -> str:
    """The text, or its beginning, in so many bytes."""
    bytes_of_each = (len(json.dumps(char)) - 2 for char in text)
    for at, end in enumerate(accumulate(bytes_of_each)):
        if end > _QUOTE:
            return text[:at].rstrip() + "…"
    return text


def _passage(hit: HitExplanation) -> JsonObject:
    record: JsonObject = {
        "chunk_id": str(hit.chunk_id),
        "document_id": str(hit.document_id),
        "title": hit.title[:200],
        "address": hit.address[:500],
        "version": hit.version,
        "fetched_at": hit.fetched_at.isoformat(timespec="seconds") if hit.fetched_at else None,
    }
    if hit.ledger is not None:
        record |= {
            "place": hit.ledger.place,
            "score": hit.ledger.score,
            "fused": hit.ledger.fused,
            "rerank": hit.ledger.rerank.score if hit.ledger.rerank else None,
            "arms": {
                arm.arm: {"rank": arm.rank, "score": arm.score, "part": arm.part}
                for arm in hit.ledger.arms
                if arm.rank is not None
            },
        }
        if hit.ledger.rules:
            record["rules"] = [
                {"rule_id": rule.rule_id, "effect": rule.effect, "part": rule.part}
                for rule in hit.ledger.rules
            ]
    if hit.terms is not None:
        record["words"] = [
            {
                "word": word.word,
                "share": round(word.share, 4),
                "query": _kind(word.query),
                "passage": _kind(word.passage),
            }
            for word in hit.terms.words
        ]
        record["tail"] = round(hit.terms.tail.share, 4)
    return record


def _kind(side: Side) -> str:
    if side.by_rule:
        return "rule"
    return "written" if side.written else "added"
