"""Candor's search and reranking as parts of a LlamaIndex pipeline.

::

    retriever = CandorRetriever(searcher, (knowledge_base_id,), limit=10)
    engine = RetrieverQueryEngine.from_args(
        retriever, llm=llm, node_postprocessors=[CandorReranker(reranker=reranker, top_n=5)]
    )

Nothing else in Candor imports this module, so that LlamaIndex is only loaded where it is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from backend.search.rerank import Reranker
from backend.search.search import Searcher, SearchRequest
from knowledge.errors import InvalidQuery
from knowledge.types import Hit

_FOR_PEOPLE = ["chunk_id", "document_id", "address", "arms", "page", "seconds"]
"""Metadata that neither an embedding nor a language model is to read."""


class CandorRetriever(BaseRetriever):
    """Finds passages with both arms. A node's score is the fused one; its parts are metadata.

    ``loop`` is the event loop that the searcher lives on, where that is not the caller's: needed
    to call the blocking ``retrieve`` from another thread. The blocking call cannot be made from
    the searcher's own loop.
    """

    def __init__(
        self,
        searcher: Searcher,
        knowledge_base_ids: Sequence[UUID],
        limit: int = 10,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__()
        self._searcher = searcher
        self._knowledge_base_ids = tuple(knowledge_base_ids)
        self._limit = limit
        self._loop = loop

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        request = SearchRequest(query_bundle.query_str, self._knowledge_base_ids, self._limit)
        result = await self._searcher.search(request)
        return [node_of(hit) for hit in result.hits]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self._loop is None:
            return asyncio.run(self._aretrieve(query_bundle))
        waiting = asyncio.run_coroutine_threadsafe(self._aretrieve(query_bundle), self._loop)
        return waiting.result()


class CandorReranker(BaseNodePostprocessor):
    """Orders nodes again with a cross-encoder, and keeps the first ``top_n``."""

    reranker: Any
    top_n: int = 10

    def __init__(self, reranker: Reranker, top_n: int = 10) -> None:
        super().__init__(reranker=reranker, top_n=top_n)

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex records."""
        return "CandorReranker"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InvalidQuery("There is no query to rerank for.", "Pass query_str.")
        if not nodes:
            return []
        scores = self.reranker.rerank(
            query_bundle.query_str, [node.node.get_content() for node in nodes]
        )
        order = sorted(range(len(nodes)), key=lambda i: (-scores[i], i))
        return [
            NodeWithScore(node=nodes[i].node, score=float(scores[i])) for i in order[: self.top_n]
        ]


def node_of(hit: Hit) -> NodeWithScore:
    """A hit as a node: its id is the chunk's, its metadata says where it stands and why."""
    metadata = {
        "title": hit.title,
        "heading": " > ".join(hit.heading),
        "chunk_id": str(hit.chunk_id),
        "document_id": str(hit.document_id),
        "address": hit.address,
        "page": hit.page,
        "seconds": hit.seconds,
        "arms": {
            arm: {"rank": score.rank, "score": score.score, "part": score.part}
            for arm, score in hit.arms.items()
        },
    }
    node = TextNode(
        id_=str(hit.chunk_id),
        text=hit.text,
        metadata=metadata,
        excluded_embed_metadata_keys=_FOR_PEOPLE,
        excluded_llm_metadata_keys=_FOR_PEOPLE,
    )
    return NodeWithScore(node=node, score=hit.score)
