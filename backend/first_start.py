"""What the first start makes: a workspace with its owner, and a sample to ask.

The sample is Candor's own documentation in a knowledge base of its own, with an assistant over it.
"""

from __future__ import annotations

import hashlib
import mimetypes
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from anyio import to_thread

from backend.data_folder import store_fault
from knowledge.store.database import Database, WriteSession
from knowledge.store.files import place_of
from knowledge.store.queries.assistants import new_public_key
from knowledge.store.queries.credentials import create_link, has_signed_in
from knowledge.store.queries.documents import QueuedFile, queue_files
from knowledge.store.queries.knowledge_bases import create_knowledge_base
from knowledge.store.queries.people import (
    alone,
    create_workspace,
    first_owner,
    first_workspace,
    record,
)
from knowledge.store.queries.runs import queue_run
from knowledge.store.queries.sources import upload_source
from knowledge.store.tables import Assistant, Role

DOCUMENTATION = Path(__file__).parents[1] / "docs"
SAMPLE_NAME = "Candor documentation"
_WELCOME = (
    "Ask about Candor. I quote its documentation and link every sentence to its source; where it "
    "says nothing, I say so."
)
_SUGGESTIONS = [
    "How do I add my website?",
    "What does Candor do when it finds no answer?",
    "How do I make a backup?",
    "Which addresses does the crawler refuse?",
]


@dataclass(frozen=True, slots=True)
class Installed:
    """The workspace that the command line works in; ``fresh`` where it was made just now."""

    workspace_id: UUID
    fresh: bool


async def ensure_workspace(database: Database, owner_email: str) -> Installed:
    """The first workspace, made with its owner where there is none."""
    async with database.reading() as session:
        found = await first_workspace(session)
    if found is not None:
        return Installed(found.id, fresh=False)
    async with database.writing() as writing:
        await alone(writing)
        found = await first_workspace(writing)
        if found is not None:
            return Installed(found.id, fresh=False)
        workspace, _ = await create_workspace(writing, "Workspace", owner_email)
        record(writing, workspace.id, "system", "workspace.create")
    return Installed(workspace.id, fresh=True)


async def owner_link(database: Database, workspace_id: UUID) -> str | None:
    """A new sign-in token for the owner, as long as no owner has ever signed in."""
    async with database.reading() as session:
        owner = await first_owner(session, workspace_id)
        if owner is None or await has_signed_in(session, Role.OWNER):
            return None
    async with database.writing() as writing:
        return await create_link(writing, owner.id)


async def make_sample(database: Database, workspace_id: UUID, files_folder: Path) -> None:
    """Put the documentation into a knowledge base, queue its reading, and make the assistant."""
    files = await to_thread.run_sync(_store_documentation, files_folder)
    if not files:
        return
    async with database.writing() as session:
        base = await create_knowledge_base(
            session, workspace_id, SAMPLE_NAME, "The sample: remove it when you have your own."
        )
        source = await upload_source(session, base.id)
        await queue_files(session, base.id, source.id, files)
        await queue_run(session, base.id, source.id)
        _add_assistant(session, workspace_id, base.id)
        record(session, workspace_id, "system", "sample.create", SAMPLE_NAME)


def _add_assistant(session: WriteSession, workspace_id: UUID, knowledge_base_id: UUID) -> None:
    session.add(
        Assistant(
            workspace_id=workspace_id,
            name="Candor",
            public_key=new_public_key(),
            knowledge_base_ids=[str(knowledge_base_id)],
            welcome=_WELCOME,
            suggestions=_SUGGESTIONS,
            sample=True,
        )
    )


def _store_documentation(files_folder: Path) -> list[QueuedFile]:
    stored = []
    try:
        for file in sorted(DOCUMENTATION.glob("*.md")):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            place = place_of(files_folder, digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            media_type = mimetypes.guess_type(file.name)[0] or "text/markdown"
            stored.append(
                QueuedFile(
                    address=f"upload:///{file.name}",
                    title=file.name,
                    stored_file=digest,
                    size_bytes=file.stat().st_size,
                    media_type=media_type,
                )
            )
    except OSError as error:
        raise store_fault(files_folder, error) from error
    return stored
