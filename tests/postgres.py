"""A PostgreSQL of the test run's own: started from the installed binaries, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_USER = "nobody"


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl, or ``None`` where PostgreSQL is not installed."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if newest:
        return newest[0].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def running(binaries: Path) -> Iterator[str]:
    """Start a server on a free port of the loopback address; yields its address without a name."""
    folder = Path(tempfile.mkdtemp(prefix="candor-postgres-", dir="/tmp"))
    as_user = _unprivileged(folder)
    data, port = folder / "data", _free_port()
    try:
        _call([*as_user, binaries / "initdb", "-D", data, "-U", "candor", "-A", "trust", "-N"])
        options = (
            f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c synchronous_commit=off "
            "-c full_page_writes=off -c max_connections=100"
        )
        _call([*as_user, binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log",
               "-o", options, "start"])  # fmt: skip
        try:
            yield f"postgresql://candor@127.0.0.1:{port}"
        finally:
            _call([*as_user, binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: what to put before a command then."""
    if os.getuid() != 0:
        return []
    owner = pwd.getpwnam(_USER)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    tool = shutil.which("setpriv")
    if tool:
        user, group = str(owner.pw_uid), str(owner.pw_gid)
        return [tool, f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return ["runuser", "-u", _USER, "--"]


def _call(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd="/tmp", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
