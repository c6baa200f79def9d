"""The composition root and the command line's entry: the one module that knows both paths.

The read path (``backend``) and the write path (``ingestion``) never import each other. Here the
worker of the write path is handed to the read path's process, and the settings are read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from backend.cli.errors import guarded, invalid_settings
from backend.cli.program import program

if TYPE_CHECKING:
    from backend.api.lead_webhooks import Poster
    from backend.api.state import Worker
    from backend.chat.llm import Addresses
    from backend.services import Parts
    from knowledge.crawl_preview import Previewer
    from knowledge.encode.encoder import Encoder
    from knowledge.index.search_index import SearchIndex
    from knowledge.settings import Settings
    from knowledge.store.database import Database


def make_parts() -> Parts:
    """Read the settings and say how a process makes what it opens.

    Raises :class:`InvalidSettings`.
    """
    # Everything heavy is imported when a command runs: `candor --help` answers at once.
    from pydantic import ValidationError

    from backend.models import open_encoder
    from backend.services import Parts
    from knowledge.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        raise invalid_settings(error) from error
    return Parts(
        settings,
        _make_worker,
        open_encoder,
        _make_previewer,
        _make_poster,
        _make_guard,
    )


def _make_worker(
    database: Database, index: SearchIndex, encoder: Encoder, settings: Settings
) -> Worker:
    from ingestion.worker import Worker

    return Worker(database, index, encoder, settings)


def _make_previewer(settings: Settings) -> Previewer:
    from ingestion.worker import make_previewer

    return make_previewer(settings)


def _make_poster(settings: Settings) -> Poster:
    from ingestion.posting import Poster

    return Poster(settings.user_agent, settings.allowed_private_hosts)


def _make_guard(settings: Settings) -> Addresses:
    from ingestion.address_guard import AddressGuard

    allowed = settings.allowed_private_hosts

    async def addresses(host: str, port: int) -> list[str]:
        # A guard remembers its judgement: one for each connection sees when a name has moved.
        return await AddressGuard(allowed).addresses(host, port)

    return addresses


def run() -> None:
    """Run the command line: errors become words and an exit code."""
    sys.exit(guarded(lambda: program(obj=make_parts, standalone_mode=False)))


if __name__ == "__main__":
    run()
