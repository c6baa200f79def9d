"""Losses of the sparse head. Score matrices are ``[queries, passages]``, the diagonal is right."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_IMPOSSIBLE = -1e4


def contrast(scores: Tensor, duplicates: Tensor) -> Tensor:
    """InfoNCE: each query's own passage against the others of the batch.

    ``duplicates``: ``bool``, passages that are equal to the query's own and count for nothing.
    van den Oord et al., "Representation Learning with Contrastive Predictive Coding" (2018).
    """
    right = torch.arange(len(scores), device=scores.device)
    return functional.cross_entropy(scores.masked_fill(duplicates, _IMPOSSIBLE), right)


def agreement(scores: Tensor, teacher: Tensor, duplicates: Tensor) -> Tensor:
    """KL divergence of the head's softmax over the batch from the teacher's scores'."""
    wanted = teacher.masked_fill(duplicates, _IMPOSSIBLE).softmax(1)
    found = scores.masked_fill(duplicates, _IMPOSSIBLE).log_softmax(1)
    return functional.kl_div(found, wanted, reduction="batchmean")


def missing_words(logits: Tensor, missing: Tensor) -> Tensor:
    """Cross-entropy of the words taken out of each passage: ``logits`` and weights, same shape.

    Masked language modelling for a pooled head: what is gone has to be told from what is left.
    """
    wanted = missing / missing.sum(1, keepdim=True).clamp(min=1e-6)
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


def activity(weights: Tensor) -> Tensor:
    """How much is added: the mean sum of weights, and FLOPS, the squared mean of every term's.

    ``weights``: ``[passages, terms]``, zero where a term is written. FLOPS keeps one term from
    being added everywhere. Paria et al., "Minimizing FLOPs to Learn Efficient Sparse
    Representations" (2020).
    """
    return weights.sum(1).mean() + 2 * (weights.mean(0) ** 2).sum()


def focused(logits: Tensor, sample: Tensor, count: int) -> Tensor:
    """``logits [passages, terms]`` with all below each passage's ``count`` highest cut to zero.

    The highest are told from a ``sample [passages, m]`` of its logits. A window on the vocabulary
    lets a head learn a few terms before it learns which of many to silence: PROSPER, arXiv
    2510.18527.
    """
    edge = sample.topk(min(count, sample.shape[1]), dim=1).values[:, -1:]
    return logits.masked_fill(logits < edge, 0.0)


def equal_lengths(scores: Tensor, queries: Tensor, outside: Tensor) -> Tensor:
    """Scores as if every query vector had the mean length, so that long queries weigh no more.

    ``queries``: ``[n, terms]``. ``outside``: ``[n]``, what other terms add to a squared length.
    """
    lengths = (queries.square().sum(1) + outside).sqrt().clamp(min=1e-6)
    return scores * (lengths.mean().detach() / lengths)[:, None]


class Controller:
    """The weight of a penalty, steered until what it presses on is ``target`` on the mean."""

    def __init__(self, target: float, weight: float, step: float = 0.02) -> None:
        self.target, self.weight, self._step = target, weight, step

    def update(self, measured: float) -> None:
        """Press harder where ``measured`` is above the target, and softer below it."""
        self.weight *= 1 + self._step if measured > self.target else 1 - self._step
        self.weight = min(max(self.weight, 1e-5), 0.1)
