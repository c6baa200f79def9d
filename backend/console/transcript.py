"""A conversation as staff read it: questions, answers with their citations, feedback, hand-offs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from backend.console.parts import badge, join
from backend.console.prose import prose
from backend.console.words import exact
from knowledge.store.tables import Feedback, HandoffMessage, Message, Sender

REASONS = {
    "wrong": "wrong",
    "off_topic": "off topic",
    "incomplete": "incomplete",
    "bad_source": "bad source",
}


def question(message: Message) -> Markup:
    """What a visitor asked."""
    return _said_by_visitor(message.text, exact(message.created_at))


def answer(message: Message, feedback: Feedback | None, bases: Sequence[str]) -> Markup:
    """What the assistant told, and on what it rests. ``bases``: the knowledge bases it reads."""
    flags = []
    if message.abstained:
        flags.append(badge("No answer found", "quiet"))
    if message.error_code:
        flags.append(badge("The answer failed", "bad"))
    if feedback is not None:
        flags.append(_feedback(feedback))
    return Markup(
        '<div class="turn assistant"><div class="said reader">{}</div>{}<div class="meta">{}'
        "<span>{:.0f} ms</span><span>{}</span>{}</div></div>"
    ).format(
        _with_citations(message),
        _sources(message),
        join(flags, " "),
        message.took_ms,
        message.model or "no model",
        Markup('<a href="{}">Explain</a>').format(explain_address(message, bases))
        if message.query
        else "",
    )


def turns(messages: Sequence[Message], bases: Sequence[str]) -> Markup:
    """What was said, in short: without feedback."""
    return join(
        question(one) if one.role == "user" else answer(one, None, bases) for one in messages
    )


def explain_address(message: Message, bases: Sequence[str], hit: str = "") -> str:
    """Where the search behind an answer is explained, with one passage open."""
    given = [("q", message.query or message.text), *(("in", base) for base in bases)]
    return "/console/explain?" + urlencode([*given, ("hit", hit)] if hit else given)


def handed_over(message: HandoffMessage) -> Markup:
    """What one side of a hand-off wrote."""
    if message.sender == Sender.VISITOR:
        return _said_by_visitor(message.text, exact(message.created_at))
    who = message.name or message.author or "staff"
    return Markup(
        '<div class="turn staff"><div class="said">{}</div><div class="meta">'
        "<span>{}</span><span>{}</span></div></div>"
    ).format(message.text, who, exact(message.created_at))


def _said_by_visitor(text: str, when: str) -> Markup:
    return Markup(
        '<div class="turn user"><div class="said">{}</div><div class="meta">{}</div></div>'
    ).format(text, when)


def _feedback(given: Feedback) -> Markup:
    reason = REASONS.get(given.reason, "")
    words = "Helpful" if given.helpful else "Not helpful"
    shown = badge(f"{words}: {reason}" if reason else words, "good" if given.helpful else "bad")
    if given.comment:
        shown += Markup(" <q>{}</q>").format(given.comment)
    return shown


def _with_citations(message: Message) -> Markup:
    """The answer with its citation numbers at the end of each sentence that has one."""
    seen = dict.fromkeys((int(one["sentence"][1]), int(one["id"])) for one in message.citations)
    return prose(
        message.text,
        (
            (
                end,
                Markup('<a class="cite" href="#s{0}-{1}" aria-label="Source {1}">{1}</a>').format(
                    message.ordinal, number
                ),
            )
            for end, number in seen
        ),
    )


def _sources(message: Message) -> Markup:
    """Where each number leads, and by which words its passage was found then."""
    by_number = {int(one["id"]): one for one in reversed(message.citations)}
    if not by_number:
        return Markup("")
    found = {one["chunk_id"]: one for one in message.explanation.get("passages", ())}
    lines = join(
        Markup('<li id="s{}-{}"><span class="cite">{}</span><span>{}{}</span></li>').format(
            message.ordinal,
            number,
            number,
            linked(str(by_number[number]["address"]), str(by_number[number]["title"])),
            _found_by(found.get(by_number[number]["chunk_id"])),
        )
        for number in sorted(by_number)
    )
    return Markup('<ol class="sources">{}</ol>').format(lines)


def linked(address: str, title: str) -> Markup:
    """A page by its title, as a link where it has an address on the web."""
    if address.startswith(("http://", "https://")):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, title or address)
    return Markup("{}").format(title or address)


def _found_by(passage: Mapping[str, object] | None) -> Markup:
    words = passage.get("words") if passage else None
    if not isinstance(words, list) or not words:
        return Markup("")
    said = ", ".join(f"{one['word']} {one['share']:.0%}" for one in words[:4])
    return Markup(' <span class="soft small">found by {}</span>').format(said)
