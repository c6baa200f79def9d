"""How a command reaches what it acts on: the API of the server that runs, or one of its own."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from backend.cli.loading import loading

if TYPE_CHECKING:
    from fastapi import FastAPI

    from backend.cli.connection import Api
    from backend.services import Parts

Result = TypeVar("Result")
MakeParts = Callable[[], "Parts"]


def make_parts_of(context: typer.Context) -> MakeParts:
    """What reads the settings when it is called."""
    make: MakeParts = context.obj
    return make


def parts_of(context: typer.Context) -> Parts:
    """The settings, and how a process makes what it opens. Raises :class:`InvalidSettings`."""
    return make_parts_of(context)()


def call(
    context: typer.Context,
    act: Callable[[Api], Awaitable[Result]],
    work: bool = False,
    rebuild: bool = False,
) -> Result:
    """Do something with the API: the running server's, or one opened for this command.

    ``work``: whether one opened for it works off ingestion runs; ``rebuild``: whether it may open
    an index that another encoder filled.
    """
    with loading():
        from backend import logs
        from backend.app import create_app
        from backend.cli.connection import connect
        from backend.services import open_parts, version

    parts = dataclasses.replace(parts_of(context), work=work, sample=False, rebuild=rebuild)

    # The log of a command that ends soon is noise; `CANDOR_LOG_LEVEL=debug` asks for it.
    level = parts.settings.log_level
    logs.configure("debug" if level == "debug" else "warning", parts.settings.log_format)

    async def run() -> Result:
        def make_app() -> FastAPI:
            return create_app(lambda: open_parts(parts), version(), with_console=False)

        async with connect(parts.settings, make_app) as api:
            return await act(api)

    return asyncio.run(run())
