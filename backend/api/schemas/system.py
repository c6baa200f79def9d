"""What an installation says of itself over the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from backend.api.schemas.content import KnowledgeBaseView
from backend.api.schemas.runs import RunView


class Health(BaseModel):
    """The process is alive. ``instance`` tells it from one before it."""

    status: str = "ok"
    version: str
    instance: str


class Check(BaseModel):
    """One part and whether it is ready."""

    ok: bool
    detail: str = ""


class Readiness(BaseModel):
    """Whether the process can answer, part by part."""

    ready: bool
    checks: dict[str, Check] = Field(examples=[{"database": {"ok": True, "detail": ""}}])


class EndedRun(RunView):
    """A run that has ended. ``source``: the name of what it read, ``""`` for a reindexing."""

    source: str


class Status(BaseModel):
    """What a workspace holds and what is going on in it."""

    version: str
    encoder: str
    owner: str
    knowledge_bases: list[KnowledgeBaseView]
    runs: list[RunView] = Field(description="Those that have not ended.")
    ended: list[EndedRun] = Field(description="The newest that have ended, the newest first.")
    failed: list[dict[str, object]] = Field(
        description="The newest documents that could not be read, each with its reason."
    )


class Reindexed(BaseModel):
    """The runs that were queued."""

    runs: list[RunView]
