"""The stored chain of an answer: sentence, citation, place in the passage, words, page, version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.console.frame import tell
from backend.console.parts import NOTHING, badge, join, note, show
from backend.console.prose import plain
from backend.console.transcript import explain_address, linked
from backend.console.visit import Visit
from backend.explain.chain import quote_of
from knowledge.errors import CandorError
from knowledge.store.passages import Passage, read_passages
from knowledge.store.queries.knowledge_bases import knowledge_bases
from knowledge.store.tables import KnowledgeBase, Message
from knowledge.types import ArmName

_ARMS: Mapping[ArmName, str] = {"sparse": "words", "dense": "meaning"}
_KINDS = {"written": "", "added": "added", "rule": "by a rule"}


def chain(visit: Visit, message: Message, bases: Sequence[str]) -> None:
    """A part under an answer that opens to show what each of its sentences rests on."""

    async def toggled(event: GenericEventArguments) -> None:
        if event.args.get("newState") != "open" or inside.content:
            return
        try:
            inside.set_content(await _told(visit, message, bases))
        except CandorError as error:
            tell(error)

    with ui.element("details").classes("chain").on("toggle", toggled, args=["newState"]):
        show(Markup("What each sentence rests on"), tag="summary")
        inside = show(Markup(""), classes="stack tight")


async def _told(visit: Visit, message: Message, bases: Sequence[str]) -> Markup:
    await visit.check()
    ids = {UUID(one["chunk_id"]) for one in message.citations}
    async with visit.database.reading() as session:
        passages = await read_passages(session, list(ids))
        known = set(
            await session.scalars(
                knowledge_bases(visit.workspace_id).with_only_columns(KnowledgeBase.id)
            )
        )
    own = {str(id): one for id, one in passages.items() if one.knowledge_base_id in known}
    changes = await visit.state.explainer.changes(message.explanation)
    stored = {one["chunk_id"]: one for one in message.explanation.get("passages", ())}
    lines = join(
        _link(message, one, own.get(one["chunk_id"]), stored.get(one["chunk_id"], {}), bases)
        for one in sorted(message.citations, key=lambda one: (one["sentence"], one["id"]))
    )
    confidence = message.explanation.get("confidence")
    said = (
        Markup('<p class="soft small">Confidence that the passages answer: {:.2f}</p>').format(
            confidence
        )
        if isinstance(confidence, int | float)
        else NOTHING
    )
    since = note("", "Since then", *changes) if changes else NOTHING
    return Markup('<ol class="rests">{}</ol>{}{}').format(lines, said, since)


def _link(
    message: Message,
    citation: Mapping[str, Any],
    passage: Passage | None,
    stored: Mapping[str, Any],
    bases: Sequence[str],
) -> Markup:
    start, end = citation["sentence"]
    return Markup(
        '<li><p class="reader">“{}”</p><p class="small"><span class="cite">{}</span> {}'
        ' <span class="soft">{}</span></p>{}<p class="soft small">{}</p><p class="small">'
        '<a href="{}">Explain this passage</a></p></li>'
    ).format(
        plain(message.text[start:end]),
        citation["id"],
        linked(str(citation["address"]), str(citation["title"])),
        _version(stored),
        _quote(citation, passage, stored),
        _found(stored),
        explain_address(message, bases, str(citation["chunk_id"])),
    )


def _version(stored: Mapping[str, Any]) -> str:
    if not stored:
        return ""
    read = str(stored.get("fetched_at") or "")[:10]
    return f"version {stored.get('version')}" + (f", read on {read}" if read else "")


def _quote(
    citation: Mapping[str, Any], passage: Passage | None, stored: Mapping[str, Any]
) -> Markup:
    """What stood at the place that the sentence rests on: as it was stored, else as it is."""
    start, end = citation["span"]
    text = quote_of(stored, citation["span"])
    gone = (
        Markup('<p class="soft small">The passage has been changed or removed since.</p>')
        if passage is None
        else NOTHING
    )
    if not text and passage is not None:
        text = passage.text[start:end]
    if not text:
        return gone
    return Markup('<blockquote class="quote reader">{}</blockquote>{}').format(plain(text), gone)


def _found(stored: Mapping[str, Any]) -> Markup:
    """Where the passage stood in the search, and the words that it was found by."""
    places = [f"place {stored['place']}"] if stored.get("place") else []
    places += [
        f"{_ARMS.get(arm, arm)} {score['rank']}" for arm, score in stored.get("arms", {}).items()
    ]
    words = join(
        (
            badge(
                " ".join(
                    filter(None, [f"{one['word']} {one['share']:.0%}", _KINDS[one["passage"]]])
                ),
                "quiet",
            )
            for one in stored.get("words", ())[:6]
        ),
        " ",
    )
    rules = "".join(f", {one['effect']}" for one in stored.get("rules", ()))
    return Markup("{}{} {}").format(", ".join(places), rules, words)
