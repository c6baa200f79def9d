"""States, times and sizes in the words of the people who run a website."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote

from knowledge.store.queries.runs import ENDED, Progress
from knowledge.store.tables import Document, Run, RunState, Source, utc_now

KINDS = {
    "website": "Website",
    "upload": "Uploaded files",
    "text": "Pasted text",
    "feed": "Feed",
    "push": "Sent by API",
}
ROLES = {
    "viewer": "Viewer: sees everything but tokens and users",
    "editor": "Editor: also changes content",
    "admin": "Admin: also assistants, tokens and users",
    "owner": "Owner: everything",
}
DOCUMENT_STATES = {
    "indexed": ("Searchable", "good"),
    "queued": ("Waiting", "quiet"),
    "failed": ("Could not be read", "bad"),
    "skipped": ("Skipped", "quiet"),
    "duplicate": ("Duplicate", "quiet"),
    "missing": ("Gone from its source", "quiet"),
}
CHANGES = {
    "added": ("Added", "good"),
    "changed": ("Changed", "good"),
    "unchanged": ("Unchanged", "quiet"),
    "removed": ("Removed", "quiet"),
    "missing": ("Gone from its source", "quiet"),
    "failed": ("Could not be read", "bad"),
}
ITEM_STATES = {
    "found": "found",
    "fetched": "fetched",
    "parsed": "read",
    "chunked": "cut into passages",
    "encoded": "encoded",
    "indexed": "indexed",
    "unchanged": "unchanged",
    "skipped": "skipped",
    "failed": "failed",
    "removed": "removed",
    "left-out": "left out",
}
RUN_KINDS = {
    "ingest": "Read",
    "retry": "Retry of failures",
    "reindex": "Re-index",
    "edit": "Edited passages",
}


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 document``, ``12,000 documents``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ago(moment: datetime | None) -> str:
    """How long ago, roughly; ``never`` for no time."""
    if moment is None:
        return "never"
    seconds = (utc_now() - moment).total_seconds()
    for limit, unit, name in (
        (90, 1, "just now"),
        (5400, 60, "min ago"),
        (129_600, 3600, "h ago"),
        (86_400 * 45, 86_400, "days ago"),
    ):
        if seconds < limit:
            return name if unit == 1 else f"{round(seconds / unit)} {name}"
    return moment.strftime("%-d %b %Y")


def ahead(moment: datetime) -> str:
    """How long until a time that is to come, roughly."""
    minutes = max(1, round((moment - utc_now()).total_seconds() / 60))
    if minutes < 90:
        return f"in {minutes} min"
    return f"in {round(minutes / 60)} h" if minutes < 2160 else f"in {round(minutes / 1440)} days"


def exact(moment: datetime | None) -> str:
    """A time to the minute."""
    return moment.strftime("%-d %b %Y, %H:%M UTC") if moment else "never"


def size(number: int) -> str:
    """A number of bytes."""
    if number < 1_000:
        return f"{number} bytes"
    if number < 1_000_000:
        return f"{number / 1_000:.0f} kB"
    if number < 1_000_000_000:
        return f"{number / 1_000_000:.1f} MB"
    return f"{number / 1_000_000_000:.1f} GB"


def shown_address(address: str) -> str:
    """An address as people read it: a file's name for an upload."""
    if address.startswith("upload:///"):
        return unquote(address.removeprefix("upload:///"))
    if address.startswith("push:///"):
        return unquote(address.removeprefix("push:///"))
    if address.startswith("text:///"):
        return "Pasted text"
    return address


def document_name(document: Document) -> str:
    """A document's title, or its address where it has none."""
    return document.title.strip() or shown_address(document.address)


def source_state(
    source: Source, documents: Mapping[str, int], run: Run | None, progress: Progress
) -> tuple[str, str]:
    """How a source stands: words, and the kind of badge."""
    if run is not None and run.state == RunState.RUNNING:
        if run.cancel_requested:
            return "Stopping", "busy"
        if progress.found == 0:
            return "Looking for pages", "busy"
        return f"Reading {progress.done:,} of {progress.found:,}", "busy"
    if source.paused:
        return "Paused", "quiet"
    if run is not None and run.state == RunState.QUEUED:
        return "Waiting for its turn", "busy"
    if run is not None and run.state == RunState.PAUSED:
        return "Paused on the way", "quiet"
    if run is not None and run.state == RunState.FAILED:
        return "The last run failed", "bad"
    failed = documents.get("failed", 0)
    if failed:
        return f"{failed:,} could not be read", "bad"
    if run is None:
        return "Not read yet", "quiet"
    if run.state == RunState.CANCELLED:
        return "The last run was stopped", "quiet"
    return "Up to date", "good"


def run_state(run: Run, progress: Progress) -> tuple[str, str]:
    """How a run stands: words, and the kind of badge."""
    if run.state == RunState.SUCCEEDED:
        failed = progress.items.get("failed", 0)
        return (f"Done, {failed:,} failed", "bad") if failed else ("Done", "good")
    return {
        RunState.QUEUED: ("Waiting", "busy"),
        RunState.RUNNING: ("Running", "busy"),
        RunState.PAUSED: ("Paused", "quiet"),
        RunState.FAILED: ("Failed", "bad"),
        RunState.CANCELLED: ("Stopped", "quiet"),
    }[RunState(run.state)]


def run_name(run: Run) -> str:
    """What a run is called."""
    if run.document_id is not None:
        return "One document read again"
    return RUN_KINDS.get(run.kind, run.kind)


def took(run: Run) -> str:
    """How long a run took, or has been at it."""
    if run.started_at is None:
        return ""
    until = run.finished_at if run.state in ENDED else utc_now()
    seconds = ((until or utc_now()) - run.started_at).total_seconds()
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
