"""``candor reindex``: every text in the database encoded and indexed again.

Where the encoder has changed, the new index is filled beside the old one, which keeps its place
until the last run has succeeded.
"""

from __future__ import annotations

from typing import Any

from backend.cli.connection import Api
from backend.cli.watching import watch_runs
from knowledge.index.open import activate_index, drop_index
from knowledge.settings import Settings


async def reindex(api: Api, settings: Settings) -> dict[str, Any]:
    """Queue the runs, wait for their end, and put a new index in the old one's place."""
    queued = await api.post("/reindex")
    runs = await watch_runs(api, [run["id"] for run in queued["runs"]])
    succeeded = all(run["state"] == "succeeded" for run in runs)
    replaced = None
    if succeeded and api.state is not None and api.state.rebuilt is not None:
        await activate_index(api.state.database, api.state.rebuilt.new)
        replaced = api.state.rebuilt.old
        await drop_index(settings, api.state.database, replaced)
    return {"runs": runs, "replaced": replaced}
