"""What browsers open: the ask page, the assistants' pages, the widget's files."""

from __future__ import annotations

import html
from functools import cache

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from backend.api.assets import Asset, Assets
from backend.api.middleware import CONTENT_POLICY
from backend.api.standing_pages import message, standing_pages
from backend.api.state import State
from knowledge.errors import NotFound
from knowledge.store.queries.assistants import find_public_assistant, front_page_assistant
from knowledge.store.tables import Assistant
from widget.served import served_files

router = APIRouter(include_in_schema=False)

_SHORT = "public, max-age=600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def widget() -> Assets:
    """The widget's files, as its README lists them."""
    return Assets(served_files())


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
    asset = standing_pages().find(path) if path.endswith(".css") else None
    if asset is None:
        raise NotFound(f"There is no page {path}.")
    return _send(asset, request, {"Cache-Control": _SHORT})


@router.get("/")
async def ask_page(state: State) -> Response:
    """The page to ask on: the first assistant that is not the sample, or the sample."""
    async with state.database.reading() as session:
        assistant = await front_page_assistant(session)
    if assistant is None:
        return message(
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


def _send(asset: Asset, request: Request, headers: dict[str, str]) -> Response:
    headers = headers | {"ETag": asset.etag, "Vary": "Accept-Encoding"}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content, encoding = asset.encoded(request.headers.get("accept-encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(content, media_type=asset.media_type, headers=headers)
