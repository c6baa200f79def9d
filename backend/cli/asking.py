"""``candor ask`` at a terminal: the answer is shown while it is written."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rich.console import Console

from backend.api.errors import problem
from backend.api.routes.search import knowledge_bases_named
from backend.api.state import AppState
from backend.chat.events import TurnFailed
from backend.chat.turn import Question
from backend.cli.connection import Api
from backend.cli.errors import ApiError
from backend.cli.output import out, plain
from knowledge.errors import CandorError
from knowledge.store.conversations import Reader


async def ask(api: Api, question: str, kb: str) -> dict[str, Any]:
    """Show the answer as it comes, with the numbers of its citations. Returns the final answer.

    Raises :class:`ApiError` where the turn ends without one.
    """
    text = AnswerText(out)
    if api.state is None:
        events = api.events("/chat", {"question": question, "knowledge_base": kb})
    else:
        events = _here(api.state, question, kb)
    async with aclosing(events) as running:
        async for name, data in running:
            if name == "message":
                text.add(data["delta"])
            elif name == "citation":
                text.cite(data)
            elif name == "error":
                text.end()
                raise ApiError(data)
            elif name == "final_answer":
                text.end()
                final: dict[str, Any] = data
                return final
    text.end()
    raise CandorError("The answer was broken off.", "Ask again.")


async def _here(state: AppState, question: str, kb: str) -> AsyncGenerator[tuple[str, Any], None]:
    """The events of a turn in this process, where a response would come in one piece."""
    ids = await knowledge_bases_named(state, state.workspace_id, [kb] if kb else [])
    turn = await state.chat.begin(Question(question, Reader(state.workspace_id), ids))
    async with aclosing(turn.events()) as events:
        async for event in events:
            body = problem(event.error) if isinstance(event, TurnFailed) else event.data()
            yield event.name, body


class AnswerText:
    """The text of an answer on its way to a terminal.

    What comes is shown when the next piece does: the citations of a sentence come after it, and
    their numbers stand at its end. One that comes later than that stands with the sources alone.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""
        self._shown = 0
        self._marks: dict[int, list[int]] = {}

    def add(self, delta: str) -> None:
        """Take in the next piece, and show what came before it."""
        self._show()
        self._text += delta

    def cite(self, citation: dict[str, Any]) -> None:
        """Take in a citation of what has come."""
        numbers = self._marks.setdefault(citation["sentence"][1], [])
        if citation["id"] not in numbers:
            numbers.append(citation["id"])

    def end(self) -> None:
        """Show the rest."""
        self._show()
        if self._text:
            self._console.print()

    def _show(self) -> None:
        for end, numbers in sorted(self._marks.items()):
            if end >= self._shown:
                self._write(self._text[self._shown : end])
                self._write("".join(f" [{number}]" for number in numbers))
                self._shown = end
        self._marks.clear()
        # A sentence may be known to have ended when the next one begins: space waits for it.
        end = max(len(self._text.rstrip()), self._shown)
        self._write(self._text[self._shown : end])
        self._shown = end

    def _write(self, text: str) -> None:
        self._console.print(plain(text), end="", markup=False)
