"""Who is calling, and whether the role allows it.

A caller is known by a bearer token (``Authorization: Bearer candor_...``), by the session cookie
of a signed-in browser, or by the token that a server leaves for the command line of its own user.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from backend.api.state import AppState, State
from knowledge.errors import Forbidden, Unauthenticated
from knowledge.store.queries.credentials import find_session, find_token, seen_long_ago, touch
from knowledge.store.tables import ApiToken, Role, UserSession

COOKIE = "candor_session"
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2, Role.OWNER: 3}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_bearer = HTTPBearer(auto_error=False, description="An API token: `candor token create`.")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description="The session of a signed-in browser."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. ``actor`` is how the audit log names them."""

    workspace_id: UUID
    role: Role
    actor: str
    user_id: UUID | None = None
    session_id: UUID | None = None

    def may(self, role: Role) -> bool:
        """Whether this caller has at least a role."""
        return _RANK[self.role] >= _RANK[role]


async def identify(
    request: Request,
    state: State,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    cookie: Annotated[str | None, Security(_cookie)],
) -> Caller:
    """Who sent this request. Raises :class:`Unauthenticated`, or :class:`Forbidden` for a write
    that another website made a browser send.
    """
    if bearer is not None:
        return await _by_token(state, bearer.credentials)
    if cookie:
        caller = await caller_by_session(state, cookie)
        if request.method not in _SAFE_METHODS and not is_same_origin(request, state):
            raise Forbidden(
                "A signed-in browser may change things only from Candor's own pages.",
                "Use an API token, or set CANDOR_PUBLIC_URL to the address in the browser.",
            )
        return caller
    raise Unauthenticated(
        "This address needs a token or a signed-in browser.",
        "Send `Authorization: Bearer TOKEN`; `candor token create` makes one.",
    )


def at_least(role: Role) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets callers with a role, or one above it, through."""

    async def check(caller: Annotated[Caller, Depends(identify)]) -> Caller:
        if not caller.may(role):
            raise Forbidden(
                f"This needs the role {role}; yours is {caller.role}.",
                "Ask an owner of the workspace.",
            )
        return caller

    return check


Viewer = Annotated[Caller, Depends(at_least(Role.VIEWER))]
Editor = Annotated[Caller, Depends(at_least(Role.EDITOR))]
Admin = Annotated[Caller, Depends(at_least(Role.ADMIN))]
Owner = Annotated[Caller, Depends(at_least(Role.OWNER))]


def is_same_origin(request: Request, state: AppState) -> bool:
    """Whether a browser sent this from one of this server's own pages."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site") in ("same-origin", "none")
    return origin in own_origins(request, state)


def page_origin(request: Request, state: AppState) -> str | None:
    """The origin of the page that a browser sent a request from; ``None`` where none is named.

    Browsers name no ``Origin`` in what a page reads from its own server: such a page is known by
    ``Sec-Fetch-Site``, or by ``Referer`` in browsers that are too old for that.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        return origin
    site = request.headers.get("sec-fetch-site")
    if site == "same-origin":
        return f"{request.url.scheme}://{request.headers.get('host', '')}"
    referrer = urlsplit(request.headers.get("referer", ""))
    origin = f"{referrer.scheme}://{referrer.netloc}"
    return origin if site is None and origin in own_origins(request, state) else None


def own_origins(request: Request, state: AppState) -> set[str]:
    """The origins that this server's own pages have."""
    origins = {f"{request.url.scheme}://{request.headers.get('host', '')}"}
    if state.options.public_url:
        parts = urlsplit(state.options.public_url)
        origins.add(f"{parts.scheme}://{parts.netloc}")
    return origins


async def _by_token(state: AppState, token: str) -> Caller:
    if hmac.compare_digest(token.encode(), state.local_token.encode()):
        return Caller(state.workspace_id, Role.OWNER, "command line")
    async with state.database.reading() as session:
        found = await find_token(session, token)
    if found is None:
        raise Unauthenticated(
            "The token is unknown, revoked, or past its time.",
            "`candor token create` makes a new one.",
        )
    if seen_long_ago(found.last_used_at):
        async with state.database.writing() as session:
            await touch(session, ApiToken, found.id)
    return Caller(found.workspace_id, Role(found.role), f"token {found.name}")


async def caller_by_session(state: AppState, secret: str) -> Caller:
    """Who a session cookie belongs to. Raises :class:`Unauthenticated`."""
    async with state.database.reading() as session:
        found = await find_session(session, secret)
    if found is None:
        raise Unauthenticated(
            "The session has ended.", "Sign in again: `candor user link` makes a new link."
        )
    if seen_long_ago(found.session.last_seen_at):
        async with state.database.writing() as session:
            await touch(session, UserSession, found.session.id)
    user = found.user
    return Caller(user.workspace_id, Role(user.role), user.email, user.id, found.session.id)
