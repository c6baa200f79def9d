"""The index on a Qdrant server or cluster: one collection, knowledge bases as its tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import httpx
import numpy as np
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import EncoderMismatch, IndexUnavailable
from knowledge.index.checks import check_points, check_query
from knowledge.index.conditions import Filter, Named
from knowledge.index.points import TIE_MARGIN, ranked, sparse_vector
from knowledge.index.search_index import MAX_UPSERT, Payload, Point, RankedPoint
from knowledge.index.server_filter import server_filter, translate
from knowledge.types import ArmName, Encoding

_ENCODER = "candor_encoder"
_FIELDS: dict[str, models.PayloadSchemaType | models.KeywordIndexParams] = {
    "knowledge_base": models.KeywordIndexParams(
        type=models.KeywordIndexType.KEYWORD, is_tenant=True
    ),
    "source": models.PayloadSchemaType.KEYWORD,
    "document": models.PayloadSchemaType.KEYWORD,
    "language": models.PayloadSchemaType.KEYWORD,
    "modified": models.PayloadSchemaType.DATETIME,
    "hidden": models.PayloadSchemaType.BOOL,
}


class ServerIndex:
    """A :class:`~knowledge.index.search_index.SearchIndex` over a Qdrant server.

    Make one with :meth:`open`. The client belongs to the event loop that it is used in first.
    Writes wait until the server has applied them.
    """

    def __init__(self, client: AsyncQdrantClient, collection: str, spec: EncoderSpec) -> None:
        self._client = client
        self._collection = collection
        self._spec = spec

    @classmethod
    async def open(
        cls,
        client: AsyncQdrantClient,
        collection: str,
        spec: EncoderSpec,
        shards: int = 1,
        replicas: int = 1,
    ) -> ServerIndex:
        """Open the collection, or make an empty one of ``shards`` shards, ``replicas`` times each.

        Raises :class:`EncoderMismatch` where another encoder filled it, and
        :class:`IndexUnavailable` where the server does not answer or refuses.
        """
        with server_errors():
            if not await client.collection_exists(collection):
                await _create(client, collection, spec, shards, replicas)
            info = await client.get_collection(collection)
        found = (info.config.metadata or {}).get(_ENCODER)
        if found != spec.id:
            raise EncoderMismatch(
                f"The collection {collection} was filled by the encoder {found}, not by {spec.id}.",
                "Run `candor reindex`, or set the encoder back.",
            )
        return cls(client, collection, spec)

    @property
    def spec(self) -> EncoderSpec:
        """The encoder whose vectors this index holds."""
        return self._spec

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add or replace points, at most ``MAX_UPSERT`` of them."""
        check_points(points, self._spec)
        if not points:
            return
        batch = [
            models.PointStruct(
                id=str(point.id), vector=_vectors(point.encoding), payload=dict(point.payload)
            )
            for point in points
        ]
        with server_errors():
            await self._client.upsert(self._collection, batch, wait=True)

    async def delete(self, condition: Filter) -> None:
        """Delete every point that matches."""
        with server_errors():
            await self._client.delete(
                self._collection, models.FilterSelector(filter=translate(condition)), wait=True
            )

    async def set_payload(self, condition: Filter, payload: Payload) -> None:
        """Overwrite the named payload fields of every point that matches."""
        with server_errors():
            await self._client.set_payload(
                self._collection, payload=dict(payload), points=translate(condition), wait=True
            )

    async def search_arms(
        self,
        query: Encoding,
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> dict[ArmName, list[RankedPoint]]:
        """The best ``limit`` points of each arm on its own, best first, ties by id."""
        return (await self.search_many([query], arms, condition, limit))[0]

    async def search_many(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        """What ``search_arms`` would answer to each query, in their order, in one call."""
        return await self._arms(queries, arms, condition, limit, exact=False)

    async def score(
        self, query: Encoding, arms: Sequence[ArmName], ids: Sequence[UUID]
    ) -> dict[ArmName, dict[UUID, float]]:
        """The engine's score in each arm of the points named, wherever they rank."""
        if not ids:
            return {arm: {} for arm in arms}
        named = Filter(must=(Named(tuple(ids)),))
        (found,) = await self._arms([query], arms, named, len(ids), exact=True)
        return {arm: {point.id: point.score for point in found[arm]} for arm in arms}

    async def retrieve(self, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points named that exist, with their vectors and payload."""
        if not ids:
            return {}
        with server_errors():
            records = await self._client.retrieve(
                self._collection,
                ids=[str(one) for one in ids],
                with_payload=True,
                with_vectors=True,
            )
        return {UUID(str(record.id)): _point(record) for record in records}

    async def count(self, condition: Filter | None = None) -> int:
        """How many points match, exactly."""
        with server_errors():
            answer = await self._client.count(
                self._collection, count_filter=server_filter(condition), exact=True
            )
        return answer.count

    async def scroll(
        self, condition: Filter | None = None, batch: int = MAX_UPSERT
    ) -> AsyncIterator[list[Point]]:
        """Every point that matches, in batches, in the order of ids."""
        offset = None
        while True:
            with server_errors():
                records, offset = await self._client.scroll(
                    self._collection,
                    scroll_filter=server_filter(condition),
                    limit=batch,
                    offset=offset,
                    with_payload=True,
                    with_vectors=True,
                )
            if records:
                yield [_point(record) for record in records]
            if offset is None:
                return

    async def flush(self) -> None:
        """Do nothing: the server has its own write-ahead log, and every write waited for it."""

    async def optimize(self) -> bool:
        """Nothing: the server sees to it by itself."""
        return False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _arms(
        self,
        queries: Sequence[Encoding],
        arms: Sequence[ArmName],
        condition: Filter | None,
        limit: int,
        exact: bool,
    ) -> list[dict[ArmName, list[RankedPoint]]]:
        for query in queries:
            check_query(query, arms, self._spec)
        requests = [
            models.QueryRequest(
                query=_vectors(query)[arm],
                using=arm,
                filter=server_filter(condition),
                limit=limit + TIE_MARGIN,
                params=models.SearchParams(exact=True) if exact else None,
            )
            for arm in arms
            for query in queries
        ]
        with server_errors():
            answers = await self._client.query_batch_points(self._collection, requests)
        found = [
            ranked([RankedPoint(UUID(str(hit.id)), hit.score) for hit in answer.points], limit)
            for answer in answers
        ]
        return [
            {arm: found[row * len(queries) + at] for row, arm in enumerate(arms)}
            for at in range(len(queries))
        ]


async def _create(
    client: AsyncQdrantClient, collection: str, spec: EncoderSpec, shards: int, replicas: int
) -> None:
    dense = models.VectorParams(size=max(spec.dense_size, 1), distance=models.Distance.DOT)
    try:
        await client.create_collection(
            collection,
            vectors_config={"dense": dense} if spec.dense_size else {},
            sparse_vectors_config={"sparse": models.SparseVectorParams()} if spec.sparse else None,
            shard_number=shards,
            replication_factor=replicas,
            metadata={_ENCODER: spec.id},
        )
    except UnexpectedResponse as error:
        # Another process made it a moment earlier.
        if error.status_code != httpx.codes.CONFLICT:
            raise
    for name, schema in _FIELDS.items():
        await client.create_payload_index(collection, name, schema, wait=True)


def _vectors(encoding: Encoding) -> dict[str, list[float] | models.SparseVector]:
    vectors: dict[str, list[float] | models.SparseVector] = {}
    if encoding.dense is not None:
        vectors["dense"] = encoding.dense.tolist()
    if encoding.sparse is not None:
        vectors["sparse"] = models.SparseVector(
            indices=encoding.sparse.indices.tolist(), values=encoding.sparse.values.tolist()
        )
    return vectors


def _point(record: models.Record) -> Point:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    dense = vectors.get("dense")
    sparse = vectors.get("sparse")
    return Point(
        id=UUID(str(record.id)),
        encoding=Encoding(
            dense=None if dense is None else np.asarray(dense, dtype=np.float32),
            sparse=sparse_vector(sparse.indices, sparse.values)
            if isinstance(sparse, models.SparseVector)
            else None,
        ),
        payload=record.payload or {},
    )


@contextmanager
def server_errors() -> Iterator[None]:
    """Turn what the client raises into :class:`IndexUnavailable`."""
    try:
        yield
    except UnexpectedResponse as error:
        raise IndexUnavailable(
            f"The Qdrant server answered {error.status_code} {error.reason_phrase}: "
            f"{error.content.decode(errors='replace')[:300]}",
            "Check the server's log, CANDOR_QDRANT_URL and CANDOR_QDRANT_API_KEY.",
        ) from error
    except (ApiException, QdrantException, httpx.HTTPError, OSError) as error:
        raise IndexUnavailable(
            f"The Qdrant server cannot be reached: {error}.",
            "Check CANDOR_QDRANT_URL and that the server is up.",
        ) from error
