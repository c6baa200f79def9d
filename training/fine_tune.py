"""Fine-tune the bundled encoder on a user's own pairs, and keep the result only if it is better."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from knowledge.encode.literal import Saturation
from knowledge.encode.model_files import BundledConfig, check_manifest, load_config, sha256
from knowledge.encode.terms import TermTable
from knowledge.errors import InvalidInput, ModelFileError
from training.checkpoint import load_state, progress
from training.corpus import Pair
from training.evaluate import evaluate_model
from training.examples import prepare
from training.export import export_model
from training.head import ROLES, HeadConfig, SparseHead
from training.train import TrainConfig, Trainer
from training.trunk import Trunk

LEAST_PAIRS = 40
MOST_HEADINGS = 20_000
"""Pairs of a passage and its heading that are taken of a larger knowledge base."""

ASKED = ("judgment", "feedback")
"""Sources of pairs that people made: a tuned model must not be worse on these."""

GENTLE = TrainConfig(steps=300, batch=64, rate=1e-4, warmup=30, added=100.0, added_query=30.0)
"""Aims at what the shipped head adds, as training counts it before the cut at 64: pressed to fewer
terms, it would forget more than a few hundred pairs can teach.
"""


@dataclass(frozen=True, slots=True)
class FineTuned:
    """What came of it. ``before``, ``after``: figures on held-out pairs.

    ``sparse`` and ``dense`` are over all of them; ``judgment`` and ``feedback``, where there are
    any, the sparse side over the queries that people asked.
    """

    before: dict[str, float]
    after: dict[str, float]
    installed: bool


def fine_tune(
    pairs_file: Path,
    base: Path,
    target: Path,
    work: Path,
    config: TrainConfig = GENTLE,
    device: str = "cpu",
) -> FineTuned:
    """Train the head of ``base`` on the pairs in ``pairs_file``, and write it to ``target``.

    ``pairs_file``: JSON lines with ``query``, ``passage`` and perhaps ``source``. A tenth of the
    queries is held out; ``target`` is written only where sparse nDCG@10 on them has risen, and has
    not fallen on those that people asked. A run that was interrupted goes on from the checkpoint
    in ``work``. ``device``: what torch calls it (``cpu``, ``cuda``); the trunk always runs on the
    CPU, as it does where the model is used.

    Raises :class:`InvalidInput` for a file that cannot be used, a device that is not there, and a
    checkpoint of another run.
    """
    _check_device(device)
    train, held = split(_sampled(read_pairs(pairs_file)))
    digest = check_manifest(base)
    settings, table = load_config(base), TermTable.load(base / "terms.tsv")
    trunk = Trunk(base / "trunk.onnx", base / "tokenizer.json")
    saturation = Saturation(settings.k1, settings.b, settings.typical_length)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / "fine-tune.pt"
    _check_same_run(work, f"{digest} {sha256(pairs_file)} {asdict(config)}")
    head = read_head(base, settings)
    trainer = Trainer(head, prepare(train, trunk, table, saturation), config, device)
    if checkpoint.exists():
        trainer.restore(load_state(checkpoint))
    trainer.run(progress(50, checkpoint, trainer))
    head.cpu()
    # figures are over all passages, or held-out queries would search a handful
    judged = [*held, *(Pair(p.source, "", p.passage) for p in train)]
    before = evaluate_model(base, judged, apart=ASKED)
    tuned = replace(settings, version=_tuned_version(settings.version))
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        candidate = Path(scratch) / "model"
        export_model(
            head,
            _with_offsets(tuned, head),
            base / "trunk.onnx",
            base / "tokenizer.json",
            base / "terms.tsv",
            candidate,
        )
        after = evaluate_model(candidate, judged, apart=ASKED)
        asked = [name for name in ASKED if name in before]
        better = after["sparse"] > before["sparse"]
        better = better and all(after[name] >= before[name] for name in asked)
        if better:
            shutil.copytree(candidate, target, dirs_exist_ok=True)
    checkpoint.unlink(missing_ok=True)
    (work / _RUN).unlink(missing_ok=True)
    return FineTuned(before, after, better)


_RUN = "run.txt"


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        detail = f"torch finds no device {device!r} ({str(error).splitlines()[0]})."
        raise InvalidInput(detail, "Name cpu, or cuda where there is a GPU.") from error


def _check_same_run(work: Path, run: str) -> None:
    """A checkpoint is gone on with only by the run that wrote it."""
    record = work / _RUN
    wanted = hashlib.sha256(run.encode()).hexdigest()
    if (work / "fine-tune.pt").exists() and record.read_text(encoding="utf-8") != wanted:
        raise InvalidInput(
            f"{work} holds the checkpoint of another run: other pairs, model or settings.",
            "Remove that folder to begin anew, or repeat the earlier command to go on.",
        )
    record.write_text(wanted, encoding="utf-8")


def _tuned_version(version: str) -> str:
    """A version that was tuned once more does not grow longer."""
    return version if version.endswith("-tuned") else f"{version}-tuned"


def _sampled(pairs: Sequence[Pair]) -> list[Pair]:
    """All pairs that people made, and no more headings than training has time for."""
    headings = sorted((p for p in pairs if p.source not in ASKED), key=_order)[:MOST_HEADINGS]
    kept = set(headings)
    return [p for p in pairs if p.source in ASKED or p in kept]


def _order(pair: Pair) -> bytes:
    return hashlib.sha256(f"{pair.query}\0{pair.passage}".encode()).digest()


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of a JSON lines file. Raises :class:`InvalidInput`."""
    pairs = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        detail = f"{path} cannot be read: {error}."
        raise InvalidInput(detail, "Name a text file of JSON lines.") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            pairs.append(Pair(str(row.get("source", "")), str(row["query"]), str(row["passage"])))
        except (ValueError, KeyError, AttributeError) as error:
            detail = f"Line {number} of {path} is not a pair."
            raise InvalidInput(detail, "Each line needs a query and a passage.") from error
    if len(pairs) < LEAST_PAIRS:
        detail = f"{path} holds {len(pairs)} pairs."
        raise InvalidInput(detail, f"At least {LEAST_PAIRS} are needed to learn and to judge.")
    return pairs


