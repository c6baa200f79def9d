"""The real command in a process of its own, on a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.data_folder import RunningServer, find_server

COMMAND = [sys.executable, "-W", "error::ResourceWarning", "-m", "backend.main"]


@dataclass
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    notes: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Candor:
    """The command line on one data folder."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: object, **settings: str) -> Done:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env=self.environment(settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "CANDOR" not in name}
        kept.pop("PORT", None)
        own = {"CANDOR_DATA": str(self.data), "CANDOR_SAMPLE": "false"}
        return kept | own | self.settings | settings

    @contextmanager
    def serving(self, **settings: str) -> Iterator[Serving]:
        """A server on this folder, ended by a signal."""
        log = self.data.parent / "serve.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [*COMMAND, "serve"],
                env=self.environment({"CANDOR_PORT": "0"} | settings),
                stdout=out,
                stderr=out,
            )
            try:
                yield Serving(process, _announced(self.data, process, log), log)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


@dataclass
class Serving:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    announced: RunningServer
    log: Path

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.announced.url,
            headers={"Authorization": f"Bearer {self.announced.token}"},
            trust_env=False,
        )


def _announced(data: Path, process: subprocess.Popen[bytes], log: Path) -> RunningServer:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        found = find_server(data)
        if found is not None and found.pid == process.pid:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the server did not come up: {log.read_text()}")


@pytest.fixture
def candor(tmp_path: Path) -> Candor:
    return Candor(tmp_path / "data")
