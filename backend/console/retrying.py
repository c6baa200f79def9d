"""Documents that are tried again, one by one, from the pages that show them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from markupsafe import Markup
from nicegui.events import GenericEventArguments

from backend.console.frame import done, live, tell
from backend.console.visit import Visit
from backend.console.words import document_name
from knowledge.errors import CandorError
from knowledge.store.queries import runs
from knowledge.store.tables import Document

_ACT = "retry"


class Retries:
    """Has documents read again, and calls ``after`` whenever one has been."""

    def __init__(self, visit: Visit, after: Callable[[], Awaitable[None]]) -> None:
        self._visit = visit
        self._after = after
        self._open: set[UUID] = set()
        self._watcher = live(visit, self._look, running=False)

    async def retry(self, document_id: UUID | str) -> None:
        """Ask for a document to be read again."""
        made = await self._visit.send("POST", f"/documents/{document_id}/retry")
        self._open.add(UUID(made["id"]))
        done("The document is being read again.")
        await self._watcher.again()

    async def pressed(self, event: GenericEventArguments) -> None:
        """A button of :func:`retry_button` was pressed."""
        act, named = (str(one) for one in event.args)
        if act != _ACT:
            return
        try:
            await self.retry(named)
        except CandorError as error:
            tell(error)

    async def _look(self) -> bool:
        async with self._visit.database.reading() as session:
            found = [
                await runs.find_run(session, self._visit.workspace_id, run_id)
                for run_id in self._open
            ]
        ended = {run.id for run in found if run.state in runs.ENDED}
        self._open -= ended
        if ended:
            await self._after()
        return bool(self._open)


def retry_button(document: Document) -> Markup:
    """A button in a row that is a link: it lies above that."""
    return Markup(
        '<button type="button" class="link" style="position:relative;z-index:1" '
        'data-act="{}" data-act-on="{}">Try again<span class="unseen"> {}</span></button>'
    ).format(_ACT, document.id, document_name(document))
