"""E-mail to staff when a visitor asks for a person and nobody is there: over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy

import httpx
import pytest
from structlog.testing import capture_logs

from backend.api.staff_mail import MailServer, StaffMail
from backend.api.state import AppState
from knowledge.errors import InvalidSettings
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Postbox:
    """An SMTP server (RFC 5321) that refuses the first messages, and keeps those that follow."""

    refused: int = 0
    port: int = 0
    taken: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 post")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                await say("250 post")
            elif verb == "MAIL" and self.refused:
                self.refused -= 1
                await say("451 later")
            elif verb == "DATA":
                await say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(body.removesuffix(b".\r\n"))
                await say("250 taken")
            elif verb == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()


@asynccontextmanager
async def post(refused: int = 0) -> AsyncIterator[Postbox]:
    box = Postbox(refused)
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box


async def _taken(box: Postbox, number: int = 1) -> None:
    async with asyncio.timeout(20):
        while len(box.taken) < number:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://post.example", "candor@example.com"),
        ("smtp://", "candor@example.com"),
        ("smtp://post.example", ""),
    ],
)
async def test_settings_that_cannot_work_are_refused(url: str, sender: str) -> None:
    with pytest.raises(InvalidSettings):
        MailServer.of(url, sender)


async def test_addresses_of_mail_servers() -> None:
    server = MailServer.of("smtps://ann%40example.com:s%3Acret@post.example", "c@example.com")
    assert (server.host, server.port, server.tls) == ("post.example", 465, True)
    assert (server.user, server.password) == ("ann@example.com", "s:cret")
    assert MailServer.of("smtp://post.example", "c@example.com").port == 587


async def test_staff_read_of_a_visitor_for_whom_nobody_is_there(
    enter: Enter, visitor: httpx.AsyncClient, state: AppState, app: object
) -> None:
    client = await enter()
    handoff = {"enabled": True, "email": "help@example.com"}
    body = {"name": "Shop\nBcc: all@example.com", "behaviour": {"handoff": handoff}}
    made = (await client.post("/assistants", json=body)).json()
    path = f"/api/v1/assistants/{made['public_key']}"
    async with post(refused=1) as box:
        server = MailServer.of(f"smtp://127.0.0.1:{box.port}", "candor@example.com")
        mail = StaffMail(server, waits_s=(0, 0.05))
        app.state.candor = replace(state, mail=mail)  # type: ignore[attr-defined]
        try:
            ask = {"visitor": "secret-1", "text": "Is \u00dcbergabe free?"}
            begun = (await visitor.post(f"{path}/handoffs", json=ask)).json()
            again = ask | {"conversation_id": begun["conversation_id"]}
            await visitor.post(f"{path}/handoffs", json=again)  # the same one: told once
            await client.put("/handoffs/presence", json={"present": True})
            await visitor.post(f"{path}/handoffs", json=ask | {"visitor": "secret-2"})
            await _taken(box)
            await mail.close()
        finally:
            app.state.candor = state  # type: ignore[attr-defined]
            await client.put("/handoffs/presence", json={"present": False})
    (sent,) = box.taken
    message = message_from_bytes(sent, policy=policy.default)
    assert message["To"] == "help@example.com"
    assert message["From"] == "candor@example.com"
    assert "Bcc" not in message
    assert "Is \u00dcbergabe free?" in message.get_content()


async def test_a_password_is_not_sent_in_the_clear(state: AppState) -> None:
    async with post() as box:
        server = MailServer.of(f"smtp://ann:secret@127.0.0.1:{box.port}", "candor@example.com")
        mail = StaffMail(server, waits_s=(0,))
        with capture_logs() as lines:
            mail.tell("help@example.com", "Somebody waits", "Text")
            async with asyncio.timeout(20):
                while not lines:
                    await asyncio.sleep(0.02)
        await mail.close()
    assert lines[0]["event"] == "mail_not_sent"
    assert lines[0]["cause"] == "SMTPNotSupportedError"
    assert box.taken == []
