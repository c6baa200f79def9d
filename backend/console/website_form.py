"""The form of a website: its address and rules, and what they would let in, before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import SCHEDULES, Again, lines, opener, with_scheme
from backend.console.forms import Act, area, button, choice, dialog, field, foot, on_enter
from backend.console.frame import done
from backend.console.numbers import number
from backend.console.parts import join, note, show
from backend.console.visit import Visit
from backend.console.words import count
from knowledge.crawl_limits import DEFAULT_BYTES, DEFAULT_PAGES, LEAST_BYTES, MOST_BYTES
from knowledge.crawl_preview import LETS_IN, Rule
from knowledge.errors import CandorError, InvalidInput

_RULES = {
    Rule.START: "the start page",
    Rule.INCLUDE: "fits a path that is wanted",
    Rule.FOLDER: "below the start page",
    Rule.NOT_INCLUDED: "fits none of the paths that are wanted",
    Rule.EXCLUDE: "fits a path that is left out",
    Rule.OTHER_HOST: "on another host",
    Rule.FILE_TYPE: "a type of file that is not read",
    Rule.TOO_LONG: "an address that is too long",
    Rule.TOO_DEEP: "too many links away",
    Rule.ROBOTS: "the website’s robots.txt asks to leave it out",
    Rule.TRAP: "one of addresses without end, such as a calendar’s",
    Rule.NO_ADDRESS: "not an address of a page",
}
_SHOWN = 12
_MEGABYTE = 1_000_000


def website(
    visit: Visit, knowledge_base_id: UUID, again: Again, known: Mapping[str, Any] | None = None
) -> Act:
    """A dialog that adds a website, or changes the rules of one whose ``config`` is ``known``."""
    title = "What is read of it" if known else "Add a website"
    config: Mapping[str, Any] = known or {}
    with dialog(title) as made:
        start = field(
            "Address",
            str(config.get("start", "")),
            help="Pages on the same host and below this path are read, by sitemap and by links.",
            placeholder="https://www.example.com/",
        )
        if known:
            start.props("readonly")
        with ui.element("div").classes("two"):
            include = area(
                "Only these paths", _joined(config, "include"), "One a line, such as /docs/*", 3
            )
            exclude = area(
                "Without these paths", _joined(config, "exclude"), "One a line, such as /blog/*", 3
            )
        with ui.element("div").classes("two"):
            pages = field("At most how many pages", str(config.get("max_pages", DEFAULT_PAGES)))
            schedule = (
                None if known else choice("Read again by itself", SCHEDULES, "", multiple=False)
            )
        details = ui.element("details").props("open" if known else "")
        with details:
            show(Markup("More start pages, sitemaps, and how much is read"), tag="summary")
        with details, ui.element("div").classes("stack"):
            with ui.element("div").classes("two"):
                starts = area(
                    "More start pages",
                    _joined(config, "more_starts"),
                    "One a line. Their hosts are read as well",
                    2,
                )
                sitemaps = area(
                    "Sitemaps",
                    _joined(config, "sitemaps"),
                    "One a line. Those that it names itself are read anyway",
                    2,
                )
            most = int(config.get("max_bytes", DEFAULT_BYTES))
            megabytes = field(
                "At most how many megabytes",
                f"{most / _MEGABYTE:.12g}",
                "For each time that it is read. Pages that have not changed hardly count.",
            )
        render = ui.checkbox(
            "Run the JavaScript of its pages", value=bool(config.get("render", False))
        )
        show(
            Markup('<p class="soft small">{}</p>').format(
                "For websites whose text is not in their HTML. Each page opens in a browser on the "
                "server, which is much slower and needs the extra “browser” there."
            ),
            classes="under",
        )
        shown = show(Markup("")).props("role=status")

        def rules() -> dict[str, object]:
            return {
                **{name: config[name] for name in ("max_depth", "sitemap") if name in config},
                "start": with_scheme(start.value),
                "more_starts": [with_scheme(line) for line in lines(starts.value)],
                "include": lines(include.value),
                "exclude": lines(exclude.value),
                "max_pages": pages.value.strip() or str(DEFAULT_PAGES),
                "max_bytes": _bytes(megabytes.value),
                "sitemaps": [with_scheme(line) for line in lines(sitemaps.value)],
                "render": bool(render.value),
            }

        async def preview() -> None:
            shown.set_content(Markup('<p class="soft small">Looking at the website…</p>'))
            try:
                found = await visit.send("POST", "/sources/preview", rules())
            except CandorError:
                shown.set_content(Markup(""))
                raise
            shown.set_content(previewed(found))

        async def save() -> None:
            body = rules() | {"kind": "website"}
            if schedule is not None:
                body["schedule"] = schedule.value
            await visit.send("POST", f"/knowledge-bases/{knowledge_base_id}/sources", body)
            made.close()
            done("The website is being read.")
            await again()

        with foot(made):
            button("Preview", preview)
            button("Read it anew" if known else "Add website", save, "primary")
        on_enter(start, preview)
    return opener(made)


def _bytes(megabytes: str) -> int:
    """A number of megabytes that somebody typed, in bytes; the usual limit where none was.

    Raises :class:`InvalidInput`.
    """
    if not megabytes.strip():
        return DEFAULT_BYTES
    found = number("At most how many megabytes", megabytes)
    if not LEAST_BYTES <= found * _MEGABYTE <= MOST_BYTES:
        raise InvalidInput(
            f"A crawl cannot be limited to {megabytes} megabytes.",
            f"Give a number up to {MOST_BYTES // _MEGABYTE:,}.",
        )
    return round(found * _MEGABYTE)


def previewed(found: Mapping[str, Any]) -> Markup:
    """What a preview found, in words: how much, and each address with the rule that decides."""
    start = found["start"]
    notes = []
    if start["fault"]:
        notes.append(note("bad", "The start page could not be read", start["fault"]))
    if start["noindex"]:
        notes.append(note("warn", "", "The start page asks not to be indexed."))
    if found["stopped"]:
        notes.append(note("", "", "There is more than could be looked at here."))
    if found["over_limit"]:
        notes.append(note("warn", "", "More pages belong to it than the limit lets in."))
    let_in = {str(rule) for rule in LETS_IN}
    counts = found["counts"]
    groups = [
        _group("Would be read", found, [rule for rule in counts if rule in let_in]),
        _group("Would be left out", found, [rule for rule in counts if rule not in let_in]),
    ]
    sitemaps = count(len(found["sitemaps"]), "sitemap") if found["sitemaps"] else "no sitemap"
    return Markup(
        '<div class="stack tight">{}{}<p class="soft small">Seen in {} and on the start page. '
        "Links on further pages are found as they are read.</p></div>"
    ).format(join(notes), join(groups), sitemaps)


def _group(title: str, found: Mapping[str, Any], rules: Sequence[str]) -> Markup:
    whole = sum(found["counts"][rule] for rule in rules)
    if not whole:
        return Markup("")
    rows = [one for one in found["addresses"] if one["rule"] in rules]
    listed = join(
        Markup('<li><span class="name">{}</span><span class="soft small">{}</span></li>').format(
            one["address"], _reason(one)
        )
        for one in rows[:_SHOWN]
    )
    more = whole - min(len(rows), _SHOWN)
    return Markup(
        '<section class="stack tight"><h3>{}: {}</h3><ul class="judged">{}</ul>{}</section>'
    ).format(
        title,
        count(whole, "address", "addresses"),
        listed,
        Markup('<p class="soft small">and {} more</p>').format(f"{more:,}") if more else "",
    )


def _reason(one: Mapping[str, Any]) -> str:
    rule = Rule(one["rule"])
    is_pattern = rule in (Rule.INCLUDE, Rule.EXCLUDE) and one["pattern"]
    return f"{_RULES[rule]}: {one['pattern']}" if is_pattern else _RULES[rule]


def _joined(config: Mapping[str, Any], name: str) -> str:
    return "\n".join(config.get(name, ()))
