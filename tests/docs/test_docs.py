"""The documentation says what is true: every setting, command, target and link that it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from backend.cli.program import program
from knowledge.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
SETTINGS = {f"CANDOR_{name.upper()}" for name in Settings.model_fields}
COMMANDS = typer.main.get_command(program)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
ASSIGNMENT = re.compile(r"^[A-Z_]+=\S*$")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def console_lines(page: Path) -> Iterator[str]:
    """Every command line that stands behind a prompt in a console block."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield line[2:]


def inline_commands(page: Path) -> Iterator[str]:
    """Every `candor ...` and `make ...` in running text, synopses left out."""
    for text in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
        if re.match(r"(PORT=\S+ )?(candor|make) [a-z]", text) and not re.search(r"[\[\]]", text):
            yield text


def words_of(line: str) -> list[str]:
    """The words of a command line, without assignments in front and without a path to it."""
    words = shlex.split(line, comments=True)
    while words and ASSIGNMENT.match(words[0]):
        words.pop(0)
    if words:
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


def below(command: Any) -> dict[str, Any]:
    """The commands of a group; typer carries a click of its own, so no class is asked for."""
    return getattr(command, "commands", {})


def check_candor(words: list[str]) -> None:
    """Parse the words as the command line does; raises where a command or an option is unknown."""
    command = COMMANDS
    rest = words[1:]
    while commands := below(command):
        name = rest.pop(0)
        assert name in commands, f"there is no `candor {name}`"
        command = commands[name]
    options = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in rest:
        if word.startswith("-"):
            assert word.split("=")[0] in options | {"--help"}, f"{words} has no {word}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_shown_exist(page: Path) -> None:
    for line in [*console_lines(page), *inline_commands(page)]:
        for part in re.split(r" && |; | \| ", line):
            words = words_of(part)
            if words[:1] == ["candor"] and words[1:]:
                check_candor(words)
            elif words[:1] == ["make"] and words[1:]:
                targets = [word for word in words[1:] if "=" not in word]
                assert set(targets) <= TARGETS, f"the Makefile has no {targets}"


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    assert below(COMMANDS)
    for name, command in below(COMMANDS).items():
        names = [f"{name} {inner}" for inner in below(command)] or [name]
        for full in names:
            assert f"`candor {full}" in text, f"docs/command-line.md does not name candor {full}"


def documented_settings() -> dict[str, str]:
    """Name and default of each row of the tables in docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(CANDOR_[A-Z0-9_]+)` \| (\S+) \|", text, re.M)
    return {name: default.strip("`") for name, default in rows}


def shown_default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default in ("", (), None):
        return "empty"
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_settings_are_documented_with_their_defaults() -> None:
    defined = {
        f"CANDOR_{name.upper()}": shown_default(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert documented_settings() == defined


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_named_exist(page: Path) -> None:
    named = set(re.findall(r"\bCANDOR_[A-Z0-9_]+\b", page.read_text("utf-8")))
    assert named - SETTINGS - {"CANDOR_SECRETS"} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{target} does not exist"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        if page.name != "README.md":
            assert f"({page.name})" in index
