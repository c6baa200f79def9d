"""The hits of a search, each of which opens to say why it stands where it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import GenericEventArguments

from backend.api.schemas.rules import RuleBody
from backend.console.forms import button
from backend.console.frame import tell
from backend.console.ledger_view import ARM_NAMES, explanation
from backend.console.parts import empty, note, show
from backend.console.prose import plain
from backend.console.visit import Visit
from backend.console.words import count, shown_address
from backend.explain.explain import Explainer
from backend.search.search import SearchResult
from knowledge.errors import CandorError
from knowledge.store.tables import RuleKind
from knowledge.types import Hit

_RAISED = 2.0

Offer = Callable[[RuleBody], Awaitable[None]]


class HitList:
    """Draws the hits of one search after another.

    ``opened`` is told which hit was opened last; ``offer`` takes a change that somebody wants to
    try on a hit.
    """

    def __init__(
        self, visit: Visit, explainer: Explainer, opened: Callable[[UUID], None], offer: Offer
    ) -> None:
        self._visit = visit
        self._explainer = explainer
        self._opened = opened
        self._offer = offer

    async def draw(self, result: SearchResult, wanted: UUID | None) -> None:
        """Put the hits here, with the one that is wanted, or the first, open."""
        for warning in result.warnings:
            show(note("warn", "", warning))
        if not result.hits:
            show(
                empty(
                    "explain",
                    "Nothing found",
                    "No passage shares a word with the question or is near it in meaning. An "
                    "assistant would say that it does not know.",
                ),
                classes="card",
            )
            return
        show(
            Markup("{} in {:.0f} ms. Open one to see why.").format(
                count(len(result.hits), "passage"), result.took_ms
            ),
            tag="p",
            classes="soft small",
        ).props("role=status")
        first = wanted or result.hits[0].chunk_id
        for place, hit in enumerate(result.hits, start=1):
            await self._hit(result, place, hit, is_open=hit.chunk_id == first)

    async def _hit(self, result: SearchResult, place: int, hit: Hit, is_open: bool) -> None:
        async def fill() -> None:
            if inside.content:
                return
            await self._visit.check()
            found = await self._explainer.hits(result, [hit.chunk_id], origins=True)
            inside.set_content(
                explanation(found[0])
                if found
                else note("warn", "", "The passage has been removed since: search again.")
            )
            if found:
                with box:
                    self._tries(result.query, hit)

        async def toggled(event: GenericEventArguments) -> None:
            if event.args.get("newState") != "open":
                return
            try:
                await fill()
            except CandorError as error:
                tell(error)
            self._opened(hit.chunk_id)

        box = ui.element("details").classes("card hit").on("toggle", toggled, args=["newState"])
        with box:
            show(_summary(place, hit), tag="summary")
            inside = show(Markup(""), classes="inside")
        if is_open:
            box.props("open")
            await fill()

    def _tries(self, query: str, hit: Hit) -> None:
        """What may be tried on a hit at once."""
        short = query[:500]
        offers = (
            ("Pin to the first place", RuleBody(kind=RuleKind.PIN, query=short)),
            ("Raise it", RuleBody(kind=RuleKind.BOOST, query=short, factor=_RAISED)),
            ("Leave it out", RuleBody(kind=RuleKind.HIDE, query=short)),
        )
        with ui.element("div").classes("actions tries"):
            show(Markup("What if?"), tag="span", classes="soft small")
            for words, body in offers:
                change = body.model_copy(update={"chunk_id": hit.chunk_id})
                button(words, partial(self._offer, change), "tiny")


def _summary(place: int, hit: Hit) -> Markup:
    where = " › ".join([shown_address(hit.address), *hit.heading])
    arms = ", ".join(
        f"{ARM_NAMES[arm].split(' ')[0].lower()} {score.rank}" for arm, score in hit.arms.items()
    )
    return Markup(
        '<span class="place">{}</span><span><b>{}</b><br><span class="where">{}</span></span>'
        '<span class="score">{:.4f}<br>{}</span><span class="snippet">{}</span>'
    ).format(place, hit.title, where, hit.score, arms, plain(hit.text[:400])[:300])
