"""``candor freshness``: whether pages that changed are found, and how soon."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from backend.cli.connection import Api
from backend.cli.names import find_named
from backend.cli.output import out, plain


async def read_freshness(
    api: Api, knowledge_base: str, within_minutes: float, days: int, limit: int
) -> dict[str, Any]:
    """The pages indexed last, as ``--json`` prints them. Raises :class:`NotFound`."""
    base = await find_named(api, "/knowledge-bases", "knowledge base", knowledge_base)
    asked = {"within_minutes": within_minutes, "days": days, "limit": limit}
    found: dict[str, Any] = await api.get(f"/knowledge-bases/{base['id']}/freshness", **asked)
    return found


def show(found: dict[str, Any]) -> None:
    """One line for each page, and how many were in time and are found."""
    pages = found["pages"]
    if not pages:
        out.print("No page was indexed of late.")
        return
    table = Table("minutes", "by title", "by text", "page", box=None, pad_edge=False)
    for page in pages:
        took = page["minutes"]
        name = escape(plain(page["title"]))
        table.add_row(
            "" if took is None else f"{took:,.1f}",
            _place(page["title_place"]),
            _place(page["text_place"]),
            f"{name}\n[cyan]{escape(plain(page['address']))}[/cyan]",
        )
    out.print(table)
    within = f"{found['within_minutes']:g} minutes"
    out.print(
        f"{found['on_time']} of {len(pages)} pages were in the index within {within} and are among "
        "the first ten."
    )
    if found["p50"] is not None:
        out.print(f"Half took {found['p50']:,.1f} minutes or less, 95% {found['p95']:,.1f}.")


def _place(place: int | None) -> str:
    return "not found" if place is None else f"place {place}"
