"""Training the trunk's upper layers together with the head, with its dense side held in place.

The lower layers stay as they are. The upper ones may move as far as the sparse side gains by it:
what they make of a text as a whole, its dense vector, is held to the frozen trunk's, which the
examples carry.
"""

from __future__ import annotations

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
from training.trunk import WINDOW


class UpperLayers:
    """A trunk of which the last ``count`` layers learn, over the ``texts`` of examples.

    ``backbone``: folder of a BERT with its tokenizer. Raises :class:`InvalidInput` where it has
    fewer layers than ``count``.
    """

    def __init__(self, backbone: Path, count: int, texts: Texts, device: str = "cpu") -> None:
        from transformers import AutoModel

        # dropout would shake the dense side, which has to stay where it is
        self.model: Any = AutoModel.from_pretrained(str(backbone)).eval().to(device)
        layers = self.model.encoder.layer
        if not 1 <= count <= len(layers):
            detail = f"The backbone has {len(layers)} layers; {count} cannot be unfrozen."
            raise InvalidInput(detail, f"Name a number from 1 to {len(layers)}.")
        self.model.requires_grad_(False)
        self._moving = nn.ModuleList(layers[-count:])
        self._moving.requires_grad_(True)
        self._start = {name: value.clone() for name, value in self.state().items()}
        self._backbone, self._texts, self._device = backbone, texts, torch.device(device)
        self._tokenizer = Tokenizer.from_file(str(backbone / "tokenizer.json"))
        self._tokenizer.no_padding()

    def parameters(self) -> list[nn.Parameter]:
        """What learns."""
        return list(self._moving.parameters())

    def state(self) -> dict[str, Tensor]:
        """The layers that learn, for a checkpoint."""
        return self._moving.state_dict()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from :meth:`state`."""
        self._moving.load_state_dict(state)

    def settle(self) -> None:
        """Move the layers halfway back to where they started, as the head does (WiSE-FT)."""
        after = self.state()
        self.restore({name: (self._start[name] + after[name]) / 2 for name in after})

    def passages(
        self, rows: NDArray[np.int64], dropped: NDArray[np.bool_]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """States of the passages as shown: whole ``[n, d]``, windows ``[m, d]``, owners ``[m]``."""
        shown = [
            (self._texts.dropped if cut else self._texts.passages)[row]
            for row, cut in zip(rows.tolist(), dropped.tolist(), strict=True)
        ]
        states, mask = self._run(shown, PASSAGE_TOKENS)
        return (_unit((states * mask[..., None]).sum(1)), *_windows(states, mask))

    def queries(self, rows: NDArray[np.int64]) -> Tensor:
        """Dense vectors of the queries, ``[n, d]``."""
        states, mask = self._run([self._texts.queries[row] for row in rows.tolist()], QUERY_TOKENS)
        return _unit((states * mask[..., None]).sum(1))

    def save(self, folder: Path) -> None:
        """Write the trunk as it is now, in the form that it was read from."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(str(folder))
        for name in ("tokenizer.json", "vocab.txt"):
            if (self._backbone / name).exists():
                shutil.copyfile(self._backbone / name, folder / name)

    def _run(self, texts: Sequence[str], most: int) -> tuple[Tensor, Tensor]:
        """Token states ``[n, t, d]`` and ``float[n, t]``, 1 where there is a token."""
        self._tokenizer.enable_truncation(most)
        found = self._tokenizer.encode_batch(list(texts))
        ids = np.zeros((len(found), max(len(one) for one in found)), np.int64)
        mask = np.zeros(ids.shape, np.float32)
        for row, one in enumerate(found):
            ids[row, : len(one)] = one.ids
            mask[row, : len(one)] = 1
        held = torch.from_numpy(mask).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16):
            states: Tensor = self.model(
                input_ids=torch.from_numpy(ids).to(self._device), attention_mask=held
            ).last_hidden_state
        return states.float(), held


def dense_drift(live: Tensor, frozen: Tensor) -> Tensor:
    """``1 - cosine`` of the dense vectors with the frozen trunk's, the mean over ``[n, d]``."""
    return (1 - functional.cosine_similarity(live, frozen, dim=1)).mean()


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
