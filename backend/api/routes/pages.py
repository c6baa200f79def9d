"""What browsers open: the ask page, the widget's files, signing in."""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from backend.api.access import COOKIE, is_same_origin
from backend.api.assets import Asset, Assets
from backend.api.middleware import CONTENT_POLICY
from backend.api.state import State
from knowledge.errors import CandorError, Forbidden, InvalidInput, NotFound
from knowledge.store.queries.assistants import find_public_assistant, front_page_assistant
from knowledge.store.queries.credentials import SESSION_LIFETIME, end_session, use_link
from knowledge.store.queries.people import record
from knowledge.store.tables import Assistant
from widget.served import served_files

router = APIRouter(include_in_schema=False)

_PAGES = Path(__file__).parents[1] / "pages"
_SHORT = "public, max-age=600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def widget() -> Assets:
    """The widget's files, as its README lists them."""
    return Assets(served_files())


@cache
def own_pages() -> Assets:
    """The pages of this module."""
    return Assets.of_folder(_PAGES)


@router.get("/widget/{version}/{path:path}")
async def widget_file(version: str, path: str, request: Request) -> Response:
    """A file of the widget, under ``v1`` or under the digest of this very build."""
    files = widget()
    asset = files.find(path) if version in ("v1", files.digest) else None
    if asset is None:
        raise NotFound(
            f"There is no file {path} in version {version} of the widget.",
            f"The newest are /widget/v1/ and /widget/{files.digest}/.",
        )
    headers = {
        "Cache-Control": _SHORT if version == "v1" else _FOR_EVER,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return _send(asset, request, headers)


@router.get("/pages/{path}")
async def page_file(path: str, request: Request) -> Response:
    """A style sheet of the pages here."""
    asset = own_pages().find(path) if path.endswith(".css") else None
    if asset is None:
        raise NotFound(f"There is no page {path}.")
    return _send(asset, request, {"Cache-Control": _SHORT})


@router.get("/")
async def ask_page(state: State) -> Response:
    """The page to ask on: the first assistant that is not the sample, or the sample."""
    async with state.database.reading() as session:
        assistant = await front_page_assistant(session)
    if assistant is None:
        return _message(
            "Candor runs",
            "There is no assistant yet, so there is nothing to ask here.",
            "Make one with POST /api/v1/assistants, or start with a fresh data folder and "
            "CANDOR_SAMPLE=true.",
        )
    return _assistant_page(assistant)


@router.get("/a/{public_key}")
async def assistant_page(public_key: str, state: State) -> Response:
    """The full page of one assistant, which its allowed origins may frame."""
    async with state.database.reading() as session:
        return _assistant_page(await find_public_assistant(session, public_key))


@router.get("/sign-in")
async def sign_in_page(token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """A page with a button: opening a link must not use it up, for previews open links too."""
    if not token:
        return _message(
            "Sign in",
            "You sign in with a one-time link.",
            "Run `candor user link` on the server to get one, and open it here.",
        )
    page = _template("sign-in.html", {"token": token})
    return HTMLResponse(page, headers={"Referrer-Policy": "same-origin"})


@router.post("/sign-in")
async def sign_in(request: Request, state: State) -> Response:
    """Use a sign-in link: once, and only from the page that shows the button."""
    state.limits.sign_in.take(request.client.host if request.client else "")
    try:
        if not is_same_origin(request, state):
            raise Forbidden(
                "Signing in works only from Candor's own page.",
                "Open the link again; behind a proxy, set CANDOR_PUBLIC_URL.",
            )
        token = parse_qs((await request.body()).decode("latin-1")).get("token", [""])[0]
        if not token:
            raise InvalidInput("The form holds no token.", "Open the link again.")
        async with state.database.writing() as session:
            user, secret = await use_link(session, token, request.headers.get("user-agent", ""))
            record(session, user.workspace_id, user.email, "session.create")
    except CandorError as error:
        status = 403 if isinstance(error, Forbidden) else 401
        return _message("This link does not work", error.detail, error.action, status)
    response = RedirectResponse("/console/", status_code=303)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or state.options.public_url.startswith("https:"),
    )
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


def _assistant_page(assistant: Assistant) -> Response:
    ancestors = " ".join(["'self'", *assistant.allowed_origins])
    asset = widget().find("pages/ask.html")
    if asset is None:
        raise NotFound("The widget's page is not part of this installation.")
    page = asset.content.decode().replace("{{assistant}}", html.escape(assistant.public_key))
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": f"{CONTENT_POLICY}; frame-ancestors {ancestors}",
    }
    return HTMLResponse(page, headers=headers)


def _message(title: str, detail: str, action: str, status: int = 200) -> Response:
    page = _template("message.html", {"title": title, "detail": detail, "action": action})
    return HTMLResponse(page, status_code=status)


def _template(name: str, values: dict[str, str]) -> str:
    asset = own_pages().find(name)
    assert asset is not None, f"{name} lies beside this module"
    page = asset.content.decode()
    for key, value in values.items():
        page = page.replace("{{" + key + "}}", html.escape(value))
    return page


def _send(asset: Asset, request: Request, headers: dict[str, str]) -> Response:
    headers = headers | {"ETag": asset.etag, "Vary": "Accept-Encoding"}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, media_type=asset.media_type, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
