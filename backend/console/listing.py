"""What lists share: an address that says what is shown, the line that leads from page to page, and
searching while typing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from markupsafe import Markup
from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from backend.console.forms import button
from backend.console.parts import show


class Pager:
    """Newer and older pages of a list that is read by cursor."""

    def __init__(self, cursor: str) -> None:
        self._cursor = cursor
        self._before: list[str] = [""] if cursor else []
        self._next: str | None = None

    def place(self, move: Callable[[str], Awaitable[None]]) -> None:
        """Put the line here. ``move`` shows the page that begins after a cursor."""

        async def forth() -> None:
            if self._next:
                self._before.append(self._cursor)
                self._cursor = self._next
                await move(self._cursor)

        async def back() -> None:
            if self._before:
                self._cursor = self._before.pop()
                await move(self._cursor)

        with ui.element("div").classes("pager"):
            self._words = show(Markup("")).props("role=status")
            with ui.element("div").classes("actions") as self._buttons:
                self._back = button("Previous", back, "tiny")
                self._forth = button("Next", forth, "tiny")

    def show(self, words: str, next_cursor: str | None, is_long: bool) -> None:
        """Say how much there is, and offer what there is to move to."""
        self._next = next_cursor
        self._words.set_content(Markup("{}").format(words))
        self._buttons.set_visibility(is_long)
        self._back.set_enabled(bool(self._before))
        self._forth.set_enabled(next_cursor is not None)

    def reset(self) -> None:
        """Start again at the first page."""
        self._cursor, self._before = "", []


class Wanted(Protocol):
    """What a list shows, as a frozen dataclass; ``after`` is the cursor of its page."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def after(self) -> str:
        """The cursor that the page begins after."""
        ...

    def address(self) -> str:
        """The address that shows just this."""
        ...


Kind = TypeVar("Kind", bound=Wanted)


class Steering(Generic[Kind]):
    """Where a list is, and how it gets elsewhere: it is drawn, and the address follows."""

    def __init__(self, wanted: Kind, draw: Callable[[Kind], Awaitable[None]]) -> None:
        self.wanted = wanted
        self.pager = Pager(wanted.after)
        self._draw = draw

    async def begin(self) -> None:
        """Draw the list for the first time."""
        await self._draw(self.wanted)

    async def move(self, cursor: str) -> None:
        """Show the page that begins after a cursor."""
        await self._go(replace(self.wanted, after=cursor))

    async def change(self, **changed: object) -> None:
        """Show something else, from its first page on."""
        self.pager.reset()
        await self._go(replace(self.wanted, **{**changed, "after": ""}))

    async def _go(self, now: Kind) -> None:
        self.wanted = now
        await self._draw(now)
        ui.navigate.history.replace(now.address())


def follow_typing(box: ui.input, change: Callable[[str], Awaitable[None]]) -> None:
    """Search a moment after the last key."""

    async def typed(event: ValueChangeEventArguments[str | None]) -> None:
        await change((event.value or "").strip()[:200])

    box.props("debounce=250").on_value_change(typed)
