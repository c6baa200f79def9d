"""Pieces of pages that only show something: escaped HTML, put on the page as one element."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup
from nicegui import ui

from backend.console.icons import icon
from backend.console.words import ago, exact

NOTHING = Markup("")


def show(markup: Markup, tag: str = "div", classes: str = "") -> ui.html:
    """Put markup on the page. Only :class:`Markup` comes here, whose texts are escaped."""
    return ui.html(markup, sanitize=False, tag=tag).classes(classes)


def join(parts: Iterable[str], between: str = "") -> Markup:
    """Markup put together; plain strings among it are escaped."""
    return Markup(between).join(parts)


def badge(words: str, kind: str) -> Markup:
    """A state: its words, and a mark that differs in shape as well as in colour."""
    return Markup('<span class="badge {}">{}</span>').format(kind, words)


def when(moment: datetime | None) -> Markup:
    """How long ago, with the exact time for those who point at it."""
    if moment is None:
        return Markup("never")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), exact(moment), ago(moment)
    )


def meter(done: int, whole: int, label: str) -> Markup:
    """A progress bar; one that only says that something goes on where the whole is unknown."""
    if whole <= 0:
        return Markup(
            '<div class="meter open" role="progressbar" aria-label="{}"><i></i></div>'
        ).format(label)
    share = 100 * min(done, whole) / whole
    return Markup(
        '<div class="meter" role="progressbar" aria-label="{}" aria-valuemin="0" '
        'aria-valuemax="100" aria-valuenow="{}"><i style="width:{}%"></i></div>'
    ).format(label, round(share), round(share, 1))


def empty(name: str, title: str, *lines: str | Markup) -> Markup:
    """What stands where there is nothing yet, and what to do about it."""
    said = join(Markup("<p>{}</p>").format(line) for line in lines)
    return Markup('<div class="empty">{}<h2>{}</h2>{}</div>').format(icon(name), title, said)


def note(kind: str, title: str, *lines: str) -> Markup:
    """Something the reader should know: ``bad``, ``warn`` or plain."""
    said = join(Markup("<p>{}</p>").format(line) for line in lines if line)
    head = Markup("<p><b>{}</b></p>").format(title) if title else NOTHING
    return Markup('<div class="note {}"><div>{}{}</div></div>').format(kind, head, said)


def run_notes(notes: Iterable[Mapping[str, Any]]) -> Markup:
    """What to know of a run, as its record holds it: a limit that it reached, and what to do."""
    return join(note("warn", one["detail"], one["action"]) for one in notes)


def tiles(figures: Sequence[tuple[str, str | Markup, bool]]) -> Markup:
    """Names with figures; the third of each says whether it is words rather than a number."""
    cells = join(
        Markup('<div><dt>{}</dt><dd class="{}">{}</dd></div>').format(
            name, "text" if words else "", value
        )
        for name, value, words in figures
    )
    in_row = len(figures) if len(figures) <= 5 else math.ceil(len(figures) / 2)
    return Markup('<dl class="tiles card" style="--most:{}">{}</dl>').format(in_row, cells)


def table(
    heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Markup | str]], label: str
) -> Markup:
    """A table. ``heads``: title and class of each column, in the order of the cells.

    On narrow screens a row becomes a block, and cells of class ``num`` or ``named`` are named.
    """
    top = join(Markup('<th scope="col" class="{}">{}</th>').format(c, name) for name, c in heads)
    body = join(
        Markup("<tr>{}</tr>").format(
            join(
                Markup('<td class="{}"{}>{}</td>').format(
                    kind,
                    Markup(' data-label="{}"').format(name)
                    if "num" in kind or "named" in kind
                    else NOTHING,
                    cell,
                )
                for (name, kind), cell in zip(heads, row, strict=True)
            )
        )
        for row in rows
    )
    return Markup(
        '<div class="table cards"><table aria-label="{}"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(label, top, body)


def row_link(href: str, words: str, below: str | Markup = "") -> Markup:
    """A row's first cell: its link covers the row."""
    sub = Markup('<span class="sub">{}</span>').format(below) if below else NOTHING
    return Markup('<a class="row" href="{}">{}</a>{}').format(href, words, sub)
