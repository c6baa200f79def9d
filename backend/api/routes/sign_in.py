"""Signing in and out: by password, by a link that works once, or at an OpenID provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs, quote, unquote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from backend.api.access import COOKIE, is_same_origin
from backend.api.openid import Attempt, Identity, OpenIdProvider
from backend.api.passwords import SHORTEST, check_new_password, find_match, hash_password
from backend.api.standing_pages import message, page_of
from backend.api.state import AppState, State
from knowledge.errors import CandorError, Forbidden, LimitExceeded, NotFound, Unauthenticated
from knowledge.store.database import WriteSession
from knowledge.store.queries.attempts import Counted, begin_attempt, forgive
from knowledge.store.queries.credentials import (
    SESSION_LIFETIME,
    end_session,
    end_sessions,
    open_session,
    use_link,
)
from knowledge.store.queries.people import (
    connect_identity,
    create_user,
    record,
    user_of_identity,
    users_by_email,
)
from knowledge.store.tables import Role, User

router = APIRouter(include_in_schema=False)

_HOME = "/console/"
_OWN_PAGE = re.compile(r"/console/[\w/?=&%.,:+~-]*")
_ATTEMPT = "candor_openid"
_ATTEMPT_S = 600


@dataclass(frozen=True, slots=True)
class _Form:
    """What the form of a sign-in page holds: a link's token, or an address and a password."""

    token: str = ""
    email: str = ""
    password: str = ""
    to: str = _HOME


@router.get("/sign-in")
async def sign_in_page(
    request: Request,
    state: State,
    token: Annotated[str, Query(max_length=200)] = "",
    to: Annotated[str, Query(max_length=1000)] = _HOME,
) -> Response:
    """The form; for a link a page with a button, for previews open links too."""
    page = _page(state, _Form(token=token, to=_own_page(to)))
    page.headers["Referrer-Policy"] = "same-origin"
    return page


@router.post("/sign-in")
async def sign_in(request: Request, state: State) -> Response:
    """Sign in with what the form holds."""
    _limit(request, state)
    form = await _read(request)
    try:
        if not is_same_origin(request, state):
            raise Forbidden(
                "Signing in works only from Candor's own page.",
                "Open the page again; behind a proxy, set CANDOR_PUBLIC_URL.",
            )
        secret = await (_by_link if form.token else _by_password)(request, state, form)
    except CandorError as error:
        return _refusal(state, form, error)
    return _signed_in(request, state, secret, form.to)


@router.get("/sign-in/openid")
async def leave_for_provider(
    request: Request, state: State, to: Annotated[str, Query(max_length=1000)] = _HOME
) -> Response:
    """Send the browser to the OpenID provider."""
    _limit(request, state)
    attempt = Attempt.new()
    try:
        address = await _provider(state).address(attempt, _back(request, state))
    except CandorError as error:
        return _refusal(state, _Form(), error)
    response = RedirectResponse(address, status_code=303)
    page = quote(_own_page(to), safe="").replace(".", "%2E")
    response.set_cookie(
        _ATTEMPT,
        f"{attempt.cookie()}.{page}",
        max_age=_ATTEMPT_S,
        path="/sign-in",
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, state),
    )
    return response


@router.get("/sign-in/openid/back")
async def back_from_provider(
    request: Request,
    state: State,
    code: Annotated[str, Query(max_length=4000)] = "",
    given: Annotated[str, Query(alias="state", max_length=200)] = "",
) -> Response:
    """The browser is back, with a code where the provider knows the person."""
    _limit(request, state)
    first, _, to = request.cookies.get(_ATTEMPT, "").rpartition(".")
    attempt = Attempt.read(first)
    form = _Form(to=_own_page(unquote(to)))
    response: Response
    try:
        provider = _provider(state)
        if attempt is None or not code:
            raise Unauthenticated(
                f"The sign-in at {provider.name} was not completed.", "Sign in again."
            )
        identity = await provider.identity(attempt, given, code, _back(request, state))
        async with state.database.writing() as session:
            user = await _user_of(session, state, provider, identity)
            secret = open_session(session, user, _agent(request))
            _record(session, user, "openid")
    except CandorError as error:
        response = _refusal(state, form, error)
    else:
        response = _signed_in(request, state, secret, form.to)
    response.delete_cookie(_ATTEMPT, path="/sign-in")
    return response


@router.post("/sign-out")
async def sign_out(request: Request, state: State) -> Response:
    """Forget this browser's session."""
    if not is_same_origin(request, state):
        raise Forbidden("Signing out works only from Candor's own pages.")
    secret = request.cookies.get(COOKIE)
    if secret:
        async with state.database.writing() as session:
            await end_session(session, secret)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response


