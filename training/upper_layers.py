"""Training the trunk's upper layers together with the head, with its dense side held in place.

The lower layers stay as they are. Where there is one trunk, the upper ones may move as far as the
sparse side gains by it: what they make of a text as a whole, its dense vector, is held to the
frozen trunk's, which the examples carry. Where they are a branch, a copy of them learns for the
sparse side alone, and the dense side keeps its own.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from knowledge.errors import InvalidInput
from training.examples import PASSAGE_TOKENS, QUERY_TOKENS, Texts
from training.lower_states import Ids, LowerStates
from training.trunk import WINDOW


class UpperLayers:
    """A trunk of which the last ``count`` layers learn, over the ``texts`` of examples.

    ``backbone``: folder of a BERT with its tokenizer. ``branch``: whether a copy of the layers
    learns, for passages alone. ``keep``: folder for what the lower layers make of the texts.
    ``bfloat16``: in which the products are taken; half the time of float32 on a CPU that has it.
    Raises :class:`InvalidInput` where the backbone has fewer layers than ``count``.
    """

    def __init__(
        self,
        backbone: Path,
        count: int,
        texts: Texts,
        device: str = "cpu",
        *,
        branch: bool = False,
        keep: Path | None = None,
        bfloat16: bool = True,
    ) -> None:
        from transformers import AutoModel

        # dropout would shake the dense side, which has to stay where it is
        self.model: Any = AutoModel.from_pretrained(str(backbone)).eval().to(device)
        layers = self.model.encoder.layer
        if not 1 <= count <= len(layers):
            detail = f"The backbone has {len(layers)} layers; {count} cannot be unfrozen."
            raise InvalidInput(detail, f"Name a number from 1 to {len(layers)}.")
        self.model.requires_grad_(False)
        self.branch, self._lower = branch, layers[:-count]
        upper = nn.ModuleList(layers[-count:])
        self.moving = copy.deepcopy(upper) if branch else upper
        self.moving.requires_grad_(True)
        self._start = {name: value.clone() for name, value in self.state().items()}
        self._backbone, self._device, self._bfloat16 = backbone, torch.device(device), bfloat16
        self._texts = len(texts.passages)
        tokenizer = Tokenizer.from_file(str(backbone / "tokenizer.json"))
        tokenizer.no_padding()
        ids = _ids(tokenizer, [*texts.passages, *texts.dropped], PASSAGE_TOKENS)
        if not branch:
            ids += _ids(tokenizer, texts.queries, QUERY_TOKENS)
        size = self.model.config.hidden_size
        self._states = LowerStates(ids, size, self._below, keep, f"{backbone} {len(self._lower)}")

    def parameters(self) -> list[nn.Parameter]:
        """What learns."""
        return list(self.moving.parameters())

    def state(self) -> dict[str, Tensor]:
        """The layers that learn, for a checkpoint."""
        return self.moving.state_dict()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from :meth:`state`."""
        self.moving.load_state_dict(state)

    def settle(self) -> None:
        """Move the layers halfway back to where they started, as the head does (WiSE-FT)."""
        after = self.state()
        self.restore({name: (self._start[name] + after[name]) / 2 for name in after})

    def passages(
        self, rows: NDArray[np.int64], dropped: NDArray[np.bool_]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """States of the passages as shown: whole ``[n, d]``, windows ``[m, d]``, owners ``[m]``."""
        states, mask = self._run(rows + self._texts * dropped)
        return (_unit((states * mask[..., None]).sum(1)), *_windows(states, mask))

    def queries(self, rows: NDArray[np.int64]) -> Tensor:
        """Dense vectors of the queries, ``[n, d]``; there are none of a branch."""
        states, mask = self._run(rows + 2 * self._texts)
        return _unit((states * mask[..., None]).sum(1))

    def save(self, folder: Path) -> None:
        """Write the trunk as it is now, in the form that it was read from."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(str(folder))
        for name in ("tokenizer.json", "vocab.txt"):
            if (self._backbone / name).exists():
                shutil.copyfile(self._backbone / name, folder / name)

    def _run(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Token states ``[n, t, d]`` and ``float[n, t]``, 1 where there is a token.

        The shorter half of the texts and the longer one run apart, which saves padding.
        """
        lengths = self._states.lengths(rows)
        order, longest = np.argsort(lengths, kind="stable"), int(lengths.max())
        halves = [half for half in np.array_split(order, 2) if len(half)]
        states, masks = list[Tensor](), list[Tensor]()
        for half in halves:
            below, there = (one.to(self._device) for one in self._states.take(rows[half]))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
                found = _through(self.moving, below, there).float()
            missing = longest - found.shape[1]
            states.append(functional.pad(found, (0, 0, 0, missing)))
            masks.append(functional.pad(there.float(), (0, missing)))
        back = torch.from_numpy(np.argsort(order)).to(self._device)
        return torch.cat(states)[back], torch.cat(masks)[back]

    @torch.no_grad()
    def _below(self, ids: Tensor, mask: Tensor) -> Tensor:
        ids, mask = ids.to(self._device), mask.to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            return _through(self._lower, self.model.embeddings(input_ids=ids), mask)


def dense_drift(live: Tensor, frozen: Tensor) -> Tensor:
    """``1 - cosine`` of the dense vectors with the frozen trunk's, the mean over ``[n, d]``."""
    return (1 - functional.cosine_similarity(live, frozen, dim=1)).mean()


def _through(layers: Any, states: Tensor, mask: Tensor) -> Tensor:
    """``states [n, t, d]`` after the ``layers``, in which no token sees padding."""
    for layer in layers:
        states = layer(states, attention_mask=mask[:, None, None])
    return states


def _ids(tokenizer: Tokenizer, texts: Sequence[str], most: int) -> list[Ids]:
    tokenizer.enable_truncation(most)
    return [np.array(found.ids, np.int32) for found in tokenizer.encode_batch(list(texts))]


def _windows(states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Unit means over windows between the special tokens ``[m, d]``, and whose they are ``[m]``."""
    inner = mask.sum(1).long() - 2
    count = max(1, -(-int(inner.max()) // WINDOW))
    within = torch.arange(count * WINDOW, device=states.device) < inner[:, None]
    body = states[:, 1 : 1 + count * WINDOW]
    body = functional.pad(body, (0, 0, 0, count * WINDOW - body.shape[1]))
    texts, size = len(states), states.shape[2]
    sums = (body * within[..., None]).reshape(texts, count, WINDOW, size).sum(2)
    filled = within.reshape(texts, count, WINDOW).any(2)
    owner = filled.nonzero()[:, 0]
    return _unit(sums[filled]), owner


def _unit(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors, dim=-1, eps=1e-9)
