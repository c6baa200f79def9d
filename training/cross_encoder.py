"""A small cross-encoder on the encoder's own backbone: query and passage read together.

It learns to order the candidates that the shipped encoder finds. For each query the candidates are
its own passage and passages that the hybrid of both arms puts first though they are another
query's (hard negatives; Xiong et al., "ANCE", arXiv 2007.00808). The loss is a softmax over the
candidates against soft labels: most of the weight on the right passage, the rest spread as the
hybrid scores the candidates, because a passage that it puts close to the right one often answers
as well.

The result is a folder that sentence-transformers reads (``CANDOR_RERANKER_MODEL``).
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from knowledge.encode.bundled import DEFAULT_MODEL, BundledEncoder
from knowledge.errors import InvalidInput
from knowledge.evaluation.exact import Ranking, SparseArm, dense_ranking
from knowledge.evaluation.metrics import mean_figures
from training.corpus import Pair

_STATE = "reranker.pt"


@dataclass(frozen=True, slots=True)
class RerankerConfig:
    """Switches of the recipe.

    ``queries``: queries of one step. ``negatives``: hard negatives beside each right passage.
    ``right``: weight of the right passage among the soft labels. ``frozen``: lower layers that stay
    as they are, with the word embeddings. ``max_tokens``: of query and passage together.
    """

    steps: int = 600
    queries: int = 8
    negatives: int = 5
    rate: float = 5e-5
    warmup: int = 40
    right: float = 0.8
    frozen: int = 0
    max_tokens: int = 192
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Candidates:
    """A query with texts to order, the right one first, and the first stage's score of each."""

    query: str
    texts: tuple[str, ...]
    scores: tuple[float, ...]


