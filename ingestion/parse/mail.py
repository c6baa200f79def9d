"""E-mail (EML): who wrote what to whom, and the message itself."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC
from email.message import EmailMessage

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format
from ingestion.parse.html import add_html_fragment
from ingestion.parse.reading import FileToRead

_SHOWN = ("From", "To", "Cc", "Date")


def parse_mail(file: FileToRead) -> Draft:
    """The message with its headers as a list; attachments are named and not read."""
    message = email.message_from_bytes(file.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    draft = Draft(media_type=Format.EML, title=str(message.get("Subject", "")))
    date = message.get("Date")
    told = getattr(date, "datetime", None)
    if told is not None:
        draft.modified_at = told.replace(tzinfo=told.tzinfo or UTC).astimezone(UTC)
    lines = [f"- {name}: {message[name]}" for name in _SHOWN if message.get(name)]
    draft.add("\n".join(lines))
    _add_body(draft, message)
    attached = [part.get_filename() or "without a name" for part in message.iter_attachments()]
    if attached:
        draft.warnings.append(f"Attachments are not read: {', '.join(attached[:10])}.")
    return draft


def _add_body(draft: Draft, message: EmailMessage) -> None:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return
    try:
        content = str(body.get_content())
    except (LookupError, ValueError):
        payload = body.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if body.get_content_type() == "text/html":
        add_html_fragment(draft, content)
    else:
        draft.add(content)
