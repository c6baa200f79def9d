"""Write a trained head and its trunk as the folder that the bundled encoder reads."""

from __future__ import annotations

import copy
import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from knowledge.encode.model_files import BundledConfig, write_manifest
from knowledge.encode.sessions import BRANCH, HIDDEN, LOWER
from training.head import ROLES, SparseHead

KEPT = 96
"""Highest terms that the graph returns: the written ones among them do not count as added."""


class _TermGraph(nn.Module):
    """``vectors [n, g, d]`` and ``offsets [n, g, 1]`` to the highest logits over ``g``."""

    def __init__(self, head: SparseHead) -> None:
        super().__init__()
        self.vectors = nn.Parameter(head.vectors.detach().T.contiguous())
        self.bias = nn.Parameter(head.bias.detach().clone())

    def forward(self, vectors: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        met = torch.matmul(vectors, self.vectors) + self.bias + offsets
        logits = met.amax(1)
        values, indices = logits.topk(KEPT, dim=1)
        return logits, values, indices


class _TrunkGraph(nn.Module):
    """``input_ids`` and ``attention_mask`` to the last hidden states.

    Before a branch of so many layers also to the states that it begins from.
    """

    def __init__(self, model: Any, branch: int = 0) -> None:
        super().__init__()
        self.model, self._branch = model, branch

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        found = self.model(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        )
        lower = found.hidden_states[-1 - self._branch]
        return (found.last_hidden_state, lower) if self._branch else (found.last_hidden_state,)


class _BranchGraph(nn.Module):
    """States and ``attention_mask`` to the states after the branch's layers."""

    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, lower: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = (1.0 - attention_mask.to(lower.dtype)) * torch.finfo(lower.dtype).min
        for layer in self.layers:
            lower = layer(lower, attention_mask=hidden[:, None, None])
        return lower


def export_trunk(backbone: Path, target: Path, branch: Mapping[str, Tensor] | None = None) -> None:
    """Quantise the backbone's encoder to int8, per channel, without calibration data.

    ``branch``: the state of :class:`~training.upper_layers.UpperLayers` that stand beside the
    backbone's own. They are written beside ``target``, which then gives what they begin from.
    """
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(backbone), attn_implementation="eager").eval()
    inputs, axes = ["input_ids", "attention_mask"], {0: "texts", 1: "tokens"}
    ids = torch.ones(2, 8, dtype=torch.long)
    mask = torch.ones_like(ids)
    if branch is None:
        _export(_TrunkGraph(model), (ids, mask), inputs, [HIDDEN], axes, target)
        return
    count = 1 + max(int(name.split(".")[0]) for name in branch)
    layers = nn.ModuleList(copy.deepcopy(list(model.encoder.layer[-count:])))
    layers.load_state_dict(dict(branch))
    states = torch.zeros(2, 8, model.config.hidden_size)
    _export(_TrunkGraph(model, count), (ids, mask), inputs, [HIDDEN, LOWER], axes, target)
    beside = target.with_name(BRANCH)
    _export(_BranchGraph(layers), (states, mask), [LOWER, inputs[1]], [HIDDEN], axes, beside)


def export_terms(head: SparseHead, target: Path) -> None:
    """Quantise the projection onto the terms to int8, per channel."""
    example = (torch.zeros(2, 3, head.vectors.shape[1]), torch.zeros(2, 3, 1))
    _export(
        _TermGraph(head),
        example,
        ["vectors", "offsets"],
        ["logits", "values", "indices"],
        {0: "texts", 1: "groups"},
        target,
    )


def export_head_arrays(head: SparseHead, target: Path) -> None:
    """Adapters and query weights, as ``float16`` arrays."""
    arrays: dict[str, Tensor] = {"query_weights": head.literal_query_weights()}
    for role in ROLES:
        adapter = head.adapter(role)
        arrays[f"{role}.A"], arrays[f"{role}.a"] = adapter.up.weight.T, adapter.up.bias
        arrays[f"{role}.B"], arrays[f"{role}.b"] = adapter.down.weight.T, adapter.down.bias
    halves: dict[str, Any] = {k: v.detach().numpy().astype(np.float16) for k, v in arrays.items()}
    np.savez(target, **halves)


def export_model(
    head: SparseHead, config: BundledConfig, trunk: Path, tokenizer: Path, terms: Path, folder: Path
) -> None:
    """Write the whole model folder with its manifest. Files of an earlier model are replaced.

    A branch that lies beside ``trunk`` goes with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    branch = trunk.with_name(BRANCH)
    if not branch.exists():
        (folder / BRANCH).unlink(missing_ok=True)
    elif branch.resolve() != (folder / BRANCH).resolve():
        shutil.copyfile(branch, folder / BRANCH)
    for source, name in (
        (trunk, "trunk.onnx"),
        (tokenizer, "tokenizer.json"),
        (terms, "terms.tsv"),
    ):
        if source.resolve() != (folder / name).resolve():
            shutil.copyfile(source, folder / name)
    export_terms(head, folder / "terms.onnx")
    export_head_arrays(head, folder / "head.npz")
    config.save(folder)
    write_manifest(folder)


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    axes: dict[int, str],
    target: Path,
) -> None:
    dynamic = dict.fromkeys(inputs, axes) | {name: {0: axes[0]} for name in outputs}
    dynamic |= {name: axes for name in outputs if name in {HIDDEN, LOWER}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Path(scratch) / "plain.onnx"
        torch.onnx.export(
            module.eval(),
            example,
            str(plain),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=dynamic,
            opset_version=17,
            dynamo=False,
        )
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)  # advice that is for graphs of convolutions
        try:
            quantize_dynamic(plain, target, per_channel=True, weight_type=QuantType.QInt8)
        finally:
            logging.disable(disabled)
