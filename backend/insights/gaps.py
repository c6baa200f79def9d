"""What visitors asked and got no good answer to, and why: no content, or content that was missed.

A question counts as badly answered where the assistant declined, a visitor found the answer
unhelpful or soon asked again in other words, or the passages hardly answered it. Such questions are
clustered; for the main question of each cluster the knowledge bases are searched again, wider than
an answer does and without rules, and the test that decides whether an answer is given at all is
put to what is found, :data:`_READ` passages at a time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from urllib.parse import urlencode
from uuid import UUID

from backend.chat.answer_extractive import ExtractiveWriter
from backend.chat.budget import budget_of
from backend.chat.turn import Chat
from backend.chat.writer import Task
from backend.explain.why_not import WhyNot, why_not
from backend.insights.clusters import Cluster, cluster
from backend.insights.period import Period
from backend.insights.questions import QuestionCollector
from backend.search.search import RuleSet, SearchRequest, SearchResult
from knowledge.errors import InvalidQuery
from knowledge.store.queries.question_groups import (
    QuestionGroup,
    bases_asked,
    cited_in_bad_answers,
    content_states,
    read_groups,
)
from knowledge.store.queries.usage import Scope
from knowledge.types import Hit

UNSURE = 0.3
"""An answer that its passages give with less than this probability is not a good one."""

MOST_GROUPS = 3_000
"""Questions of different words that are clustered; the rarest are left out."""

_WIDE = 40
_READ = 8
_REMEMBERED = 1_000


class GapKind(StrEnum):
    """``MISSED``: there is content that answers it, and search did not bring it up.
    ``ANSWERED_NOW``: asked today, it would be answered.
    """

    NO_CONTENT = "no_content"
    MISSED = "missed"
    ANSWERED_NOW = "answered_now"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a wider search found for a question.

    ``confidence``: that the best passages of all answer it, 0 to 1. ``title``, ``address`` and
    ``why_not`` are of the passage that answers it best; without content they are empty.
    """

    kind: GapKind
    confidence: float
    title: str = ""
    address: str = ""
    why_not: WhyNot | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A cluster of badly answered questions.

    ``badly``: how often they were answered badly, of ``asked`` times; the reasons overlap.
    ``examples``: its questions, the ones most often asked first. ``conversation_id`` and
    ``message_id``: the last time that ``question`` was asked. ``explain``: the explain page's
    address for the question, with the page that was missed. ``finding`` is ``None`` where nobody
    has looked yet.
    """

    question: str
    text_key: str
    examples: tuple[str, ...]
    asked: int
    badly: int
    abstained: int
    unhelpful: int
    reformulated: int
    unsure: int
    last_asked: datetime
    conversation_id: UUID
    message_id: UUID
    explain: str
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Question:
    """A cluster of questions, well answered or not: see :class:`Gap`."""

    question: str
    text_key: str
    examples: tuple[str, ...]
    asked: int
    badly: int
    last_asked: datetime
    conversation_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True)
class _Place:
    """The knowledge bases that a gap is about, the state that their content and rules are in, and
    the passages that visitors were not content with.
    """

    bases: tuple[UUID, ...]
    state: tuple[object, ...]
    refused: frozenset[UUID]


class Gaps:
    """Finds the gaps of every workspace of one process, and remembers what it has looked up."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._database = chat.database
        self._searcher = chat.searcher
        self._writer = ExtractiveWriter(chat.searcher.encoder, chat.settings)
        self._known: OrderedDict[tuple[object, ...], Finding] = OrderedDict()
        self.collector = QuestionCollector(chat.database, chat.searcher.encoder)

    async def questions(
        self, workspace_id: UUID, period: Period, assistant_id: UUID | None = None, limit: int = 50
    ) -> list[Question]:
        """The questions asked most often, in clusters."""
        scope = Scope(workspace_id, period.first, period.last, assistant_id)
        found = await self._clusters(scope, only_badly=False)
        found.sort(key=lambda one: (-one.total("asked"), -one.main.last_asked.timestamp()))
        return [
            Question(
                question=one.main.text,
                text_key=one.main.text_key,
                examples=tuple(group.text for group in one.groups),
                asked=one.total("asked"),
                badly=one.total("badly"),
                last_asked=max(group.last_asked for group in one.groups),
                conversation_id=one.main.conversation_id,
                message_id=one.main.message_id,
            )
            for one in found[:limit]
        ]

    async def gaps(
        self,
        workspace_id: UUID,
        period: Period,
        assistant_id: UUID | None = None,
        limit: int = 20,
        budget_s: float = 2.0,
    ) -> list[Gap]:
        """The clusters that were answered badly most often, each with what a search finds now.

        Looking for content takes some 0.2 s for each gap, once: when ``budget_s`` is over, the
        gaps that nobody has looked into come without a finding, and asking again goes on.
        """
        scope = Scope(workspace_id, period.first, period.last, assistant_id)
        found = await self._clusters(scope, only_badly=True)
        found.sort(
            key=lambda one: (
                -one.total("badly"),
                -one.total("asked"),
                -one.main.last_asked.timestamp(),
            )
        )
        found = found[:limit]
        deadline = perf_counter() + budget_s
        gaps = []
        for one, place in zip(found, await self._places(scope, found), strict=True):
            finding = await self._finding(one, place, perf_counter() < deadline)
            gaps.append(_gap(one, place.bases, finding))
        return gaps

    async def _places(self, scope: Scope, gaps: Sequence[Cluster]) -> list[_Place]:
        """Where each gap was asked, and what visitors were not content with."""
        judged = [
            group.text_key
            for one in gaps
            for group in one.groups
            if group.unhelpful or group.reformulated
        ]
        async with self._database.reading() as session:
            refused = await cited_in_bad_answers(session, scope, judged) if judged else {}
            bases: dict[UUID | None, tuple[tuple[UUID, ...], tuple[object, ...]]] = {}
            for assistant in {one.main.assistant_id for one in gaps}:
                ids = await bases_asked(session, scope.workspace_id, assistant)
                bases[assistant] = ids, tuple(await content_states(session, ids))
        return [
            _Place(
                *bases[one.main.assistant_id],
                frozenset(id for group in one.groups for id in refused.get(group.text_key, ())),
            )
            for one in gaps
        ]

    async def _clusters(self, scope: Scope, only_badly: bool) -> list[Cluster]:
        # Somebody looks: the last questions should be among them.
        await self.collector.collect()
        async with self._database.reading() as session:
            groups = await read_groups(
                session,
                scope,
                self._searcher.encoder.spec.id,
                UNSURE,
                MOST_GROUPS,
                only_badly,
            )
        return await asyncio.to_thread(cluster, groups)

    async def _finding(self, gap: Cluster, place: _Place, may_look: bool) -> Finding | None:
        """What is known of a gap: looked up where nobody has since content or rules changed."""
        key = (gap.main.text_key, place.state, place.refused)
        known = self._known.get(key)
        if known is None and may_look:
            known = await self._look(gap.main, place.bases, place.refused)
            self._known[key] = known
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    async def _look(
        self, main: QuestionGroup, bases: tuple[UUID, ...], refused: frozenset[UUID]
    ) -> Finding:
        """Search wider than an answer does, and test what is found.

        ``refused``: passages that visitors were not content with: content must be another.
        """
        request = SearchRequest(main.text, bases, _WIDE)
        try:
            result = await self._searcher.search(request, RuleSet(()))
        except InvalidQuery:
            return Finding(GapKind.NO_CONTENT, 0.0)
        hits = [hit for hit in result.hits if hit.chunk_id not in refused]
        best, sure = await self._best(result, hits)
        if best is None:
            return Finding(GapKind.NO_CONTENT, sure)
        limit = self._chat.settings.hits
        told = await why_not(
            self._chat.explainer,
            replace(request, limit=limit),
            chunk_id=best.chunk_id,
            answer_hits=budget_of(self._chat),
            changes=False,
        )
        answered = told.stage == "found" and not refused
        kind = GapKind.ANSWERED_NOW if answered else GapKind.MISSED
        return Finding(kind, sure, best.title, best.address, told)

    async def _best(self, result: SearchResult, hits: Sequence[Hit]) -> tuple[Hit | None, float]:
        """The passage that answers best, and how surely; ``None`` where none does well."""
        found: Hit | None = None
        sure = 0.0
        for start in range(0, len(hits), _READ):
            some = tuple(hits[start : start + _READ])
            task = Task(
                question=result.query,
                query=result.query,
                language="",
                hits=some,
                encoding=result.trace.query if result.trace else None,
            )
            quoted = await asyncio.to_thread(self._writer.quote, task)
            if quoted.confidence <= sure:
                continue
            sure = quoted.confidence
            if sure >= UNSURE:
                cited = [one.chunk_id for part in quoted.parts for one in part.citations]
                found = next((hit for hit in some if hit.chunk_id in cited), None)
            if found is not None and start == 0:
                break  # What an answer reads does answer it: nothing needs to be looked for.
        return found, sure


def explain_address(question: str, bases: Sequence[UUID], address: str = "") -> str:
    """The explain page for a question in some knowledge bases, with why not this page."""
    given = [("q", question), *(("in", str(base)) for base in bases), ("why", address)]
    return f"/console/explain?{urlencode([pair for pair in given if pair[1]])}"


def _gap(found: Cluster, bases: Sequence[UUID], finding: Finding | None) -> Gap:
    main = found.main
    return Gap(
        question=main.text,
        text_key=main.text_key,
        examples=tuple(group.text for group in found.groups),
        asked=found.total("asked"),
        badly=found.total("badly"),
        abstained=found.total("abstained"),
        unhelpful=found.total("unhelpful"),
        reformulated=found.total("reformulated"),
        unsure=found.total("unsure"),
        last_asked=max(group.last_asked for group in found.groups),
        conversation_id=main.conversation_id,
        message_id=main.message_id,
        explain=explain_address(main.text, bases, finding.address if finding else ""),
        finding=finding,
    )
