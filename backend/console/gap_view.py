"""Questions that were asked often, and those that were not answered well, as a reader sees them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from backend.console.parts import NOTHING, badge, empty, join, table, when
from backend.console.words import shown_address
from backend.insights.gaps import Gap, GapKind, Question

_KINDS = (
    (
        GapKind.NO_CONTENT,
        "No content",
        "Nothing in the knowledge bases answers these. Write it, or add a source that has it.",
    ),
    (
        GapKind.MISSED,
        "Content exists, search missed it",
        "A page answers these and was not brought up. Explain says why, and tries a repair.",
    ),
    (GapKind.ANSWERED_NOW, "Answered now", "Asked today, these would be answered."),
)
_REASONS = (
    ("abstained", "without an answer"),
    ("unhelpful", "not helpful"),
    ("reformulated", "asked again in other words"),
    ("unsure", "unsure"),
)


def top_questions(found: Sequence[Question]) -> Markup:
    """What was asked most often; questions that ask the same count together."""
    if not found:
        return empty("insights", "Nothing was asked in this time", "Choose a longer one.")
    heads = (("Question", "fill"), ("Asked", "num"), ("Badly answered", "num"), ("Last", "when"))
    rows = (
        [
            Markup(
                '<a href="/console/conversations/{}">{}</a>{} <span class="sub">{}</span>'
            ).format(
                one.conversation_id, one.question, _others(one.examples), _explain(one.question)
            ),
            f"{one.asked:,}",
            f"{one.badly:,}",
            when(one.last_asked),
        ]
        for one in found
    )
    return table(heads, rows, "Top questions")


def gap_lists(gaps: Sequence[Gap]) -> Markup:
    """The gaps by kind, those met most often first."""
    if not gaps:
        return Markup('<div class="card">{}</div>').format(
            empty(
                "insights",
                "No gap in this time",
                "Every question that was asked has been answered well, as far as is known.",
            )
        )
    parts = [
        _part(title, below, [gap for gap in gaps if gap.finding and gap.finding.kind == kind])
        for kind, title, below in _KINDS
    ]
    waiting = [gap for gap in gaps if gap.finding is None]
    if waiting:
        parts.append(_part("Being looked into", "A wider search is running.", waiting))
    return join(parts)


def _part(title: str, below: str, gaps: Sequence[Gap]) -> Markup:
    if not gaps:
        return NOTHING
    return Markup(
        '<section class="section"><div class="top"><div><h2>{} ({:,})</h2>'
        '<p class="soft small">{}</p></div></div><ul class="card lines gaps">{}</ul></section>'
    ).format(title, len(gaps), below, join(map(_gap, gaps)))


def _gap(gap: Gap) -> Markup:
    reasons = [f"{getattr(gap, name):,} {words}" for name, words in _REASONS if getattr(gap, name)]
    return Markup(
        '<li><div><h3>{}</h3><p class="soft small">{}</p>{}{}</div>'
        '<div class="actions"><span class="soft small">{}</span>'
        '<a href="/console/conversations/{}">Conversation</a><a href="{}">Explain</a></div></li>'
    ).format(
        gap.question,
        f"{gap.badly:,} of {gap.asked:,} answered badly: {', '.join(reasons)}",
        _others(gap.examples),
        _found(gap),
        when(gap.last_asked),
        gap.conversation_id,
        gap.explain,
    )


def _found(gap: Gap) -> Markup:
    """The page that was missed, and why."""
    finding = gap.finding
    if finding is None or not finding.address:
        return NOTHING
    why = finding.why_not.detail if finding.why_not else ""
    return Markup('<p class="small">{} {} <span class="soft">{}</span></p>').format(
        badge("answered by", "good"), finding.title or shown_address(finding.address), why
    )


def _others(examples: Sequence[str]) -> Markup:
    """Other words for the same question."""
    rest = examples[1:]
    if not rest:
        return NOTHING
    lines = join(Markup("<li>{}</li>").format(text) for text in rest[:10])
    return Markup(
        '<details class="numbers"><summary>{} in other words</summary><ul class="list">{}</ul>'
        "</details>"
    ).format(f"{len(rest):,}", lines)


def _explain(question: str) -> Markup:
    return Markup('<a href="/console/explain?{}">Explain</a>').format(urlencode({"q": question}))
