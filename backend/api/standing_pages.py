"""The few pages that are plain HTML files: signing in, and messages."""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse

from backend.api.assets import Assets

_FOLDER = Path(__file__).parent / "pages"


@cache
def standing_pages() -> Assets:
    """The files."""
    return Assets.of_folder(_FOLDER)


def page_of(name: str, status: int = 200, **values: str) -> HTMLResponse:
    """A page with its ``{{names}}`` filled in; every value is escaped."""
    asset = standing_pages().find(name)
    assert asset is not None, f"{name} lies in {_FOLDER}"
    page = asset.content.decode()
    for key, value in values.items():
        page = page.replace("{{" + key + "}}", html.escape(value))
    return HTMLResponse(page, status_code=status)


def message(title: str, detail: str, action: str, status: int = 200) -> HTMLResponse:
    """A page that says one thing."""
    return page_of("message.html", status, title=title, detail=detail, action=action)
