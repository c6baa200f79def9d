"""``/users``, ``/tokens``, ``/sessions``, ``/sign-in-links``, ``/audit``"""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from backend.api.access import Admin, Caller, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.passwords import check_new_password, find_match, hash_password
from backend.api.schemas.base import Body, PageView, Paging
from backend.api.schemas.identity import (
    AuditView,
    LinkView,
    Me,
    NewPassword,
    NewToken,
    NewUser,
    SessionView,
    TokenCreated,
    TokenView,
    UserChange,
    UserView,
)
from backend.api.state import AppState, State
from knowledge.errors import Conflict, Forbidden, InvalidInput, NotFound
from knowledge.store.database import WriteSession
from knowledge.store.paging import read_page
from knowledge.store.queries import credentials, people
from knowledge.store.queries.attempts import Counted, begin_attempt, forgive
from knowledge.store.tables import ApiToken, AuditEntry, Role, User, utc_now

router = APIRouter(tags=["identity"], responses=PROBLEMS)


@router.get("/users/me", summary="Who am I")
async def read_me(caller: Viewer, state: State) -> Me:
    """Who the request comes from, and with which role."""
    me = Me(actor=caller.actor, role=caller.role, workspace_id=caller.workspace_id)
    if caller.session_id is not None and caller.user_id is not None:
        async with state.database.reading() as session:
            found = await people.find_user(session, caller.workspace_id, caller.user_id)
        me.user, me.has_password = UserView.of(found), bool(found.password_hash)
    return me


@router.put("/users/me/password", status_code=204, summary="Set one's own password")
async def set_password(body: NewPassword, caller: Viewer, state: State) -> None:
    """Set the caller's password; one that is there has to be given, or a sign-in link used.

    Every other session of the caller ends.
    """
    if caller.session_id is None or caller.user_id is None:
        raise Forbidden("A token has no password.", "Sign in in a browser, and set yours there.")
    async with state.database.reading() as reading:
        user = await people.find_user(reading, caller.workspace_id, caller.user_id)
    check_new_password(body.new, user.email)
    if user.password_hash:
        await _check_current(state, user, body.current)
    made = await hash_password(body.new)
    async with state.database.writing() as session:
        changed = await people.find_user(session, caller.workspace_id, caller.user_id)
        if changed.password_hash != user.password_hash:
            raise Conflict("The password was changed meanwhile.", "Try again with the new one.")
        changed.password_hash = made
        await credentials.end_sessions(session, changed.id, but=caller.session_id)
        people.record(session, caller.workspace_id, caller.actor, "password.set", changed.email)


@router.get("/users", summary="List users")
async def list_users(caller: Admin, state: State, paging: Paging) -> PageView[UserView]:
    """The users of the workspace."""
    async with state.database.reading() as session:
        page = await read_page(session, people.users(caller.workspace_id), User, paging)
    return PageView.of(page.map(UserView.of))


@router.post("/users", status_code=201, response_model=UserView, summary="Add a user")
async def create_user(
    body: NewUser, caller: Admin, state: State, repetition: Once
) -> UserView | JSONResponse:
    """Add a user, who signs in with a link: ``POST /sign-in-links``."""
    _refuse_above(caller, body.role)
    async with state.database.writing() as session:

        async def make() -> UserView:
            made = await people.create_user(
                session, caller.workspace_id, body.email, body.name, body.role
            )
            people.record(session, caller.workspace_id, caller.actor, "user.create", body.email)
            return UserView.of(made)

        return await repetition.once(session, caller, body, make)


@router.patch("/users/{user_id}", summary="Change a user")
async def change_user(user_id: UUID, body: UserChange, caller: Admin, state: State) -> UserView:
    """Change name or role, or lock a user out. A workspace keeps at least one owner."""
    async with state.database.writing() as session:
        user = await people.find_user(session, caller.workspace_id, user_id)
        _refuse_above(caller, Role(user.role))
        if body.name is not None:
            user.name = body.name
        if body.role is not None:
            _refuse_above(caller, body.role)
            user.role = body.role
        if body.disabled is not None:
            user.disabled_at = utc_now() if body.disabled else None
        await session.flush()
        if await people.owners(session, caller.workspace_id) == 0:
            raise Conflict(
                "A workspace needs an owner who can sign in.", "Make another user owner first."
            )
        people.record(
            session,
            caller.workspace_id,
            caller.actor,
            "user.change",
            user.email,
            body.model_dump(exclude_none=True, mode="json"),
        )
        return UserView.of(user)


class NewLink(Body):
    """Whom a sign-in link is for; empty: the first owner."""

    email: str = ""


@router.post(
    "/sign-in-links",
    status_code=201,
    response_model=LinkView,
    summary="Make a one-time sign-in link",
)
async def create_link(
    body: NewLink, caller: Admin, state: State, repetition: Once
) -> LinkView | JSONResponse:
    """Make a link that signs a user in once, within 24 hours. Links made before stop working.

    It is shown once: a repetition gets an empty ``path``.
    """
    async with state.database.writing() as session:

        async def make() -> LinkView:
            user = await _user_for_link(session, caller, body.email)
            _refuse_above(caller, Role(user.role))
            token = await credentials.create_link(session, user.id)
            people.record(
                session, caller.workspace_id, caller.actor, "sign-in-link.create", user.email
            )
            return LinkView(
                email=user.email,
                path=f"/sign-in?token={quote(token)}",
                expires_at=utc_now() + credentials.LINK_LIFETIME,
            )

        return await repetition.once(session, caller, body, make, secret="path")


