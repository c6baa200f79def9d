"""Calm charts out of plain HTML: stacked columns over days, each with its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from backend.console.parts import NOTHING, join, table


@dataclass(frozen=True, slots=True)
class Series:
    """One part of each column. ``kind`` is its look: ``good``, ``quiet``, ``bad`` or ``added``."""

    name: str
    kind: str
    values: Sequence[int]


def columns(title: str, days: Sequence[date], series: Sequence[Series]) -> Markup:
    """Columns over days, stacked, with a legend and the numbers behind them."""
    totals = [sum(one.values[at] for one in series) for at in range(len(days))]
    most = max(totals, default=0)
    bars = join(
        _column(days[at], [(one, one.values[at]) for one in series], most)
        for at in range(len(days))
    )
    legend = join(
        Markup('<span><i class="{}"></i>{}</span>').format(one.kind, one.name) for one in series
    )
    said = f"{title}: {sum(totals):,} from {_day(days[0])} to {_day(days[-1])}, at most {most:,}"
    return Markup(
        '<figure class="chart"><div class="plot" role="img" aria-label="{}">'
        '<span class="most">{:,}</span><div class="cols">{}</div></div>'
        '<div class="ends"><span>{}</span><span>{}</span></div>'
        '<figcaption class="key">{}</figcaption>{}</figure>'
    ).format(said, most, bars, _day(days[0]), _day(days[-1]), legend, _numbers(title, days, series))


def _column(day: date, parts: Sequence[tuple[Series, int]], most: int) -> Markup:
    words = ", ".join(f"{value:,} {one.name.lower()}" for one, value in parts if value)
    stack = join(
        Markup('<i class="{}" style="height:{:.2f}%"></i>').format(one.kind, 100 * value / most)
        for one, value in reversed(parts)
        if value
    )
    return Markup('<div title="{}">{}</div>').format(f"{_day(day)}: {words or 'nothing'}", stack)


def _numbers(title: str, days: Sequence[date], series: Sequence[Series]) -> Markup:
    """The same as a table, for those who read rather than look."""
    heads = [("Day", ""), *((one.name, "num") for one in series)]
    rows = (
        [_day(day), *(f"{one.values[at]:,}" for one in series)]
        for at, day in enumerate(days)
        if any(one.values[at] for one in series)
    )
    return Markup('<details class="numbers"><summary>The numbers</summary>{}</details>').format(
        table(heads, rows, title)
    )


def share(part: int, whole: int) -> Markup:
    """A number with what part of the whole it is."""
    if not whole:
        return Markup("{:,}").format(part)
    return Markup('{:,} <span class="soft small">{:.0%}</span>').format(part, part / whole)


def bar(value: float, most: float, label: str) -> Markup:
    """A figure as a bar beside its number."""
    if most <= 0:
        return NOTHING
    return Markup(
        '<span class="bar-line"><span class="track" aria-hidden="true"><i style="width:{:.1f}%">'
        "</i></span>{}</span>"
    ).format(100 * value / most, label)


def _day(day: date) -> str:
    return day.strftime("%-d %b %Y")
