"""``/backups``"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import to_thread
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from backend.api.access import Owner
from backend.api.errors import PROBLEMS
from backend.api.idempotency import REPLAYED, Once
from backend.api.state import State
from backend.archive import pack, read_in_pieces
from backend.data_folder import store_fault
from knowledge.store.queries.people import record

router = APIRouter(prefix="/backups", tags=["system"], responses=PROBLEMS)


class Noted(BaseModel):
    """That the backup stands in the audit log."""


@router.post(
    "",
    summary="Make a backup and download it",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-tar": {}}}},
)
async def create_backup(caller: Owner, state: State, repetition: Once) -> StreamingResponse:
    """One tar file with the database, the vectors and the uploaded files. Nothing stops for it.

    The file is not kept: a repetition gets a new one, and is not noted a second time.
    """
    scratch = tempfile.TemporaryDirectory(dir=state.options.data, prefix=".backup-")
    try:
        archive = await pack(
            state.database,
            state.index,
            state.options.files_folder,
            state.options.version,
            Path(scratch.name),
        )
    except OSError as error:
        scratch.cleanup()
        raise store_fault(state.options.data, error) from error
    except BaseException:
        scratch.cleanup()
        raise
    async with state.database.writing() as session:

        async def note() -> Noted:
            record(session, caller.workspace_id, caller.actor, "backup.create")
            return Noted()

        noted = await repetition.once(session, caller, "backup", note, status=200)
    return StreamingResponse(
        _send(archive, scratch),
        media_type="application/x-tar",
        headers={"Content-Disposition": 'attachment; filename="candor-backup.tar"'}
        | ({} if isinstance(noted, Noted) else REPLAYED),
    )


async def _send(archive: Path, scratch: tempfile.TemporaryDirectory[str]) -> AsyncIterator[bytes]:
    try:
        async for piece in read_in_pieces(archive):
            yield piece
    finally:
        await to_thread.run_sync(scratch.cleanup)
