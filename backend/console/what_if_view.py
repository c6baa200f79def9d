"""What a change would do, as a reader sees it: places then and now, and a query set's figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from backend.console.parts import NOTHING, badge, join, note, tiles
from backend.console.words import count, shown_address
from backend.explain.what_if import QueryChange, SetComparison, WhatIf
from knowledge.types import Hit

_LIKELY = 0.05
_LISTED = 50
_METRICS = {"ndcg@10": "nDCG@10", "mrr@10": "MRR@10"}


def places(tried: WhatIf, conflicts: Sequence[str] = ()) -> Markup:
    """The hits as they would stand, each with the place that it has now, then those that go.

    ``conflicts``: sentences about changes that contradict each other.
    """
    was = {hit.chunk_id: place for place, hit in enumerate(tried.before.hits, start=1)}
    kept = {hit.chunk_id for hit in tried.after.hits}
    rows = [
        _place(hit, str(place), was.get(hit.chunk_id), place)
        for place, hit in enumerate(tried.after.hits, start=1)
    ]
    rows += [
        _place(hit, "", place, None)
        for place, hit in enumerate(tried.before.hits, start=1)
        if hit.chunk_id not in kept
    ]
    said = (
        f"{count(len(tried.moves), 'passage')} would move."
        if tried.moves
        else "Nothing would move for this question."
    )
    return Markup(
        '<section class="stack tight"><h3>Places</h3><p class="soft small" role="status">{}</p>{}'
        '<ol class="moves">{}</ol></section>'
    ).format(
        said,
        join(note("warn", "", words) for words in (*conflicts, *tried.after.warnings)),
        join(rows),
    )


def _place(hit: Hit, place: str, before: int | None, after: int | None) -> Markup:
    where = " › ".join([shown_address(hit.address), *hit.heading])
    return Markup(
        '<li class="{}"><span class="place">{}</span><span>{}</span>'
        '<span><b>{}</b><span class="where">{}</span></span></li>'
    ).format("" if after else "out", place or "–", _move(before, after), hit.title, where)


def _move(before: int | None, after: int | None) -> Markup:
    if after is None:
        return badge(f"out, was {before}", "bad")
    if before is None:
        return badge("new", "good")
    if after < before:
        return badge(f"up from {before}", "good")
    if after > before:
        return badge(f"down from {before}", "bad")
    return Markup('<span class="soft small">stays</span>')


def comparison(
    told: SetComparison,
    link: Callable[[str], str],
    then: str = "Now",
    now: str = "With the change",
    of: str = "",
) -> Markup:
    """A query set before and after; ``link`` gives the address that explains a query. ``of``: the
    set's name, where a page shows several.
    """
    figures: list[tuple[str, str | Markup, bool]] = [
        (
            _METRICS.get(metric, metric),
            Markup('{:.3f} <span class="soft small">{} {:.3f}, {:+.3f}</span>').format(
                told.after[metric], then.lower(), told.before[metric], _delta(told, metric)
            ),
            False,
        )
        for metric in told.before
    ]
    figures += [
        ("Helped", f"{len(told.helped):,}", False),
        ("Hurt", f"{len(told.hurt):,}", False),
    ]
    unknown = (
        note(
            "warn",
            f"{count(len(told.unknown), 'judged address', 'judged addresses')} not found",
            "No document has them, so no search can find them: "
            + ", ".join(map(shown_address, told.unknown[:5])),
        )
        if told.unknown
        else NOTHING
    )
    return Markup('<div class="stack tight">{}<p>{}</p>{}{}{}</div>').format(
        tiles(figures),
        _significance(told),
        unknown,
        _queries("Helped", told.helped, link, (then, now), of),
        _queries("Hurt", told.hurt, link, (then, now), of),
    )


def _delta(told: SetComparison, metric: str) -> float:
    return told.after[metric] - told.before[metric]


def _significance(told: SetComparison) -> str:
    if not told.helped and not told.hurt:
        return f"No query of {told.queries:,} changes."
    sure = (
        "The difference is unlikely to be chance"
        if told.p_value < _LIKELY
        else "The difference may well be chance"
    )
    return f"{sure} (p = {told.p_value:.3f}, {count(told.queries, 'query', 'queries')})."


def _queries(
    title: str,
    changes: Sequence[QueryChange],
    link: Callable[[str], str],
    columns: tuple[str, str],
    of: str,
) -> Markup:
    if not changes:
        return NOTHING
    then, now = columns
    rows = join(
        Markup(
            '<tr><td class="fill"><a href="{}">{}</a></td><td class="num" data-label="{}">{:.3f}'
            '</td><td class="num" data-label="{}">{:.3f}</td></tr>'
        ).format(link(one.query), one.query, then, one.before, now, one.after)
        for one in changes[:_LISTED]
    )
    more = (
        Markup('<p class="soft small">and {} more</p>').format(len(changes) - _LISTED)
        if len(changes) > _LISTED
        else NOTHING
    )
    return Markup(
        '<section><h3>{title}</h3><div class="table cards" tabindex="0" role="region" '
        'aria-label="{label}"><table><thead><tr><th scope="col">Query</th>'
        '<th scope="col" class="num">{then}</th><th scope="col" class="num">{now}</th></tr></thead>'
        "<tbody>{rows}</tbody></table></div>{more}</section>"
    ).format(
        title=title,
        label=f"{title} queries" + (f" of {of}" if of else ""),
        then=then,
        now=now,
        rows=rows,
        more=more,
    )
