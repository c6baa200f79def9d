"""E-mail (EML): who wrote what to whom, the message itself, and what is attached to it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC
from email.message import EmailMessage, MIMEPart

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, detect
from ingestion.parse.html import add_html_fragment
from ingestion.parse.reading import FileToRead
from knowledge.errors import ParseError

_SHOWN = ("From", "To", "Cc", "Date")
_DEEPEST = 3
_MOST_ATTACHMENTS = 50
_RICHER = 2
"""So many times the words of the plain text, and HTML is what the sender wrote."""


def parse_mail(file: FileToRead, depth: int = 0) -> Draft:
    """The message with its headers as a list, and each attachment under its name.

    What cannot be read of them is named in the warnings. ``depth``: how many mails it is in.
    """
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
    for number, part in enumerate(message.iter_attachments()):
        if number >= _MOST_ATTACHMENTS:
            draft.warnings.append(f"Only the first {_MOST_ATTACHMENTS} attachments were read.")
            break
        if part.get_content_disposition() != "inline" or part.get_filename():
            _add_attachment(draft, part, depth)
    return draft


def _add_body(draft: Draft, message: EmailMessage) -> None:
    plain = message.get_body(preferencelist=("plain",))
    rich = message.get_body(preferencelist=("html",))
    words = _content(plain) if plain is not None else ""
    if rich is not None:
        whole = Draft(media_type=Format.HTML)
        add_html_fragment(whole, _content(rich))
        text = whole.finish().text
        # Some programs send a line such as "Open this mail in a browser" as the plain text.
        if len(text) > _RICHER * len(words.strip()) or ("\n| --- |" in text and words):
            words = text
    draft.add(words)


def _content(part: MIMEPart) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _add_attachment(draft: Draft, part: EmailMessage, depth: int) -> None:
    inner = _attached_mail(part)
    name = part.get_filename() or (str(inner.get("Subject", "")) if inner else "")
    name = " ".join(name.split()) or "Attachment"
    payload = inner.as_bytes() if inner else part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return
    try:
        read = _read(FileToRead(payload, name, part.get_content_type()), inner is not None, depth)
    except ParseError as error:
        draft.warnings.append(f"The attachment {name} was not read: {error.detail}")
        return
    draft.add(f"## {name}")
    draft.add(read.finish().text)
    draft.warnings += read.warnings


def _attached_mail(part: EmailMessage) -> EmailMessage | None:
    if part.get_content_type() != Format.EML:
        return None
    inner = part.get_content()
    return inner if isinstance(inner, EmailMessage) else None


def _read(file: FileToRead, is_mail: bool, depth: int) -> Draft:
    # The reader knows all parsers, and so this one.
    from ingestion.parse.reader import parse

    kind = Format.EML if is_mail else detect(file)
    if kind is not Format.EML:
        return parse(file, kind)
    if depth >= _DEEPEST:
        raise ParseError("It is a mail in a mail in a mail.", "Add it by itself.")
    return parse_mail(file, depth + 1)
