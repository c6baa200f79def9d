"""``Idempotency-Key``: a creating request that is repeated gets the answer of the first."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from backend.api.access import Caller
from knowledge.store.database import WriteSession
from knowledge.store.queries.idempotency import claim, keep

View = TypeVar("View", bound=BaseModel)

REPLAYED = {"Idempotent-Replayed": "true"}
"""What the answer to a repetition says of itself."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """Whether a request repeats another: its key, if it has one, and where it was sent."""

    key: str | None
    target: str

    async def once(
        self,
        session: WriteSession,
        caller: Caller,
        content: BaseModel | str,
        make: Callable[[], Awaitable[View]],
        secret: str = "",
        status: int = 201,
    ) -> View | JSONResponse:
        """Make the thing, or return what was made when this key came first.

        ``content`` tells one request from another. ``secret`` names a field of the answer that is
        shown once and not kept: a repetition gets it empty. ``status``: of the answer.
        """
        workspace_id = caller.workspace_id
        return await self._once(session, workspace_id, self.key, content, make, secret, status)

    async def once_for_visitor(
        self,
        session: WriteSession,
        workspace_id: UUID,
        visitor: str,
        content: BaseModel,
        make: Callable[[], Awaitable[View]],
    ) -> View | JSONResponse:
        """The same for somebody outside: ``visitor`` tells their keys from everybody else's."""
        own = self.key and hashlib.sha256(f"{visitor}\n{self.key}".encode()).hexdigest()
        return await self._once(session, workspace_id, own, content, make, "", 201)

    async def _once(
        self,
        session: WriteSession,
        workspace_id: UUID,
        key: str | None,
        content: BaseModel | str,
        make: Callable[[], Awaitable[View]],
        secret: str,
        status: int,
    ) -> View | JSONResponse:
        if key is None:
            return await make()
        words = content if isinstance(content, str) else content.model_dump_json()
        digest = hashlib.sha256(f"{self.target}\n{words}".encode()).hexdigest()
        earlier = await claim(session, workspace_id, key, digest)
        if earlier is not None:
            return JSONResponse(earlier.response, status_code=earlier.status, headers=REPLAYED)
        made = await make()
        kept = made.model_dump(mode="json") | ({secret: ""} if secret else {})
        await keep(session, workspace_id, key, status, kept)
        return made


def _repetition(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            min_length=1,
            description="Send the same key with a repetition of the request, and nothing is made "
            "twice.",
        ),
    ] = None,
) -> Repetition:
    return Repetition(idempotency_key, f"{request.method} {request.url.path}")


Once = Annotated[Repetition, Depends(_repetition)]
