"""Read training text: sections of documentation, questions with answers, a dictionary.

A folder of training text holds ``*.jsonl.gz`` files. A line is either a section (``title``,
``headings``, ``text``) or a question with its answer (``question``, ``answer``). Beside them may
lie ``english-wordnet/`` (the YAML sources of the Open English WordNet) and ``scitldr/`` (JSON
lines with ``title``, ``source`` and ``target``).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"<[^>\n]{1,200}>|\{\{[^}]*\}\}|\{%[^%]*%\}")
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of text with the path of titles above it, outermost first."""

    source: str
    titles: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the passage that answers it. ``source`` names the collection of both."""

    source: str
    query: str
    passage: str


def read_sections(folder: Path) -> Iterator[Section]:
    """Every documentation section under ``folder`` whose text is more than a line or two."""
    for path, row in _rows(folder):
        if "text" not in row:
            continue
        titles = tuple(clean(t) for t in (row.get("title", ""), *row.get("headings", ())) if t)
        text = clean(str(row["text"]))
        if len(text.split()) >= 12:
            yield Section(_name(path), tuple(dict.fromkeys(titles)), text)


def read_answers(folder: Path) -> Iterator[Pair]:
    """Every question with its answer under ``folder``."""
    for path, row in _rows(folder):
        if row.get("question") and len(str(row.get("answer", "")).split()) >= 8:
            question = str(row["question"]).replace("(are)", "").replace(" ?", "?")
            yield Pair(_name(path), clean(question), clean(str(row["answer"])))


def read_summaries(folder: Path) -> Iterator[Pair]:
    """Titles and one-line summaries of scientific papers, each with the paper's abstract."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row: dict[str, Any] = json.loads(line)
            abstract = clean(" ".join(row["source"]))
            for summary in (row.get("title", ""), *row["target"][:1]):
                if len(summary.split()) >= 4:
                    yield Pair("scitldr", clean(summary), abstract)


def read_dictionary(folder: Path) -> Iterator[tuple[list[str], str, list[str]]]:
    """Every synset of a WordNet in YAML: its members, its definition, its examples."""
    for path in sorted(folder.glob("*.*.yaml")):
        key, synset = "", dict[str, list[str]]()
        for line in [*path.read_text(encoding="utf-8").splitlines(), "end:"]:
            if line[:1].isdigit() or line == "end:":
                if synset.get("members") and synset.get("definition"):
                    yield (synset["members"], synset["definition"][0], synset.get("example", []))
                key, synset = "", {}
            elif line.startswith("  - "):
                synset.setdefault(key, []).append(line[4:].strip("'\" "))
            elif line.startswith("    ") and synset.get(key):
                synset[key][-1] += " " + line.strip("'\" ")
            else:
                key = line.strip().split(":")[0]


def clean(text: str) -> str:
    """Text as a reader sees it: links and tags without their addresses, single spaces."""
    return _SPACE.sub(" ", _TAG.sub(" ", _LINK.sub(r"\1", text))).strip(" \n#*`|-")


def _rows(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield path, json.loads(line)


def _name(path: Path) -> str:
    return path.name.removesuffix(".jsonl.gz")