def mine(
    pairs: Sequence[Pair], count: int, most_queries: int, model: Path = DEFAULT_MODEL
) -> list[Candidates]:
    """Candidates for the queries of ``pairs``: the right passage, then ``count`` others.

    Each source is a collection of its own. Sources take turns until there are ``most_queries``;
    a source with too few passages yields none.
    """
    encoder = BundledEncoder(model)
    by_source = defaultdict[str, list[Pair]](list)
    for pair in pairs:
        by_source[pair.source].append(pair)
    share = max(1, most_queries // max(1, len(by_source)))
    found = [
        one
        for source in sorted(by_source)
        for one in _mine_source(by_source[source][:share], count, encoder)
    ]
    order = np.random.default_rng(0).permutation(len(found))
    return [found[place] for place in order]


def first_stage(
    encoder: BundledEncoder, passages: Sequence[str], queries: Sequence[str]
) -> list[dict[int, float]]:
    """For each query the places of passages with the mean of both arms' scores, each scaled to
    0 to 1 over its first 100: min-max fusion.
    """
    encoded, asked = encoder.encode_passages(passages), encoder.encode_queries(queries)
    vectors = [one.sparse for one in encoded if one.sparse is not None]
    arm = SparseArm(vectors, encoder.spec.counted_weight)
    rankings: tuple[Ranking, Ranking] = (
        arm.rank([one.sparse for one in asked if one.sparse is not None]),
        dense_ranking(asked, encoded),
    )
    fused: list[dict[int, float]] = [{} for _ in queries]
    for ranking in rankings:
        for row, scores in zip(ranking, fused, strict=True):
            if row:
                high, low = row[0][1], row[-1][1]
                for place, score in row:
                    part = 0.5 * (score - low) / max(high - low, 1e-9)
                    scores[place] = scores.get(place, 0.0) + part
    return fused


def train_reranker(
    candidates: Sequence[Candidates],
    backbone: Path,
    target: Path,
    work: Path,
    config: RerankerConfig | None = None,
    device: str = "cpu",
) -> None:
    """Train on ``candidates`` and write the model to ``target``; resumes from ``work``.

    ``backbone``: folder of the transformer to start from. Raises :class:`InvalidInput` where there
    are too few candidates for one step.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    config = config or RerankerConfig()
    if len(candidates) < config.queries:
        detail = f"There are {len(candidates)} queries with hard negatives."
        raise InvalidInput(detail, f"One step takes {config.queries}: give more pairs.")
    torch.manual_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(str(backbone))
    model = AutoModelForSequenceClassification.from_pretrained(str(backbone), num_labels=1)
    model.to(device).train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not _is_frozen(name, config.frozen))
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=config.rate, weight_decay=0.01)
    work.mkdir(parents=True, exist_ok=True)
    begun = _restore(work / _STATE, model, optimizer, config)
    started, losses = time.perf_counter(), list[float]()
    for step in range(begun, config.steps):
        for group in optimizer.param_groups:
            rise = min(1.0, (step + 1) / config.warmup)
            group["lr"] = config.rate * rise * (1 - step / config.steps)
        rows = _chosen(candidates, config, step)
        batch = _tokens(tokenizer, rows, config.max_tokens, device)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            logits = model(**batch).logits
        loss = ranking_loss(
            logits.float().view(len(rows), -1), soft_labels(rows, config.right).to(device)
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % 20 == 0 or step + 1 == config.steps:
            spent = time.perf_counter() - started
            print(f"step {step + 1}, {spent:.0f} s: loss {np.mean(losses[-20:]):.3f}", flush=True)
            _save(work / _STATE, model, optimizer, step + 1, config)
    model.eval().cpu().save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))


def soft_labels(rows: Sequence[Candidates], right: float) -> Tensor:
    """``float32[queries, candidates]``, each row a distribution: ``right`` for the first one, the
    rest in proportion to ``exp(4 x first-stage score)`` of the others.
    """
    scores = torch.tensor([row.scores for row in rows])
    others = (4 * scores[:, 1:]).softmax(1) * (1 - right)
    return torch.cat([torch.full((len(rows), 1), right), others], 1)


def ranking_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the softmax over each query's candidates; both ``[queries, candidates]``."""
    return functional.cross_entropy(logits, labels)


def measure_reranker(
    folder: Path, pairs: Sequence[Pair], most_queries: int, depth: int = 20, device: str = "cpu"
) -> dict[str, float]:
    """nDCG@10 of the first stage and of its first ``depth`` passages in the reranker's order."""
    from knowledge.encode.rerank import CrossEncoderReranker

    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    places = {text: place for place, text in enumerate(passages)}
    judgments: dict[str, dict[str, int]] = {}
    for pair in pairs:
        if pair.query and (pair.query in judgments or len(judgments) < most_queries):
            judgments.setdefault(pair.query, {})[str(places[pair.passage])] = 1
    queries = list(judgments)
    fused = first_stage(BundledEncoder(), passages, queries)
    reranker = CrossEncoderReranker(str(folder), device=device)
    runs: dict[str, dict[str, dict[str, float]]] = {"hybrid": {}, "hybrid, reranked": {}}
    for query, scores in zip(queries, fused, strict=True):
        first = sorted(scores, key=lambda place: (-scores[place], place))[:depth]
        again = reranker.rerank(query, [passages[place] for place in first])
        runs["hybrid"][query] = {str(place): scores[place] for place in first}
        runs["hybrid, reranked"][query] = {
            str(place): score for place, score in zip(first, again, strict=True)
        }
    return {
        name: mean_figures(judgments, run, ["ndcg@10"])["ndcg@10"] for name, run in runs.items()
    }


def _mine_source(
    pairs: Sequence[Pair], count: int, encoder: BundledEncoder
) -> Iterator[Candidates]:
    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    own = defaultdict[str, set[str]](set)
    for pair in pairs:
        own[pair.query].add(pair.passage)
    queries = list(own)
    if len(passages) <= count + 1:
        return
    for query, scores in zip(queries, first_stage(encoder, passages, queries), strict=True):
        right = sorted(own[query])[0]
        ranked = sorted(scores, key=lambda place: (-scores[place], place))
        wrong = [place for place in ranked if passages[place] not in own[query]][:count]
        if len(wrong) == count:
            score = scores.get(passages.index(right), 0.0)
            texts = (right, *(passages[place] for place in wrong))
            yield Candidates(query, texts, (score, *(scores[place] for place in wrong)))


def _chosen(
    candidates: Sequence[Candidates], config: RerankerConfig, step: int
) -> list[Candidates]:
    """The queries of a step: every query once before any comes again."""
    per_round = len(candidates) // config.queries
    turn, place = divmod(step, per_round)
    order: NDArray[np.int64] = np.random.default_rng((config.seed, turn)).permutation(
        len(candidates)
    )
    return [candidates[at] for at in order[place * config.queries :][: config.queries]]


def _tokens(
    tokenizer: Any, rows: Sequence[Candidates], max_tokens: int, device: str
) -> dict[str, Tensor]:
    queries = [row.query for row in rows for _ in row.texts]
    texts = [text for row in rows for text in row.texts]
    found = tokenizer(
        queries,
        texts,
        padding=True,
        truncation="longest_first",
        max_length=max_tokens,
        return_tensors="pt",
    )
    return {name: tensor.to(device) for name, tensor in found.items()}


def _is_frozen(name: str, layers: int) -> bool:
    if layers and ".embeddings." in name:
        return True
    return any(f".layer.{number}." in name for number in range(layers))


def _save(path: Path, model: Any, optimizer: Any, step: int, config: RerankerConfig) -> None:
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "config": json.dumps(asdict(config)),
    }
    scratch = path.with_suffix(".part")
    torch.save(state, scratch)
    scratch.replace(path)


def _restore(path: Path, model: Any, optimizer: Any, config: RerankerConfig) -> int:
    """The step to go on from. Raises :class:`InvalidInput` for another run's checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    if state["config"] != json.dumps(asdict(config)):
        detail = f"{path} is the checkpoint of a run with other settings."
        raise InvalidInput(detail, "Remove it to begin anew.")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
