"""The sparse head: pooled states of a text to the weights of the terms that it calls for.

A text is given as its mean state (which is its dense vector) and the means of windows of a few
tokens. Each is moved by a small residual network of its role, met with one vector per term, and a
term's weight is the largest over them, ``scale * log(1 + relu(.))`` as in SPLADE (Formal et al.,
"SPLADE v2", arXiv 2109.10086). Term vectors start as the dense teacher's vectors of the words, so
that the head knows synonyms before it has seen a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

ROLES = ("passage", "window", "query")


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """Switches of the head, each a row of the ablation table.

    ``windows``: windows beside the whole text. ``adapters``: a residual network per role.
    ``start``: how many standard deviations above its mean a word's cosine must be, at first, to
    be added.
    """

    windows: bool = True
    adapters: bool = True
    start: float = 3.0
    hidden: int = 768


class Adapter(nn.Module):
    """``x + B relu(A x + a) + b``, the identity at first."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(size, hidden)
        self.down = nn.Linear(hidden, size)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, size]`` to the same shape."""
        moved: Tensor = x + self.down(torch.relu(self.up(x)))
        return moved


class SparseHead(nn.Module):
    """Term weights of passages and queries.

    ``centres``: ``float32[terms, d]``, the teacher's unit vector of each term. ``mean``, ``std``:
    ``float32[terms]``, of its cosine with the training passages: a word that is close to every
    text says nothing. ``query_weights``: ``float32[terms]``, the weight of each term when a query
    writes it, before training.
    """

    def __init__(
        self,
        config: HeadConfig,
        centres: Tensor,
        mean: Tensor,
        std: Tensor,
        query_weights: Tensor,
    ) -> None:
        super().__init__()
        self.config = config
        size = centres.shape[1]
        self.vectors = nn.Parameter(centres / std[:, None])
        self.bias = nn.Parameter(-mean / std - config.start)
        self.offsets = nn.ParameterDict({r: nn.Parameter(torch.zeros(1)) for r in ROLES})
        self.adapters = nn.ModuleDict({r: Adapter(size, config.hidden) for r in ROLES})
        self.scales = nn.ParameterDict({r: nn.Parameter(torch.tensor(1.0)) for r in ROLES})
        self.query_weights = nn.Parameter(query_weights.log())

    def adapter(self, role: str) -> Adapter:
        """The residual network of a role."""
        found = self.adapters[role]
        assert isinstance(found, Adapter)
        return found

    def logits(self, vectors: Tensor, role: str, terms: Tensor | None = None) -> Tensor:
        """``[n, d]`` to ``[n, terms]``, before activation; of the given ``terms`` alone if any."""
        moved = self.adapter(role)(vectors) if self.config.adapters else vectors
        known = self.vectors if terms is None else self.vectors[terms]
        bias = self.bias if terms is None else self.bias[terms]
        with torch.autocast(vectors.device.type, torch.bfloat16):
            met = moved @ known.T
        logits: Tensor = met + (bias + self.offsets[role])
        return logits

    def passage_logits(
        self, whole: Tensor, windows: Tensor, owner: Tensor, terms: Tensor | None = None
    ) -> Tensor:
        """``[n, d]``, ``[m, d]``, and the passage of each window ``[m]``, to ``[n, terms]``."""
        best = self.logits(whole, "passage", terms)
        if self.config.windows and len(windows):
            local = self.logits(windows, "window", terms)
            index = owner[:, None].expand(-1, local.shape[1])
            best = best.scatter_reduce(0, index, local.to(best.dtype), "amax")
        return best

    def weights(self, logits: Tensor, role: str) -> Tensor:
        """Logits to weights, ``>= 0``, same shape."""
        weights: Tensor = self.scales[role].abs() * torch.log1p(torch.relu(logits))
        return weights

    def literal_query_weights(self) -> Tensor:
        """Weight of each term when a query writes it, around 1: ``[terms]``."""
        weights: Tensor = torch.exp(self.query_weights.clamp(-2, 2))
        return weights
