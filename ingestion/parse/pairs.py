"""JSON and JSONL: question-answer pairs, records with a title, or anything else as an outline."""

from __future__ import annotations

import json
from typing import Any

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, decode_text
from ingestion.parse.reading import FileToRead
from knowledge.errors import DamagedDocument

_QUESTION = ("question", "q", "prompt", "query", "instruction")
_ANSWER = ("answer", "a", "response", "completion", "reply", "output", "answers")
_TITLE = ("title", "name", "heading", "subject", "id")
_TEXT = ("text", "content", "body", "description")
_DEEPEST = 20


def parse_json(file: FileToRead, kind: Format) -> Draft:
    """Every record as a section; a pair's question is the heading of its answer."""
    draft = Draft(media_type=kind.value)
    for record in _records(draft, decode_text(file), kind):
        heading, body = _section(record)
        if heading:
            draft.add(f"## {' '.join(heading.split())}")
        draft.add(body)
    return draft


def _records(draft: Draft, text: str, kind: Format) -> list[Any]:
    if kind is Format.JSONL:
        return _lines(draft, text)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedDocument(
            f"The file is not valid JSON: {error}.", "Check it with a JSON tool."
        ) from error
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
            return lists[0]
    return whole if isinstance(whole, list) else [whole]


def _lines(draft: Draft, text: str) -> list[Any]:
    """The records of JSONL; lines that are broken are told, and the others read."""
    found, broken = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                found.append(json.loads(line))
        except (ValueError, RecursionError):
            broken.append(number)
    if broken and not found:
        raise DamagedDocument("No line of the file is valid JSON.", "Check it with a JSON tool.")
    if broken:
        shown = ", ".join(map(str, broken[:10])) + (", ..." if len(broken) > 10 else "")
        draft.warnings.append(f"{len(broken)} lines are not valid JSON: {shown}.")
    return found


def _section(record: Any) -> tuple[str, str]:
    """Heading and body of a record."""
    if not isinstance(record, dict):
        return "", _outline(record)
    by_name = {str(key).lower(): value for key, value in record.items()}
    question, answer = _first(by_name, _QUESTION), _first(by_name, _ANSWER)
    if question and answer:
        return question, answer
    title, text = _first(by_name, _TITLE), _first(by_name, _TEXT)
    if text:
        return title, text
    return title, _outline(record)


def _first(by_name: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = by_name.get(name)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            value = "\n\n".join(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _outline(value: Any, depth: int = 0) -> str:
    """A value as a nested list of names and values."""
    indent = "  " * depth
    if depth > _DEEPEST:
        return f"{indent}- ..."
    if isinstance(value, dict):
        pairs = [(f"{name}:", inner) for name, inner in value.items()]
    elif isinstance(value, list):
        pairs = [("", inner) for inner in value]
    else:
        return f"{indent}{_plain(value)}"
    lines = []
    for label, inner in pairs:
        if isinstance(inner, dict | list):
            lines.append(f"{indent}- {label}".rstrip())
            lines.append(_outline(inner, depth + 1))
        else:
            lines.append(f"{indent}- " + " ".join(filter(None, (label, _plain(inner)))))
    return "\n".join(lines)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(str(value).split()) if not isinstance(value, bool) else str(value).lower()
