"""Pieces of pages that people act on: buttons, fields, dialogs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from markupsafe import Markup
from nicegui import ui

from backend.console.frame import tell
from backend.console.parts import show
from knowledge.errors import CandorError

Act = Callable[[], Awaitable[None]]


def button(words: str, act: Act, kind: str = "") -> ui.button:
    """A button. While it acts it is not pressed again; an error is told, not swallowed."""

    async def press() -> None:
        pressed.props("loading")
        try:
            await done_whole(act)
        finally:
            if not pressed.is_deleted:
                pressed.props(remove="loading")

    pressed = ui.button(words, on_click=press, color=None).props("no-caps unelevated")
    return pressed.classes(kind)


def on_enter(control: ui.element, act: Act) -> None:
    """Do the same as a button where Enter is pressed in a field."""
    control.on("keydown.enter", partial(done_whole, act))


async def done_whole(act: Act) -> None:
    """Do an act to its end, and tell an error.

    An act that closes its dialog goes on when the dialog, and with it the button that was pressed,
    is long gone from the page; so it acts for the page, not for the button.
    """
    with ui.context.client.content:
        try:
            await act()
        except CandorError as error:
            tell(error)


def link_button(words: str, to: str, kind: str = "") -> ui.button:
    """A link that looks like a button."""
    made = ui.button(words, color=None).props("no-caps unelevated").classes(kind)
    made.props["href"] = to
    return made


def field(label: str, value: str = "", help: str = "", **options: Any) -> ui.input:
    """A line of text under its label."""
    with ui.element("div").classes("field"):
        made = ui.input(value=value, **options).props(
            "outlined dense no-error-icon hide-bottom-space"
        )
        _label(made, label, help)
    return made


def area(label: str, value: str = "", help: str = "", rows: int = 4) -> ui.textarea:
    """Several lines of text under their label."""
    with ui.element("div").classes("field"):
        made = ui.textarea(value=value).props(f"outlined dense rows={rows} hide-bottom-space")
        _label(made, label, help)
    return made


def choice(
    label: str, options: dict[str, str], value: Any, help: str = "", multiple: bool = False
) -> ui.select:
    """One of several, or several of them."""
    with ui.element("div").classes("field"):
        made = ui.select(options, value=value, multiple=multiple)
        made.props("outlined dense hide-bottom-space" + (" use-chips" if multiple else ""))
        _label(made, label, help)
    return made


@contextmanager
def dialog(title: str) -> Iterator[ui.dialog]:
    """A dialog under a heading; open it with ``open``."""
    with ui.dialog() as made, ui.element("div").classes("sheet"):
        made.props["aria-label"] = title
        show(Markup("<h2>{}</h2>").format(title))
        yield made


@contextmanager
def foot(of: ui.dialog) -> Iterator[None]:
    """The row of buttons that ends a dialog; the one that leaves it comes first."""
    with ui.element("div").classes("foot"):
        ui.button("Cancel", on_click=of.close, color=None).props("no-caps unelevated").classes(
            "ghost"
        )
        yield


def confirm(title: str, words: str, does: str, act: Act) -> ui.dialog:
    """A dialog that says what an act takes with it, before it is done."""

    async def go() -> None:
        await act()
        made.close()

    with dialog(title) as made:
        show(Markup("<p>{}</p>").format(words))
        with foot(made):
            button(does, go, "danger primary")
    return made


def _label(control: ui.element, label: str, help: str) -> None:
    """A visible label, which is also what screen readers say."""
    name = f"field-{control.id}"
    made = show(Markup('<label for="{}">{}</label>').format(name, label))
    made.move(target_index=0)
    control.props["for"] = name
    if help:
        show(Markup('<span class="help">{}</span>').format(help))
