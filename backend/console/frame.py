"""What all pages share: who may open them, the navigation, the head, and how refusals look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import structlog
from fastapi import Request
from markupsafe import Markup
from nicegui import ui
from nicegui.elements.html import Html

from backend.console.assets import address
from backend.console.icons import icon
from backend.console.parts import empty, join, note, show
from backend.console.visit import VISIT, Visit
from knowledge.errors import CandorError, NotFound, Unauthenticated
from knowledge.store.tables import Role

_log = structlog.get_logger()

MENU = (
    ("content", "Content", "/console/"),
    ("documents", "Documents", "/console/documents"),
    ("explain", "Explain", "/console/explain"),
    ("rules", "Rules", "/console/rules"),
    ("evaluation", "Evaluation", "/console/evaluation"),
    ("conversations", "Conversations", "/console/conversations"),
    ("insights", "Insights", "/console/insights"),
    ("leads", "Leads", "/console/leads"),
    ("assistants", "Assistants", "/console/assistants"),
    ("system", "System", "/console/system"),
)

Builder = Callable[..., Awaitable[None]]

_NEEDS = {"leads": Role.EDITOR}
"""Sections that not every role may open; the menu leaves them out for others."""

_PATIENCE_S = 30.0
"""A busy server builds a page late rather than not at all; NiceGUI's own patience is 3 s."""


def page(path: str, section: str, role: Role = Role.VIEWER) -> Callable[[Builder], Builder]:
    """Register a page. Its builder gets the visit, and the path's and the query's parameters.

    Who lacks the role, and who asks for what is not there, gets a page that says so.
    """

    def register(build: Builder) -> Builder:
        @wraps(build)
        async def guarded(request: Request, **values: Any) -> None:
            visit: Visit = request.scope[VISIT]
            _frame(visit, section)
            client = ui.context.client
            if not visit.may(role):
                client.status_code = 403
                _refuse(
                    f"This page needs the role {role}",
                    f"Yours is {visit.caller.role}. Ask an owner of the workspace.",
                )
                return
            try:
                await build(visit=visit, **values)
            except NotFound as error:
                client.status_code = 404
                client.content.clear()
                with client:
                    _refuse("There is no such thing here", error.detail, error.action)
            except Exception as error:  # noqa: BLE001 - a page is the edge of the process
                # NiceGUI's own page would tell the words of any error to whoever asks.
                _log.error("console.page_failed", path=path, exc_info=error)
                client.status_code = 500
                client.content.clear()
                with client:
                    _refuse("This page cannot be shown", *_told(error))

        guarded.__signature__ = _signature(build)  # type: ignore[attr-defined]
        ui.page(path, response_timeout=_PATIENCE_S)(guarded)
        return build

    return register


def head(
    title: str, crumbs: Sequence[tuple[str, str]] = (), below: str | Markup = ""
) -> ui.element:
    """The top of a page: where it is, its title, a line below. Returns the room for its buttons."""
    ui.page_title(f"{title} · Candor")
    path = join((Markup('<a href="{}">{}</a>').format(to, words) for words, to in crumbs), " / ")
    with ui.element("header").classes("head"):
        show(
            Markup("{}<h1>{}</h1>{}").format(
                Markup('<nav class="crumbs" aria-label="Above this page">{}</nav>').format(path)
                if crumbs
                else "",
                title,
                Markup('<p class="soft">{}</p>').format(below) if below else "",
            ),
            classes="title",
        )
        return ui.element("div").classes("actions")


def tabs(current: str, *links: tuple[str, str]) -> None:
    """Links between the pages of one section; the current one names the browser's tab."""
    ui.page_title(f"{current} · Candor")
    shown = join(
        Markup('<a href="{}"{}>{}</a>').format(
            to, Markup(' aria-current="page"') if words == current else "", words
        )
        for words, to in links
    )
    show(shown, tag="nav", classes="tabs").props('aria-label="Pages of this section"')


@contextmanager
def section(title: str, below: str = "") -> Iterator[ui.element]:
    """A part of a page under a heading. Yields the room for buttons beside the heading."""
    with ui.element("section").classes("section"):
        with ui.element("div").classes("top"):
            words = Markup('<p class="soft small">{}</p>').format(below) if below else ""
            show(Markup("<h2>{}</h2>{}").format(title, words))
            room = ui.element("div").classes("actions")
        yield room


@dataclass(slots=True)
class Live:
    """A part of a page that is drawn anew while something runs.

    ``asked`` counts how often it was to be drawn: a drawing that began before the last time may
    have seen less than that, and does not end the watch.
    """

    timer: ui.timer
    draw: Callable[[], Awaitable[None]]
    asked: int = 0

    async def again(self) -> None:
        """Draw now, and go on while there is something to see."""
        self.asked += 1
        self.timer.activate()
        await self.draw()


