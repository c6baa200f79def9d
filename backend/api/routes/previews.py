"""``/sources/preview``: what a website source would read, before it is made."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.access import Editor
from backend.api.errors import PROBLEMS
from backend.api.schemas.content import WebsiteRules
from backend.api.schemas.previews import PreviewView
from backend.api.state import State
from knowledge.errors import Conflict

router = APIRouter(tags=["sources"], responses=PROBLEMS)


@router.post("/sources/preview", summary="Preview what a website source would read")
async def preview_website(body: WebsiteRules, caller: Editor, state: State) -> PreviewView:
    """Read robots.txt, the sitemaps and the links of the start page, and say of each address
    whether it would be read and by which rule. Nothing is kept, and no other page is fetched.

    Answers within 15 seconds, with what was seen until then. For a form that adds a website: send
    the same fields as to ``POST /knowledge-bases/{id}/sources``, without ``kind``, ``name`` and
    ``schedule``.
    """
    if state.previewer is None:
        raise Conflict("This process reads no websites.", "Ask a server that does.")
    found = await state.previewer.preview(body.model_dump(mode="json"))
    return PreviewView.of(found, body.max_pages)
