"""``python -m training``: build the bundled encoder or a reranker, fine-tune, or measure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from knowledge.encode.bundled import DEFAULT_MODEL
from knowledge.errors import CandorError
from training.build import Workshop, build_encoder, find_backbone
from training.corpus import Pair
from training.cross_encoder import RerankerConfig, measure_reranker, mine, train_reranker
from training.evaluate import evaluate_model
from training.fine_tune import GENTLE, fine_tune, read_pairs
from training.pairs import DICTIONARY, Limits, build_pairs
from training.train import BRANCH_RATE, TrainConfig

STARTED = 170.0
"""What the shipped head adds to the text of training, counted before the cut at 64 terms."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the result is the exit status."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except CandorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    encoder = commands.add_parser("encoder", help="build the bundled encoder from text")
    encoder.add_argument("data", type=Path, help="folder of training text: training/corpus.py")
    encoder.add_argument("--work", type=Path, default=Path("checkpoints/encoder"))
    encoder.add_argument("--model", type=Path, default=Path("checkpoints/candor-minilm"))
    encoder.add_argument("--steps", type=int, default=TrainConfig().steps)
    encoder.add_argument("--shards", type=int, default=6, help="of 8,192 pairs each, at most")
    encoder.add_argument("--version", default="1.1.0")
    encoder.add_argument(
        "--unfreeze", type=int, default=0, help="upper layers of the trunk that learn too"
    )
    encoder.add_argument(
        "--branch", action="store_true", help="a copy of them learns, for the sparse side alone"
    )
    encoder.add_argument("--start", type=Path, help="exported model to go on from")
    encoder.add_argument("--batch", type=int, default=TrainConfig().batch, help="pairs in a step")
    encoder.add_argument(
        "--topic", type=float, default=1.0, help="pairs of one topic, out of so many times as many"
    )
    encoder.add_argument("--added", type=float, help="terms to add to a passage, on the mean")
    encoder.add_argument(
        "--focus", type=float, default=0.0, help="terms that a passage may weigh at first"
    )
    encoder.add_argument(
        "--equal-queries", action="store_true", help="queries count with vectors of equal length"
    )
    encoder.add_argument(
        "--float32", action="store_true", help="for a CPU without bfloat16, where layers learn"
    )
    encoder.add_argument("--device", default="cpu", help="cpu, or cuda for a GPU")
    encoder.set_defaults(run=_encoder)
    tune = commands.add_parser("fine-tune", help="fine-tune on pairs, kept only if better")
    tune.add_argument("pairs", type=Path, help="JSON lines with query and passage")
    tune.add_argument("--base", type=Path, default=DEFAULT_MODEL)
    tune.add_argument("--model", type=Path, required=True, help="folder for the tuned model")
    tune.add_argument("--work", type=Path, default=Path("checkpoints/fine-tune"))
    tune.add_argument("--steps", type=int, default=GENTLE.steps)
    tune.set_defaults(run=_tune)
    rerank = commands.add_parser("reranker", help="train a cross-encoder on the same text")
    rerank.add_argument("data", type=Path, help="folder of training text: training/corpus.py")
    rerank.add_argument("--model", type=Path, required=True, help="folder for the reranker")
    rerank.add_argument("--work", type=Path, default=Path("checkpoints/reranker"))
    rerank.add_argument("--queries", type=int, default=20_000, help="at most, all sources together")
    rerank.add_argument("--steps", type=int, default=RerankerConfig().steps)
    rerank.add_argument("--frozen", type=int, default=0, help="lower layers left as they are")
    rerank.add_argument("--max-tokens", type=int, default=RerankerConfig().max_tokens)
    rerank.add_argument("--judged", type=int, default=100, help="held-out queries of each source")
    rerank.add_argument("--device", default="cpu", help="cpu, or cuda for a GPU")
    rerank.set_defaults(run=_reranker)
    measure = commands.add_parser("evaluate", help="measure a model on pairs")
    measure.add_argument("pairs", type=Path, help="JSON lines with query and passage")
    measure.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    measure.set_defaults(run=_measure)
    return parser


def _encoder(given: argparse.Namespace) -> None:
    shop = Workshop(
        given.data,
        given.work,
        given.model,
        given.shards,
        given.version,
        unfreeze=given.unfreeze,
        branch=given.branch,
        start=given.start,
        bfloat16=not given.float32,
        device=given.device,
    )
    config = TrainConfig(
        steps=given.steps,
        batch=given.batch,
        topic=given.topic,
        focus=given.focus,
        equal_queries=given.equal_queries,
        trunk_rate=BRANCH_RATE if given.branch else TrainConfig().trunk_rate,
    )
    if given.start:
        config = replace(config, rate=GENTLE.rate, added=STARTED, added_query=GENTLE.added_query)
    if given.added:
        config = replace(config, added=given.added)
    print(json.dumps(build_encoder(shop, config), indent=1))


def _tune(given: argparse.Namespace) -> None:
    config = replace(GENTLE, steps=given.steps)
    result = fine_tune(given.pairs, given.base, given.model, given.work, config)
    print(
        f"sparse nDCG@10 on held-out pairs: {result.before['sparse']:.3f} before, "
        f"{result.after['sparse']:.3f} after"
    )
    if result.installed:
        print(f"The tuned model is in {given.model}. An index has to be built anew for it.")
    else:
        print("The tuned model is not better: nothing was written.")


def _reranker(given: argparse.Namespace) -> None:
    pairs = build_pairs(given.data, Limits())
    train, held = ([p for p in some if p.source not in DICTIONARY] for some in pairs)
    config = RerankerConfig(steps=given.steps, frozen=given.frozen, max_tokens=given.max_tokens)
    candidates = mine(train, config.negatives, given.queries)
    print(f"{len(candidates)} queries with hard negatives", flush=True)
    train_reranker(candidates, find_backbone(), given.model, given.work, config, given.device)
    by_source = {source: [p for p in held if p.source == source] for source in _sources(held)}
    for source, some in by_source.items():
        some = some[: 10 * given.judged]
        figures = measure_reranker(given.model, some, given.judged, device=given.device)
        print(json.dumps({source: figures}), flush=True)


def _sources(pairs: Sequence[Pair]) -> list[str]:
    return sorted({pair.source for pair in pairs})


def _measure(given: argparse.Namespace) -> None:
    print(json.dumps(evaluate_model(given.model, read_pairs(given.pairs)), indent=1))


if __name__ == "__main__":
    sys.exit(main())