def split(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, and about a tenth of the queries held out, the same ones every time."""
    ranked = sorted({p.query for p in pairs}, key=lambda q: hashlib.sha256(q.encode()).digest())
    away = set(ranked[: max(1, len(ranked) // 10)])
    return [p for p in pairs if p.query not in away], [p for p in pairs if p.query in away]


def read_head(folder: Path, settings: BundledConfig) -> SparseHead:
    """The head of an exported model, its term vectors as precise as int8 left them."""
    weights = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(folder / "terms.onnx")).graph.initializer
    }
    name = next((n for n, w in weights.items() if w.ndim == 2 and w.dtype == np.int8), "")
    scale = weights.get(name.removesuffix("_quantized") + "_scale")
    bias = weights.get("bias")
    if scale is None or bias is None:
        raise ModelFileError(f"{folder / 'terms.onnx'} was not written by training/export.py.")
    vectors = torch.from_numpy(weights[name].T.astype(np.float32) * scale[:, None])
    terms = len(vectors)
    with np.load(folder / "head.npz") as arrays:
        query = torch.from_numpy(arrays["query_weights"].astype(np.float32))
        hidden = arrays["query.A"].shape[1]
        head = SparseHead(
            HeadConfig(hidden=hidden), vectors, torch.zeros(terms), torch.ones(terms), query
        )
        head.bias.data.copy_(torch.from_numpy(bias.copy()))
        for role in ROLES:
            adapter = head.adapter(role)
            up, down = (torch.from_numpy(arrays[f"{role}.{k}"].astype(np.float32).T) for k in "AB")
            adapter.up.weight.data.copy_(up)
            adapter.down.weight.data.copy_(down)
            for layer, part in ((adapter.up, "a"), (adapter.down, "b")):
                layer.bias.data.copy_(torch.from_numpy(arrays[f"{role}.{part}"].astype(np.float32)))
            head.scales[role].data.fill_(settings.scales[role])
            head.offsets[role].data.fill_(settings.offsets[role])
    return head


def _with_offsets(settings: BundledConfig, head: SparseHead) -> BundledConfig:
    return replace(
        settings,
        scales={role: abs(head.scales[role].item()) for role in ROLES},
        offsets={role: head.offsets[role].item() for role in ROLES},
    )
