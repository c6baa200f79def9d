"""From a request to what the index is asked: words, rules, vectors, weights, conditions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.search.idf import CollectionIdf
from backend.search.query import EncodedQuery, QueryEncoder, clean
from backend.search.request import SearchRequest, SearchSettings
from backend.search.retrieve import condition
from backend.search.rule_book import RuleBook
from backend.search.rule_effects import Targets, adjust_query, find_targets, without_hidden
from backend.search.rules import Rule, RuleSet, changed_settings
from knowledge.encode.encoder import Encoder, EncoderSpec
from knowledge.errors import InvalidSettings
from knowledge.index.conditions import Filter
from knowledge.store.database import Database
from knowledge.store.rules import Versions, read_versions
from knowledge.types import ArmName, Encoding


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that the index is asked with, and why.

    ``text``: the words searched for. ``encoded``: their vectors as the encoder made them.
    ``query``: the vectors after rules, each sparse weight multiplied by the term's ``idf``.
    ``arms``: those that are asked. ``condition``: what a chunk must match. ``rules``: those that
    apply; ``rule_terms``: terms that they put into the query; ``targets``: the chunks that they
    are about. ``warnings``: sentences for the user.
    """

    settings: SearchSettings
    text: str
    encoded: Encoding
    idf: Mapping[int, float]
    query: Encoding
    arms: Sequence[ArmName]
    condition: Filter
    rules: tuple[Rule, ...]
    rule_terms: frozenset[int]
    targets: Targets
    warnings: tuple[str, ...]


class Preparation:
    """Prepares the queries of one searcher."""

    def __init__(self, database: Database, encoder: Encoder, settings: SearchSettings) -> None:
        self._database = database
        self._encoder = encoder
        self._settings = settings
        self._queries = QueryEncoder(encoder)
        self._idf = CollectionIdf(database)
        self._book = RuleBook()

    async def prepare(self, request: SearchRequest, rules: RuleSet | None) -> Prepared:
        """Prepare ``request`` under ``rules``, or under the saved ones where none are given.

        Raises :class:`InvalidQuery` and :class:`InvalidSettings`.
        """
        clean(request.query)
        # The model runs beside the database, not before it.
        query, (versions, saved) = await asyncio.gather(
            self._queries.encode(request.query), self._saved(request.knowledge_base_ids)
        )
        return await self._prepare(request, query, versions, saved if rules is None else rules)

    async def prepare_many(
        self, requests: Sequence[SearchRequest], rules: RuleSet | None
    ) -> list[Prepared]:
        """:meth:`prepare` for each request, in their order; records are read once for all.

        Queries are encoded one by one all the same: a quantised model gives a text other vectors
        beside other texts, and a query must get the ones that a search for it alone would get.
        """
        read: dict[tuple[UUID, ...], tuple[dict[UUID, Versions], RuleSet]] = {}
        prepared = []
        for request in requests:
            ids = request.knowledge_base_ids
            if ids not in read:
                read[ids] = await self._saved(ids)
            versions, saved = read[ids]
            query = await self._queries.encode(request.query)
            prepared.append(
                await self._prepare(request, query, versions, saved if rules is None else rules)
            )
        return prepared

    async def _prepare(
        self,
        request: SearchRequest,
        query: EncodedQuery,
        versions: Mapping[UUID, Versions],
        rules: RuleSet,
    ) -> Prepared:
        matching = rules.matching(query.text)
        base = request.settings or self._settings
        settings = changed_settings(base, matching) if matching else base
        # An encoder may run for a synonym, so not in the event loop.
        adjusted, rule_terms = (
            await asyncio.to_thread(adjust_query, query.encoding, matching, self._encoder)
            if matching
            else (query.encoding, frozenset[int]())
        )
        arms, warnings = usable_arms(request.arms, adjusted, self._encoder.spec)
        weighted, idf = await self._weigh(adjusted, arms, versions)
        targets = (
            await find_targets(matching, self._database, self._encoder) if matching else Targets()
        )
        return Prepared(
            settings=settings,
            text=query.text,
            encoded=query.encoding,
            idf=idf,
            query=weighted,
            arms=arms,
            condition=without_hidden(condition(request), targets),
            rules=matching,
            rule_terms=rule_terms,
            targets=targets,
            warnings=query.warnings + warnings,
        )

    async def encode(self, query: str) -> EncodedQuery:
        """Check and encode a query, no more."""
        return await self._queries.encode(query)

    async def saved_rules(self, knowledge_base_ids: Sequence[UUID]) -> RuleSet:
        """The rules that searches in these knowledge bases weigh."""
        return (await self._saved(knowledge_base_ids))[1]

    async def _saved(self, ids: Sequence[UUID]) -> tuple[dict[UUID, Versions], RuleSet]:
        async with self._database.reading() as session:
            versions = await read_versions(session, ids)
            return versions, await self._book.read(session, versions)

    async def _weigh(
        self, query: Encoding, arms: Sequence[ArmName], versions: Mapping[UUID, Versions]
    ) -> tuple[Encoding, dict[int, float]]:
        if not self._encoder.spec.uses_idf or "sparse" not in arms:
            return query, {}
        return await self._idf.weigh(
            query, {id: version.statistics for id, version in versions.items()}
        )


def usable_arms(
    wanted: Sequence[ArmName], query: Encoding, spec: EncoderSpec
) -> tuple[list[ArmName], tuple[str, ...]]:
    """The arms that the encoder has and the query has something for, and what to say of others."""
    has = {"sparse": spec.sparse, "dense": spec.dense_size > 0}
    known = [arm for arm in wanted if has[arm]]
    warnings = tuple(f"The encoder {spec.id} has no {arm} side." for arm in wanted if not has[arm])
    if not known:
        raise InvalidSettings(
            f"The encoder {spec.id} has none of the arms asked for.", "Leave out --arms."
        )
    # Stop words alone leave the sparse arm nothing to look for.
    empty = query.sparse is not None and len(query.sparse) == 0
    return [arm for arm in known if not (arm == "sparse" and empty)], warnings
