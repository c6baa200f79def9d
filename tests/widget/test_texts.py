"""Every language says all that English says, with the same values put in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import widget

FOLDER = Path(widget.__file__).parent / "src" / "texts"


def texts(language: str, folder: Path = FOLDER) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return found


LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_there_are_ten() -> None:
    assert LANGUAGES == ["ar", "de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh"]
    for script in ("texts.js", "loader.js"):
        declared = (FOLDER.parent / script).read_text(encoding="utf-8")
        listed = re.search(r"LANGUAGE = /\^\((.*?)\)", declared)
        assert listed is not None
        assert listed[1].split("|") == LANGUAGES


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "rare"], ids=["texts", "rare"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_complete(language: str, folder: Path) -> None:
    english, own = texts("en", folder), texts(language, folder)
    assert len(own) > 20
    assert list(own) == list(english)
    assert all(own.values())
    values = {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in own.items()}
    assert values == {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in english.items()}
