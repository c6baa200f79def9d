"""E-mail to staff, over an SMTP server that the settings name.

A visitor who asks for a person while nobody is there is told to the assistant's e-mail address. A
message is tried three times within a minute; what cannot be sent is a line in the log, and the
hand-off waits in the console as every other.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Self
from urllib.parse import unquote, urlsplit

import structlog

from knowledge.errors import InvalidSettings

_log = structlog.get_logger()
_WAITS_S = (0.0, 5.0, 55.0)
_TIMEOUT_S = 20
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where messages are handed in. ``tls``: from the first byte on, else as soon as offered."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str

    @classmethod
    def of(cls, url: str, sender: str) -> Self:
        """``smtp://user:password@host:587``, or ``smtps://`` for TLS from the first byte on.

        Raises :class:`InvalidSettings` where it is none, or nobody is named as the sender.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise InvalidSettings(
                "CANDOR_SMTP_URL is no address of a mail server.",
                "Write smtp://user:password@host:587, or smtps://user:password@host:465.",
            )
        if "@" not in sender:
            raise InvalidSettings(
                "CANDOR_MAIL_FROM names nobody who sends the e-mail.",
                "Set it to an address that the mail server sends for.",
            )
        tls = parts.scheme == "smtps"
        port = parts.port or (465 if tls else 587)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, tls, user, password, sender)

    def send(self, message: EmailMessage) -> None:
        """Hand a message in. A password is sent over an encrypted connection alone."""
        context = ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=context)
            if self.tls
            else smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        )
        with connection as server:
            server.ehlo()
            if not self.tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if self.user:
                if not isinstance(server.sock, ssl.SSLSocket):
                    raise smtplib.SMTPNotSupportedError("The server offers no encryption.")
                server.login(self.user, self.password)
            server.send_message(message)


class StaffMail:
    """Messages on their way out."""

    def __init__(self, server: MailServer, waits_s: Sequence[float] = _WAITS_S) -> None:
        self._server = server
        self._waits_s = waits_s
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, to: str, subject: str, text: str) -> None:
        """Send a message in the background."""
        message = EmailMessage()
        message["From"], message["To"] = self._server.sender, to
        message["Subject"] = " ".join(subject.split())[:_LONGEST_LINE]
        message["Date"], message["Message-ID"] = formatdate(), make_msgid("candor")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine is to answer it
        message.set_content(text)
        task = asyncio.create_task(self._send(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, message: EmailMessage) -> None:
        for wait in self._waits_s:
            await asyncio.sleep(wait)
            try:
                await asyncio.to_thread(self._server.send, message)
            except (OSError, smtplib.SMTPException) as error:
                # An SMTP error may hold an address: its kind has to do.
                _log.warning("mail_not_sent", host=self._server.host, cause=type(error).__name__)
            else:
                return
