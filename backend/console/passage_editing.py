"""What an editor does to passages: another text, hiding, showing, taking an edit back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui.events import GenericEventArguments

from backend.console.forms import area, button, dialog, foot
from backend.console.frame import done, tell
from backend.console.parts import show
from backend.console.prose import prose
from backend.console.visit import Visit
from knowledge.errors import CandorError
from knowledge.store.tables import Chunk, PassageEdit


class PassageActs:
    """Does what the buttons of a list of passages say, and draws the page ``again``."""

    def __init__(
        self,
        visit: Visit,
        chunks: Callable[[], Sequence[Chunk]],
        edits: Callable[[], Mapping[UUID, PassageEdit]],
        again: Callable[[], Awaitable[None]],
    ) -> None:
        self._visit = visit
        self._chunks = chunks
        self._edits = edits
        self._again = again

    async def pressed(self, event: GenericEventArguments) -> None:
        """A button was pressed: the event holds its act, and the id of a passage or an edit."""
        act, named = (str(one) for one in event.args)
        try:
            if act == "discard":
                await self._visit.send("DELETE", f"/edits/{named}")
                await self._after("The edit is discarded.")
                return
            chunk = next((one for one in self._chunks() if str(one.id) == named), None)
            if chunk is None:
                await self._after("The passage has changed meanwhile. Look at it again.")
            elif act == "edit":
                self._open(chunk)
            elif act == "restore":
                edit = self._edits().get(chunk.edit_id) if chunk.edit_id else None
                if edit is not None:
                    await self._change(chunk, {"text": edit.original}, "The edit is taken back.")
            elif act in ("hide", "show"):
                words = "No search finds it any more." if act == "hide" else "It is found again."
                await self._change(chunk, {"hidden": act == "hide"}, words)
        except CandorError as error:
            tell(error)

    async def _change(self, chunk: Chunk, body: Mapping[str, object], words: str) -> None:
        await self._visit.send("PATCH", f"/chunks/{chunk.id}", body)
        await self._after(words)

    async def _after(self, words: str) -> None:
        done(words)
        await self._again()

    def _open(self, chunk: Chunk) -> None:
        edit = self._edits().get(chunk.edit_id) if chunk.edit_id else None
        with dialog(f"Edit passage {chunk.ordinal + 1}") as made:
            show(
                Markup(
                    '<p class="soft small">Assistants quote this text instead of the document’s. '
                    "It stays until the document itself changes in these words; then the page says "
                    "so.</p>"
                )
            )
            text = area("Text", chunk.text, "Markdown is understood.", rows=10)
            if edit is not None and edit.text != edit.original:
                show(
                    Markup(
                        "<details><summary>What the document says</summary>"
                        '<div class="reader">{}</div></details>'
                    ).format(prose(edit.original))
                )

            async def save() -> None:
                await self._visit.send("PATCH", f"/chunks/{chunk.id}", {"text": text.value})
                made.close()
                await self._after("Saved. It is found by its new words in a moment.")

            with foot(made):
                button("Save", save, "primary")
        made.on("hide", made.delete)
        made.open()
