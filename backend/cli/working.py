"""``candor worker``: ingestion in a process of its own, beside any number of servers."""

from __future__ import annotations

import asyncio
import dataclasses
import signal

import structlog

from backend import logs
from backend.services import Parts, is_embedded, open_parts
from knowledge.errors import InvalidSettings


async def work(parts: Parts) -> None:
    """Work off runs until a signal ends it.

    Raises :class:`InvalidSettings` with the embedded database or index, which have one owner.
    """
    settings = parts.settings
    logs.configure(settings.log_level, settings.log_format)
    if is_embedded(settings):
        raise InvalidSettings(
            "A worker of its own needs servers that several processes can share.",
            "Set CANDOR_DATABASE_URL and CANDOR_QDRANT_URL; without them `candor serve` works off "
            "ingestion itself.",
        )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with open_parts(dataclasses.replace(parts, work=True, sample=False)):
        structlog.get_logger().info("worker ready")
        await stopped.wait()