@router.get("/tokens", summary="List API tokens")
async def list_tokens(caller: Admin, state: State, paging: Paging) -> PageView[TokenView]:
    """The API tokens of the workspace, without their secrets."""
    query = credentials.tokens(caller.workspace_id)
    async with state.database.reading() as session:
        page = await read_page(session, query, ApiToken, paging)
    return PageView.of(page.map(TokenView.of))


@router.post("/tokens", status_code=201, response_model=TokenCreated, summary="Make an API token")
async def create_token(
    body: NewToken, caller: Admin, state: State, repetition: Once
) -> TokenCreated | JSONResponse:
    """Make an API token. It is shown once: a repetition gets the record without it."""
    _refuse_above(caller, body.role)
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        raise InvalidInput("expires_at needs a time zone.", "Write it like 2030-01-31T12:00:00Z.")
    async with state.database.writing() as session:

        async def make() -> TokenCreated:
            made, token = await credentials.create_token(
                session,
                caller.workspace_id,
                body.name,
                body.role,
                caller.user_id,
                body.expires_at,
            )
            people.record(session, caller.workspace_id, caller.actor, "token.create", body.name)
            return TokenCreated(**TokenView.of(made).model_dump(), token=token)

        return await repetition.once(session, caller, body, make, secret="token")


@router.delete("/tokens/{token_id}", status_code=204, summary="Revoke an API token")
async def revoke_token(token_id: UUID, caller: Admin, state: State) -> None:
    """End an API token at once."""
    async with state.database.writing() as session:
        gone = await credentials.revoke_token(session, caller.workspace_id, token_id)
        people.record(session, caller.workspace_id, caller.actor, "token.revoke", gone.name)


@router.get("/sessions", summary="List one's own sessions")
async def list_sessions(caller: Viewer, state: State) -> list[SessionView]:
    """The browsers that the caller is signed in with."""
    if caller.user_id is None:
        return []
    async with state.database.reading() as session:
        rows = await credentials.list_sessions(session, caller.user_id)
    return [SessionView.of(row, caller.session_id) for row in rows]


@router.delete("/sessions/{session_id}", status_code=204, summary="Sign a browser out")
async def revoke_session(session_id: UUID, caller: Viewer, state: State) -> None:
    """End one of the caller's own sessions."""
    if caller.user_id is None:
        raise NotFound(f"There is no session {session_id}.")
    async with state.database.writing() as session:
        await credentials.revoke_session(session, caller.user_id, session_id)
        people.record(session, caller.workspace_id, caller.actor, "session.revoke")


@router.delete("/sessions", status_code=204, summary="Sign out everywhere else")
async def revoke_other_sessions(caller: Viewer, state: State) -> None:
    """End every session of the caller but the one that asks."""
    if caller.user_id is None:
        return
    async with state.database.writing() as session:
        await credentials.end_sessions(session, caller.user_id, but=caller.session_id)
        people.record(session, caller.workspace_id, caller.actor, "session.revoke", "all others")


@router.delete("/users/{user_id}/sessions", status_code=204, summary="Sign a user out")
async def revoke_sessions_of_user(user_id: UUID, caller: Admin, state: State) -> None:
    """End every session of a user, at once."""
    async with state.database.writing() as session:
        user = await people.find_user(session, caller.workspace_id, user_id)
        _refuse_above(caller, Role(user.role))
        await credentials.end_sessions(session, user.id)
        people.record(session, caller.workspace_id, caller.actor, "session.revoke", user.email)


@router.get("/audit", summary="Read the audit log")
async def read_audit(caller: Admin, state: State, paging: Paging) -> PageView[AuditView]:
    """Who did what, newest first."""
    async with state.database.reading() as session:
        page = await read_page(
            session, people.audit(caller.workspace_id), AuditEntry, paging, newest_first=True
        )
    return PageView.of(page.map(AuditView.of))


async def _check_current(state: AppState, user: User, password: str) -> None:
    """Who sits down at a browser that somebody left must not guess at it there either."""
    account = Counted.account(user.email)
    async with state.database.writing() as session:
        await begin_attempt(session, [account])
    if await find_match(password, [user.password_hash]) is None:
        raise Forbidden(
            "The current password is wrong.",
            "A sign-in link sets a new one without it: ask an admin of your workspace.",
        )
    async with state.database.writing() as session:
        await forgive(session, account)


async def _user_for_link(session: WriteSession, caller: Caller, email: str) -> User:
    if email:
        return await people.find_user_by_email(session, caller.workspace_id, email)
    owner = await people.first_owner(session, caller.workspace_id)
    if owner is None:
        raise NotFound("The workspace has no owner.")
    return owner


def _refuse_above(caller: Caller, role: Role) -> None:
    """Nobody hands out, or changes, a role above their own."""
    if not caller.may(role):
        raise Forbidden(
            f"The role {role} is above yours, which is {caller.role}.",
            "Ask an owner of the workspace.",
        )