async def _by_link(request: Request, state: AppState, form: _Form) -> str:
    """Use a link once, and set the password that came with it. Returns the session's secret."""
    password_hash = ""
    if form.password:
        check_new_password(form.password, "")
        password_hash = await hash_password(form.password)
    async with state.database.writing() as session:
        user, secret = await use_link(session, form.token, _agent(request))
        if password_hash:
            await session.flush()
            await end_sessions(session, user.id, but_secret=secret)
            user.password_hash = password_hash
            record(session, user.workspace_id, user.email, "password.set", user.email)
        _record(session, user, "link")
    return secret


async def _by_password(request: Request, state: AppState, form: _Form) -> str:
    """Compare the password with those of everybody who has this address, in any workspace."""
    account, address = Counted.account(form.email), Counted.address(_address(request))
    async with state.database.writing() as session:
        await begin_attempt(session, (account, address))
    async with state.database.reading() as reading:
        users = [one for one in await users_by_email(reading, form.email) if not one.disabled_at]
    place = await find_match(form.password, [one.password_hash for one in users])
    async with state.database.writing() as session:
        if place is not None:
            user = users[place]
            await forgive(session, account, address)
            _record(session, user, "password")
            return open_session(session, user, _agent(request))
        for user in users:
            record(session, user.workspace_id, user.email, "session.refuse", user.email)
    raise Unauthenticated(
        "The e-mail address or the password is wrong.",
        "After five wrong passwords each further try has to wait.",
    )


async def _user_of(
    session: WriteSession, state: AppState, provider: OpenIdProvider, identity: Identity
) -> User:
    """The user that an identity is or becomes. Raises :class:`Forbidden`."""
    user = await user_of_identity(session, identity.issuer, identity.subject)
    if user is None:
        user = next(iter(await users_by_email(session, identity.email)), None)
        domain = identity.email.rpartition("@")[2].lower()
        if user is None and domain in provider.settings.domains:
            user = await create_user(
                session, state.workspace_id, identity.email, identity.name, Role.VIEWER
            )
            record(session, user.workspace_id, provider.name, "user.create", user.email)
        if user is not None:
            connect_identity(session, user, identity.issuer, identity.subject)
            record(session, user.workspace_id, user.email, "identity.connect", provider.name)
    if user is None or user.disabled_at is not None:
        raise Forbidden(
            f"There is no account for {identity.email} here.",
            "Ask an admin of your workspace to add or unlock it.",
        )
    return user


def _record(session: WriteSession, user: User, by: str) -> None:
    record(session, user.workspace_id, user.email, "session.create", user.email, {"by": by})


async def _read(request: Request) -> _Form:
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
    given = {name: fields.get(name, [""])[0] for name in ("token", "email", "password")}
    return _Form(**given, to=_own_page(fields.get("to", [_HOME])[0]))


def _page(state: AppState, form: _Form, problem: str = "", status: int = 200) -> HTMLResponse:
    if form.token:
        shortest = str(SHORTEST)
        return page_of(
            "sign-in-link.html", status, problem=problem, token=form.token, shortest=shortest
        )
    provider = state.openid
    return page_of(
        "sign-in.html",
        status,
        problem=problem,
        to=form.to,
        email=form.email,
        openid=f"/sign-in/openid?to={quote(form.to)}" if provider else "",
        provider=provider.name if provider else "",
    )


def _refusal(state: AppState, form: _Form, error: CandorError) -> HTMLResponse:
    """The form again, with what is wrong."""
    if form.token and isinstance(error, Unauthenticated):
        return message("This link does not work", error.detail, error.action, 401)
    status = 403 if isinstance(error, Forbidden) else 401
    headers = {}
    if isinstance(error, LimitExceeded) and error.retry_after is not None:
        status, headers = 429, {"Retry-After": str(max(1, round(error.retry_after)))}
    page = _page(state, form, f"{error.detail}\n{error.action}".strip(), status)
    page.headers.update(headers)
    return page


def _signed_in(request: Request, state: AppState, secret: str, to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, state),
    )
    return response


def _provider(state: AppState) -> OpenIdProvider:
    if state.openid is None:
        raise NotFound("There is no OpenID provider here.", "Set CANDOR_OIDC_ISSUER.")
    return state.openid


def _back(request: Request, state: AppState) -> str:
    here = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return f"{state.options.public_url or here}/sign-in/openid/back"


def _own_page(to: str) -> str:
    """Where to go after signing in: a page of the console, and nowhere else."""
    return to if _OWN_PAGE.fullmatch(to) else _HOME


def _is_secure(request: Request, state: AppState) -> bool:
    return request.url.scheme == "https" or state.options.public_url.startswith("https:")


def _limit(request: Request, state: AppState) -> None:
    state.limits.sign_in.take(_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
