"""Markdown and plain text."""

from __future__ import annotations

import re

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, decode_text
from ingestion.parse.reading import FileToRead

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_FIRST_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def parse_markdown(file: FileToRead) -> Draft:
    """Markdown as it is, without its front matter and its comments."""
    text = decode_text(file).replace("\r\n", "\n").lstrip("\ufeff")
    draft = Draft(media_type=Format.MARKDOWN)
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
    named = _TITLE.search(front.group(1)) if front else None
    heading = _FIRST_HEADING.search(text)
    if named:
        draft.title = named.group(2)
    elif heading:
        draft.title = heading.group(1)
    draft.add(_COMMENT.sub("", text))
    return draft


def parse_text(file: FileToRead) -> Draft:
    """Plain text as it is."""
    draft = Draft(media_type=Format.TEXT)
    draft.add(decode_text(file))
    return draft
