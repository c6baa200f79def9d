"""The dialogs that fill query sets: typed queries, files, feedback, the language model."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.console.adding import opener
from backend.console.forms import Act, area, button, choice, confirm, dialog, field, foot, on_enter
from backend.console.frame import done, go, tell
from backend.console.numbers import number
from backend.console.visit import Refused, Visit
from backend.console.words import count, shown_address
from knowledge.errors import InvalidInput
from knowledge.store.tables import QuerySet

Again = Callable[[], Awaitable[None]]

_SEND = """async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  const key = `${Date.now()}-${Math.random()}`;
  event.target.value = '';
  try {
    const answer = await fetch(%s, {method: 'POST', body: file, headers: {'Idempotency-Key': key}});
    emit({ok: answer.ok, body: await answer.json()});
  } catch (error) {
    emit({ok: false, body: {detail: 'The file did not arrive.', action: 'Try again.'}});
  }
}"""


def new_query_set(visit: Visit, bases: Mapping[UUID, str]) -> Act:
    """A dialog that makes an empty set."""
    with dialog("New query set") as made:
        name = field("Name", placeholder="Questions of the help desk")
        base = choice(
            "Knowledge base",
            {str(id): words for id, words in bases.items()},
            str(next(iter(bases), "")) or None,
            "Its queries are searched there.",
        )

        async def create() -> None:
            if not base.value:
                raise InvalidInput("There is no knowledge base yet.", "Make one under Content.")
            path = f"/knowledge-bases/{base.value}/query-sets"
            row = await visit.send("POST", path, {"name": name.value.strip()})
            go(f"/console/evaluation/{row['id']}")

        with foot(made):
            button("Create", create, "primary")
        on_enter(name, create)
    return opener(made)


def type_queries(visit: Visit, query_set: QuerySet, again: Again) -> Act:
    """A dialog that takes queries, one a line."""
    with dialog("Add queries") as made:
        lines = area("Queries", "", "One a line, as a visitor would ask. Judge them after.", rows=6)

        async def add() -> None:
            queries = [{"query": line.strip()} for line in lines.value.splitlines() if line.strip()]
            if not queries:
                raise InvalidInput("There is no query yet.", "Write one a line.")
            body = {"queries": queries}
            told = await visit.send("POST", f"/query-sets/{query_set.id}/queries", body)
            made.close()
            lines.value = ""
            _tell(told)
            await again()

        with foot(made):
            button("Add", add, "primary")
    return opener(made)


def send_file(visit: Visit, query_set: QuerySet, again: Again) -> Act:
    """A dialog that sends a file of judged queries straight from the browser to the API."""
    del visit  # the browser sends it, with its own session
    with dialog("Add queries from a file") as made:
        ui.label(
            "JSON lines with query and grades, or a table with the columns query, address and "
            "grade. UTF-8, 1 MB at most."
        ).classes("soft")

        async def arrived(event: GenericEventArguments) -> None:
            told: dict[str, Any] = event.args
            if not told.get("ok"):
                body = told.get("body", {})
                tell(Refused(str(body.get("detail", "")), str(body.get("action", ""))))
                return
            made.close()
            _tell(told["body"])
            await again()

        path = json.dumps(f"/api/v1/query-sets/{query_set.id}/import")
        picker = ui.element("input").props(
            'type=file accept=".csv,.jsonl,.json,.tsv,.txt" aria-label="File of queries"'
        )
        picker.classes("file").on("change", arrived, js_handler=_SEND % path)
        with foot(made):
            pass
    return opener(made)


def take_feedback(visit: Visit, query_set: QuerySet, again: Again) -> Act:
    """An act that adds the questions whose answers visitors found helpful."""

    async def take() -> None:
        _tell(await visit.send("POST", f"/query-sets/{query_set.id}/from-feedback"))
        await again()

    return take


def have_written(visit: Visit, query_set: QuerySet, again: Again) -> Act:
    """A dialog that lets the language model write queries from passages."""
    with dialog("Have queries written") as made:
        ui.label(
            "The language model writes a question for each of some passages. They are marked as "
            "written by it: judge them before you rely on them."
        ).classes("soft")
        many = field("How many", "10", "50 at most.")

        async def write() -> None:
            body = {"count": int(number("How many", many.value))}
            told = await visit.send("POST", f"/query-sets/{query_set.id}/from-passages", body)
            made.close()
            _tell(told)
            await again()

        with foot(made):
            button("Write them", write, "primary")
    return opener(made)


def rename(visit: Visit, query_set: QuerySet) -> Act:
    """A dialog that gives the set another name."""
    with dialog("Rename") as made:
        name = field("Name", query_set.name)

        async def save() -> None:
            body = {"name": name.value.strip()}
            await visit.send("PATCH", f"/query-sets/{query_set.id}", body)
            go(f"/console/evaluation/{query_set.id}")

        with foot(made):
            button("Save", save, "primary")
        on_enter(name, save)
    return opener(made)


def remove(visit: Visit, query_set: QuerySet, queries: int) -> Act:
    """A dialog that removes the set."""

    async def act() -> None:
        await visit.send("DELETE", f"/query-sets/{query_set.id}")
        go("/console/evaluation")

    made = confirm(
        f"Delete {query_set.name}?",
        f"This removes {count(queries, 'query', 'queries')} with their judgments and all runs.",
        "Delete",
        act,
    )
    return opener(made)


def _tell(told: Mapping[str, Any]) -> None:
    """What became of the set."""
    words = f"{count(told['added'], 'query', 'queries')} added, {told['changed']:,} changed."
    unknown = told.get("unknown") or []
    if unknown:
        words += f" No document has {', '.join(map(shown_address, unknown[:3]))}."
    done(words)
