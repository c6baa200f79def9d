"""How long the console's long lists take: 10,000 documents and 10,000 conversations.

Each page is asked for as a browser asks for it, from the request to the last byte, in the process
that serves it: the first page, one deep in the list, searches that find much, little and nothing,
and filters. Documents are as long as real ones, and so are answers with what they rest on.
Processor time tells what a page costs where the machine was busy with other things meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from backend.api.access import COOKIE
from backend.app import create_app
from backend.main import _make_worker
from backend.models import open_encoder
from backend.services import Parts, open_parts
from benchmarks.machine import describe
from knowledge.settings import Settings
from knowledge.store.database import WriteSession
from knowledge.store.queries.credentials import create_link, use_link
from knowledge.store.queries.people import create_user
from knowledge.store.tables import (
    AskedQuestion,
    Conversation,
    Document,
    DocumentState,
    KnowledgeBase,
    Message,
    Outcome,
    Role,
    Source,
    SourceKind,
    utc_now,
)

RESULT = Path(__file__).parent / "results" / "console_lists.md"
_WORDS = (
    "order", "parcel", "return", "refund", "receipt", "lamp", "switch", "cable", "warranty",
    "repair", "courier", "delivery", "price", "invoice", "account", "password", "address",
    "street", "shop", "workshop", "bulb", "shade", "socket", "colour", "size",
)  # fmt: skip


def _sentence(rng: random.Random, characters: int) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < characters:
        words.append(rng.choice(_WORDS))
    return " ".join(words)


async def _documents(session: WriteSession, base: UUID, number: int, rng: random.Random) -> None:
    source, now = uuid4(), utc_now()
    session.add(Source(id=source, knowledge_base_id=base, kind=SourceKind.WEBSITE, name="shop"))
    await session.flush()
    texts = [_sentence(rng, 5_000) for _ in range(50)]
    session.add_all(
        Document(
            id=uuid4(),
            created_at=now + timedelta(microseconds=at),
            knowledge_base_id=base,
            source_id=source,
            address=f"https://shop.example/{rng.choice(_WORDS)}/{at}",
            title=f"{_sentence(rng, 40)} {at}",
            state=DocumentState.FAILED if at % 50 == 0 else DocumentState.INDEXED,
            text=texts[at % 50],
            size_bytes=5_000,
            chunk_count=6,
            term_counts=bytes(800),
            warnings=[],
            marks=[],
        )
        for at in range(number)
    )


async def _conversations(
    session: WriteSession, workspace_id: UUID, number: int, rng: random.Random
) -> None:
    now = utc_now() - timedelta(hours=1)
    reasons = {"given": [str(uuid4()) for _ in range(8)], "hits": _sentence(rng, 2_500)}
    cited = [{"chunk_id": str(uuid4()), "text": _sentence(rng, 600), "title": "Returns"}]
    for at in range(number):
        id, when = uuid4(), now + timedelta(microseconds=at)
        title = f"{_sentence(rng, 30)} {at}"
        session.add(
            Conversation(
                id=id,
                created_at=when,
                workspace_id=workspace_id,
                title=title,
                visitor="",
                updated_at=when,
            )
        )
        for ordinal in range(6):
            answers = ordinal % 2 == 1
            message = uuid4()
            if answers:  # counted already, as all but the newest are
                session.add(
                    AskedQuestion(
                        message_id=message,
                        workspace_id=workspace_id,
                        conversation_id=id,
                        assistant_id=None,
                        asked_at=when,
                        day=when.date(),
                        text=title,
                        text_key="",
                        outcome=Outcome.ANSWERED,
                        took_ms=20.0,
                        model="extractive",
                        reformulated=False,
                    )
                )
            session.add(
                Message(
                    id=message,
                    created_at=when,
                    conversation_id=id,
                    ordinal=ordinal,
                    role="assistant" if answers else "user",
                    text=_sentence(rng, 500) if answers else title,
                    query=title,
                    abstained=answers and at % 20 == 0,
                    citations=cited if answers else [],
                    explanation=reasons if answers else {},
                    model="extractive",
                    took_ms=20.0,
                    error_code="",
                )
            )


async def measure(number: int, repeats: int, database: str = "") -> list[tuple[str, float, float]]:
    """Each page with its median milliseconds on the clock and of the processor."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), database_url=database, sample=False)
        parts = Parts(settings, _make_worker, open_encoder)
        app = create_app(lambda: open_parts(parts))
        async with app.router.lifespan_context(app):
            state = app.state.candor
            async with state.database.writing() as session:
                base = KnowledgeBase(workspace_id=state.workspace_id, name="shop")
                session.add(base)
                await session.flush()
                await _documents(session, base.id, number, rng)
                await _conversations(session, state.workspace_id, number, rng)
                user = await create_user(session, state.workspace_id, "a@b.example", "", Role.OWNER)
                _, secret = await use_link(session, await create_link(session, user.id), "bench")
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://bench",
                cookies={COOKIE: secret},
                timeout=60,
            ) as client:
                return [
                    (name, *await _time(client, path, repeats))
                    for name, path in (await _pages(client)).items()
                ]


