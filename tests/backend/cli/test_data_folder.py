"""One owner at a time, and a server that can be found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.data_folder import RunningServer, announced, find_server, owned
from knowledge.errors import FolderLocked


def test_a_second_owner_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    with owned(tmp_path / "data"), pytest.raises(FolderLocked) as refused, owned(tmp_path / "data"):
        pass
    assert str(os.getpid()) in refused.value.detail
    with owned(tmp_path / "data"):
        pass


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    server = RunningServer("http://127.0.0.1:1", 1, "token", "one")
    with announced(tmp_path, server):
        assert find_server(tmp_path) == server
    assert find_server(tmp_path) is None


def test_the_name_of_a_later_server_stays(tmp_path: Path) -> None:
    first = RunningServer("http://127.0.0.1:1", 1, "token", "one")
    later = RunningServer("http://127.0.0.1:2", 2, "token", "two")
    with announced(tmp_path, later):
        with announced(tmp_path, first), announced(tmp_path, later):
            pass
        (tmp_path / "server.json").write_text("{broken")
        assert find_server(tmp_path) is None
