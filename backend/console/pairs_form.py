"""Questions with their answers, typed by hand: made, and written anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import Again, opener
from backend.console.forms import Act, area, button, dialog, field, foot
from backend.console.frame import done
from backend.console.parts import show
from backend.console.visit import Visit


class _Rows:
    """The fields of all pairs; one that is empty in both is left out."""

    def __init__(self) -> None:
        self._room = ui.element("div").classes("stack")
        self._fields: list[tuple[ui.input, ui.textarea]] = []

    def add(self, question: str = "", answer: str = "") -> None:
        """A pair more."""
        number = len(self._fields) + 1
        with self._room, ui.element("fieldset").classes("pair-fields form tight"):
            show(Markup("Pair {}").format(number), tag="legend", classes="label")
            asked = field("Question", question)
            said = area("Answer", answer, rows=3)
            asked.props["aria-label"] = f"Question {number}"
            said.props["aria-label"] = f"Answer {number}"
        self._fields.append((asked, said))

    def values(self) -> list[dict[str, str]]:
        """The pairs as the API takes them."""
        given = [(asked.value.strip(), said.value.strip()) for asked, said in self._fields]
        return [{"question": asked, "answer": said} for asked, said in given if asked or said]


def add_pairs(visit: Visit, knowledge_base_id: UUID, again: Again) -> Act:
    """A dialog that adds questions with their answers."""
    with dialog("Questions and answers") as made:
        title = field("Title", "Questions and answers", "Visitors see it beside an answer.")
        rows = _Rows()
        rows.add()

        async def add() -> None:
            body = {"kind": "pairs", "title": title.value, "pairs": rows.values()}
            await visit.send("POST", f"/knowledge-bases/{knowledge_base_id}/sources", body)
            made.close()
            done("The answers are being indexed.")
            await again()

        _foot(made, rows, "Add answers", add)
    return opener(made)


def edit_pairs(visit: Visit, source_id: UUID, again: Again) -> Act:
    """An act that opens all pairs of a source; to remove one, both its fields are emptied."""

    async def act() -> None:
        found = await visit.send("GET", f"/sources/{source_id}/pairs")
        _open(visit, source_id, found["pairs"], again)

    return act


def _open(visit: Visit, source_id: UUID, pairs: Sequence[Mapping[str, str]], again: Again) -> None:
    with dialog("Edit questions and answers") as made:
        show(Markup('<p class="soft small">A pair whose fields are both empty is removed.</p>'))
        rows = _Rows()
        for pair in pairs:
            rows.add(pair["question"], pair["answer"])

        async def save() -> None:
            await visit.send("PUT", f"/sources/{source_id}/pairs", {"pairs": rows.values()})
            made.close()
            done("Saved. The new answers are found in a moment.")
            await again()

        _foot(made, rows, "Save", save)
    made.on("hide", made.delete)
    made.open()


def _foot(made: ui.dialog, rows: _Rows, words: str, act: Act) -> None:
    async def another() -> None:
        rows.add()

    with foot(made):
        button("One more", another)
        button(words, act, "primary")
