"""``candor ask``: plain for programs, and as it is written at a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from backend.cli.asking import AnswerText
from tests.backend.cli.conftest import COMMAND, Candor

QUESTION = "Within how many days can goods be returned?"


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        (["One. ", (4, 1), "Two.", (9, 2)], "One. [1] Two. [2]\n"),
        (["One.", " ", "T", (4, 1), (4, 2), (4, 1), "wo."], "One. [1] [2] Two.\n"),
        (["One.", " Two", " words.", (4, 1)], "One. Two words.\n"),
        (["\x1b[31mred."], " [31mred.\n"),
        ([], ""),
    ],
    ids=["at once", "soon", "too late", "control characters", "nothing"],
)
def test_numbers_stand_behind_their_sentence(
    steps: list[str | tuple[int, int]], shown: str
) -> None:
    written = io.StringIO()
    text = AnswerText(Console(file=written, soft_wrap=True, highlight=False))
    for step in steps:
        if isinstance(step, str):
            text.add(step)
        else:
            text.cite({"sentence": [0, step[0]], "id": step[1]})
    text.end()
    assert written.getvalue() == shown


def at_a_terminal(candor: Candor, *arguments: str) -> str:
    """What a command writes to a terminal, without colours."""
    ours, theirs = pty.openpty()
    environment = candor.environment({"TERM": "xterm", "COLUMNS": "200"})
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    ):
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(ours)
    text = b"".join(pieces).decode().replace("\r\n", "\n")
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_the_same_answer_at_a_terminal(candor: Candor, tmp_path: Path) -> None:
    file = tmp_path / "returns.md"
    file.write_text("# Returns\n\nGoods can be returned within 30 days.\n")
    assert candor("add", file, "--kb", "shop", "--json").code == 0

    def compared() -> None:
        plain = candor("ask", QUESTION, "--kb", "shop").out.splitlines()
        assert "30 days. [1]" in plain[0]
        terminal = at_a_terminal(candor, "ask", QUESTION, "--kb", "shop").splitlines()
        assert terminal[:-1] == plain[:-1]  # the last line has the time it took

    compared()
    with candor.serving():
        compared()
        assert candor("ask", QUESTION, "--kb", "none").notes.startswith("Error: ")
