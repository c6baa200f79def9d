"""A server of its own for benchmarks, with Candor's documentation indexed: `candor serve`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from knowledge.store.database import Database, sqlite_url
from knowledge.store.queries.assistants import front_page_assistant


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, its process, its assistant's public key and path, a session of visitors."""

    port: int
    pid: int
    key: str
    session: str

    @property
    def path(self) -> str:
        """Where the assistant's public side is."""
        return f"/api/v1/assistants/{self.key}"

    def processor_seconds(self) -> float:
        """Processor time that the process has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(*origins: str) -> AsyncIterator[Server]:
    """A server on a fresh data folder, once it answers from the documentation.

    ``origins``: websites that its assistant speaks to.
    """
    with TemporaryDirectory() as folder:
        port = free_port()
        environment = os.environ | {
            "CANDOR_DATA": folder,
            "CANDOR_PORT": str(port),
            "CANDOR_LOG_LEVEL": "error",
            "CANDOR_PUBLIC_CHAT_PER_MINUTE": "100000",
            "CANDOR_PUBLIC_CHAT_PER_DAY": "1000000",
            "CANDOR_PUBLIC_CHAT_PER_VISITOR_DAY": "1000000",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend.main", "serve"),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            key, session = await _ready(Path(folder), port, list(origins))
            yield Server(port, process.pid, key, session)
        finally:
            process.terminate()
            await process.wait()


async def _ready(folder: Path, port: int, origins: list[str]) -> tuple[str, str]:
    """Wait until the sample is indexed. Returns the assistant's public key, and a session."""
    question = {"question": "How do I make a backup?", "stream": False}
    own = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=own, timeout=30) as client:
        async with asyncio.timeout(180):
            while True:
                await asyncio.sleep(1)
                try:
                    await client.get("/healthz")
                except httpx.TransportError:
                    continue
                database = await Database.open(sqlite_url(folder / "candor.sqlite"))
                async with database.writing() as session:
                    assistant = await front_page_assistant(session)
                    if assistant is not None:
                        assistant.allowed_origins = origins
                await database.close()
                if assistant is None:
                    continue
                path = f"/api/v1/assistants/{assistant.public_key}"
                headers = {"Origin": own}
                profile = (await client.get(path, headers=headers)).json()
                headers["Authorization"] = f"Bearer {profile['session']['token']}"
                answer = await client.post(f"{path}/chat", json=question, headers=headers)
                if answer.is_success and not answer.json()["abstained"]:
                    await asyncio.sleep(5)  # the rest of the documents
                    return assistant.public_key, profile["session"]["token"]


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