def live(visit: Visit, draw: Callable[[], Awaitable[bool]], running: bool) -> Live:
    """Draw again every second while ``draw`` answers that something still runs.

    It rests where nothing does, and ends where the session has.
    """

    async def tick() -> None:
        asked = made.asked
        try:
            await visit.check()
            if not await draw() and asked == made.asked:
                timer.deactivate()
        except (Unauthenticated, NotFound) as error:
            timer.deactivate()
            tell(error)

    timer = ui.timer(1.0, tick, active=running, immediate=False)

    async def once() -> None:
        await draw()

    made = Live(timer, once)
    return made


def go(to: str) -> None:
    """Open another page of the console. NiceGUI puts the path that it is mounted at before it."""
    ui.navigate.to(to.removeprefix("/console"))


def origin(visit: Visit) -> str:
    """Scheme and host that others reach the server at, for addresses that are copied."""
    request = ui.context.client.request
    host = request.headers.get("host", "")
    return visit.state.options.public_url or f"{request.url.scheme}://{host}"


def tell(error: CandorError) -> None:
    """Say what went wrong and what to do about it."""
    words = "\n".join(part for part in (error.detail, error.action) if part)
    ui.notify(words, position="bottom", timeout=8000, classes="alarm", close_button="Close")


def done(words: str) -> None:
    """Say that something was done."""
    ui.notify(words, position="bottom", timeout=3500)


def show_error(error: CandorError) -> Html:
    """An error as a part of the page."""
    return show(note("bad", error.detail, error.action)).props("role=alert")


async def show_outcome(
    room: ui.element, waiting: str, make: Callable[[], Awaitable[Markup]]
) -> None:
    """Show in ``room`` what ``make`` comes to, or its error; until then that one waits for it."""
    room.clear()
    with room:
        show(note("", "", waiting))
    try:
        made = await make()
    except CandorError as error:
        room.clear()
        with room:
            show_error(error)
        return
    room.clear()
    with room:
        show(made)


def _refuse(title: str, *lines: str) -> None:
    ui.page_title(f"{title} · Candor")
    show(empty("close", title, *lines)).classes("card")


def _told(error: Exception) -> tuple[str, ...]:
    if isinstance(error, CandorError):
        return (error.detail, error.action)
    return ("The server's log says why.", "Load it again; if it stays, tell who runs the server.")


def _signature(build: Builder) -> Any:
    """The builder's parameters for the router, with the request in place of the visit."""
    import inspect

    shape = inspect.signature(build, eval_str=True)
    request = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request
    )
    rest = [value for name, value in shape.parameters.items() if name != "visit"]
    return shape.replace(parameters=[request, *rest], return_annotation=None)


def _frame(visit: Visit, current: str) -> None:
    ui.add_head_html(
        f'<link rel="stylesheet" href="{address("console.css")}">'
        f'<link rel="stylesheet" href="{address("desk.css")}">'
        f'<script src="{address("console.js")}"></script>'
        f'<script type="module" src="{address("drafts.js")}"></script>'
    )
    client = ui.context.client
    with client.layout:
        nav = show(_navigation(visit, current), tag="header", classes="nav")
    nav.move(client.layout, target_index=0)
    client.content.props("id=content")


def _navigation(visit: Visit, current: str) -> Markup:
    links = join(
        Markup('<a href="{}"{}>{}{}</a>').format(
            to, Markup(' aria-current="page"') if name == current else "", icon(name), words
        )
        for name, words, to in MENU
        if visit.may(_NEEDS.get(name, Role.VIEWER))
    )
    brand = Markup(
        '<a class="brand" href="/console/"><img src="/widget/v1/pages/icon.svg" alt="">Candor</a>'
    )
    account = Markup(
        '<div class="account"><div><a class="who" href="/console/account" title="{actor}">'
        '{actor}</a><div class="soft">{role}</div></div><div class="row">'
        '<button class="text" data-act="theme"></button>'
        '<form method="post" action="/sign-out"><button class="text">Sign out</button></form>'
        "</div></div>"
    ).format(actor=visit.caller.actor, role=visit.caller.role.capitalize())
    menu = Markup('<nav class="links" aria-label="{}">{}</nav>')
    return Markup(
        '<a class="skip" href="#content">Skip to the content</a>'
        '<div class="side">{brand}{menu}{account}</div>'
        '<div class="bar">{brand}<button popovertarget="drawer" aria-label="Menu">{open}</button>'
        '</div><div class="drawer" id="drawer" popover><div class="side">{brand}{narrow}{account}'
        "</div></div>"
    ).format(
        brand=brand,
        menu=menu.format("Console", links),
        narrow=menu.format("Menu", links),
        account=account,
        open=icon("menu"),
    )