async def _pages(client: httpx.AsyncClient) -> dict[str, str]:
    deep = {}
    for kind in ("documents", "conversations"):
        cursor = ""
        for _ in range(20):
            params = {"limit": "200", "cursor": cursor}
            cursor = (await client.get(f"/api/v1/{kind}", params=params)).json()["next_cursor"]
        deep[kind] = quote(cursor)
    pages: dict[str, str] = {}
    for kind in ("documents", "conversations"):
        pages |= {
            f"{kind}: first page": f"/console/{kind}",
            f"{kind}: after 4,000": f"/console/{kind}?after={deep[kind]}",
            f"{kind}: search, much found": f"/console/{kind}?q=lamp",
            f"{kind}: search, one found": f"/console/{kind}?q=1234",
            f"{kind}: search, nothing found": f"/console/{kind}?q=zebra",
        }
    return pages | {
        "documents: failed ones": "/console/documents?state=failed",
        "conversations: without an answer": "/console/conversations?went=unanswered",
        "conversations: not helpful": "/console/conversations?went=unhelpful",
    }


async def _time(client: httpx.AsyncClient, path: str, repeats: int) -> tuple[float, float]:
    clock, processor = [], []
    for _ in range(repeats + 1):
        began, worked = perf_counter(), process_time()
        answer = await client.get(path)
        answer.raise_for_status()
        clock.append((perf_counter() - began) * 1000)
        processor.append((process_time() - worked) * 1000)
    return statistics.median(clock[1:]), statistics.median(processor[1:])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write and print what each page takes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--number", type=int, default=10_000)
    options.add_argument("--repeats", type=int, default=9)
    options.add_argument("--database", default="", help="PostgreSQL instead of SQLite")
    given = options.parse_args(arguments)
    before = os.getloadavg()[0]
    rows = asyncio.run(measure(given.number, given.repeats, given.database))
    engine = "PostgreSQL" if given.database else "SQLite"
    lines = [
        "# Long lists of the console",
        "",
        f"{datetime.now(UTC).isoformat(timespec='minutes')}, {describe()}, load average "
        f"{before:.2f} at the start and {os.getloadavg()[0]:.2f} at the end. {given.number:,} "
        f"documents of 5,000 characters and {given.number:,} conversations of six messages in "
        f"{engine}; each page asked for {given.repeats} times, medians.",
        "",
        "`make bench-console` makes this file. A page is timed from its request to its last byte. "
        "“Processor” is the time of all threads of this process: where other processes share the "
        "cores, the clock shows their work too.",
        "",
        "| page | clock ms | processor ms |",
        "|---|---|---|",
        *(f"| {name} | {clock:.0f} | {processor:.0f} |" for name, clock, processor in rows),
        "",
    ]
    RESULT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
