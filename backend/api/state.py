"""What every request works with: opened once, in the application's lifespan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID, uuid4

from fastapi import Depends
from starlette.requests import HTTPConnection

from backend.api.day_use import DayUse
from backend.api.handoff_desk import Bells, HandoffDesk
from backend.api.lead_webhooks import LeadWebhooks
from backend.api.limits import Limits
from backend.api.mcp_endpoint import McpEndpoint
from backend.api.metrics import Metrics
from backend.api.openid import OpenIdProvider
from backend.api.staff_mail import StaffMail
from backend.api.turns import Turns
from knowledge.crawl_preview import Previewer
from knowledge.encode.encoder import Encoder
from knowledge.index.search_index import SearchIndex
from knowledge.store.database import Database
from knowledge.store.queries.credentials import new_secret

if TYPE_CHECKING:
    from backend.chat.turn import Chat
    from backend.explain.explain import Explainer
    from backend.insights.gaps import Gaps
    from backend.search.search import Searcher


class Worker(Protocol):
    """What works off ingestion runs in this process."""

    async def start(self) -> None:
        """Begin to work off runs, those of a process that died first."""
        ...

    async def stop(self) -> None:
        """End after the steps in flight."""
        ...

    def wake(self) -> None:
        """There is something to do: look now."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the API must know of the settings."""

    version: str
    data: Path
    files_folder: Path
    upload_max_bytes: int
    public_url: str = ""
    embedded: bool = True


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A new index, by name, that takes the place of the old one once it is filled."""

    new: str
    old: str


@dataclass(frozen=True, slots=True)
class AppState:
    """The open parts of one process.

    ``workspace_id`` is the workspace that the command line works in; ``local_token`` lets it in
    as the owner and lives in memory alone. ``instance`` tells this process from one before it.
    """

    options: Options
    database: Database
    index: SearchIndex
    encoder: Encoder
    searcher: Searcher
    explainer: Explainer
    chat: Chat
    gaps: Gaps
    workspace_id: UUID
    worker: Worker | None = None
    local_token: str = field(default_factory=lambda: new_secret("local"))
    instance: str = field(default_factory=lambda: uuid4().hex)
    metrics: Metrics = field(default_factory=Metrics)
    limits: Limits = field(default_factory=Limits)
    turns: Turns = field(default_factory=Turns)
    day_use: DayUse = field(default_factory=DayUse)
    bells: Bells = field(default_factory=Bells)
    mcp: McpEndpoint = field(default_factory=McpEndpoint)
    lead_webhooks: LeadWebhooks | None = None
    rebuilt: Rebuilt | None = None
    previewer: Previewer | None = None
    openid: OpenIdProvider | None = None
    mail: StaffMail | None = None

    @property
    def handoffs(self) -> HandoffDesk:
        """Where visitors and staff write to each other."""
        return HandoffDesk(self.database, self.bells)

    def wake(self) -> None:
        """Tell the worker of this process, if it has one, that a run was queued."""
        if self.worker is not None:
            self.worker.wake()


def current_state(connection: HTTPConnection) -> AppState:
    """The state of the application that a request came to."""
    state: AppState = connection.app.state.candor
    return state


State = Annotated[AppState, Depends(current_state)]
