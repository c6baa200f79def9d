"""``candor gaps``: what was asked and not answered well, and whether there is content for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from backend.cli.connection import Api
from backend.cli.output import out, plain
from knowledge.store.tables.base import utc_now

_ROUNDS = 50
_WORDS = {
    "no_content": "no content",
    "missed": "content was missed",
    "answered_now": "answered now",
}


async def read_gaps(api: Api, days: int, limit: int) -> dict[str, Any]:
    """The gaps of the last days, every one looked into."""
    first = (utc_now() - timedelta(days=days - 1)).date().isoformat()
    found: dict[str, Any] = {}
    for _ in range(_ROUNDS):
        # The server looks into gaps for some seconds at a time, and goes on when it is asked again.
        found = await api.get("/insights/gaps", first=first, limit=limit)
        if all(gap["finding"] for gap in found["items"]):
            break
    return found


def show(found: dict[str, Any]) -> None:
    """One line for each gap, and what was missed below it."""
    if not found["items"]:
        out.print("No question was answered badly.")
        return
    table = Table("times", "what", "question", box=None, pad_edge=False)
    for gap in found["items"]:
        finding = gap["finding"] or {}
        question = escape(plain(gap["question"]))
        if finding.get("kind") == "missed":
            why = (finding["why_not"] or {}).get("detail", "")
            question += f"\n[cyan]{escape(plain(finding['address']))}[/cyan] {escape(plain(why))}"
        table.add_row(
            f"{gap['badly']}/{gap['asked']}", _WORDS.get(finding.get("kind", ""), ""), question
        )
    out.print(table)
