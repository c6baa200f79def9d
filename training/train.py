"""Train the sparse head on prepared examples, on a CPU or a GPU, resumable.

The recipe: pairs with the query's words taken out of a third of the passages, so that matching them
calls for expansion; contrast within a batch, most of which comes from one collection; agreement
with a teacher that adds the dense cosine and the written words' BM25; prediction of the words that
were taken out; and a penalty on added terms, steered to their target number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import diags  # type: ignore[import-untyped]
from torch import Tensor

from training.batches import Batches
from training.examples import Examples
from training.head import SparseHead
from training.losses import (
    Controller,
    activity,
    agreement,
    contrast,
    equal_lengths,
    focused,
    missing_words,
)
from training.trunk import Pooled
from training.upper_layers import UpperLayers, dense_drift

BRANCH_RATE = 1e-4
"""Learning rate of the trunk's upper layers where they are a branch: nothing holds them back."""

Report = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Switches of the recipe.

    ``rate``: Adam's learning rate for the adapters; term vectors take 9 times, biases and scales
    10 times as much. ``drop``: share of passages shown without the query's words. ``one_source``:
    share of a batch from one collection; ``topic``: how narrow that share is
    (:class:`~training.batches.Batches`). ``teacher``, ``missing``: weights of those losses.
    ``added``, ``added_query``: target numbers of added terms. ``move_vectors``: whether term
    vectors move away from the teacher's; left where they are, words that training never showed
    keep their neighbours. ``learn_scales``: whether scales and query weights move. ``sampled``:
    random terms met in a step beside those of the batch. ``query_top``: terms that a query may add.
    ``focus``: how many terms a passage may weigh at first, narrowed to ``added`` over the first
    ``focus_share`` of the steps, when the penalty takes over; 0 sets no such window.
    ``equal_queries``: whether queries count with vectors of equal length.
    ``trunk_rate``: learning rate of the trunk's upper layers, where they learn too; ``hold``:
    weight of how far their dense vectors have moved.
    """

    steps: int = 1450
    batch: int = 128
    rate: float = 3e-4
    warmup: int = 100
    drop: float = 0.35
    one_source: float = 0.6
    topic: float = 1.0
    teacher: float = 1.0
    missing: float = 0.1
    added: float = 60.0
    added_query: float = 20.0
    move_vectors: bool = False
    learn_scales: bool = False
    sampled: int = 2500
    query_top: int = 24
    focus: float = 0.0
    focus_share: float = 0.3
    equal_queries: bool = False
    trunk_rate: float = 2e-5
    hold: float = 20.0
    seed: int = 1


class Trainer:
    """Steps a head over examples. ``state`` and ``restore`` make a run resumable.

    ``upper``: the trunk's upper layers over the texts of ``examples``, where they learn too.
    """

    def __init__(
        self,
        head: SparseHead,
        examples: Examples,
        config: TrainConfig,
        device: str = "cpu",
        upper: UpperLayers | None = None,
    ) -> None:
        self.head, self._examples, self._config = head.to(device), examples, config
        self._upper = upper
        self._device = torch.device(device)
        self._terms = head.bias.numel()
        self._idf = examples.idf(self._terms)
        self._temperature = torch.nn.Parameter(torch.tensor(0.7, device=self._device))
        self._passage_penalty = Controller(config.added, 1e-2)
        self._query_penalty = Controller(config.added_query, 5e-3)
        self._batches = Batches(
            examples.sources, examples.queries, config.batch, config.one_source, config.topic
        )
        self._optimizer = torch.optim.AdamW(self._groups(), weight_decay=0.0, betas=(0.9, 0.98))
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self.step = 0

    def run(self, report: Report | None = None, until: int | None = None) -> None:
        """Train to step ``until``, or to the end."""
        end = min(until or self._config.steps, self._config.steps)
        while self.step < end:
            figures = self._one_step(np.random.default_rng((self._config.seed, self.step)))
            self.step += 1
            if report:
                report(self.step, figures)

    def state(self) -> dict[str, Any]:
        """Everything a later process needs to go on."""
        return {
            "upper": self._upper.state() if self._upper else {},
            "head": self.head.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "temperature": self._temperature.detach(),
            "penalties": (self._passage_penalty.weight, self._query_penalty.weight),
            "step": self.step,
            "config": asdict(self._config),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        if self._upper:
            self._upper.restore(state["upper"])
        self.head.load_state_dict(state["head"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._temperature.data.copy_(state["temperature"])
        self._passage_penalty.weight, self._query_penalty.weight = state["penalties"]
        self.step = state["step"]

    def _groups(self) -> list[dict[str, Any]]:
        rate = self._config.rate
        self.head.vectors.requires_grad_(self._config.move_vectors)
        self.head.query_weights.requires_grad_(self._config.learn_scales)
        for scale in self.head.scales.values():
            scale.requires_grad_(self._config.learn_scales)
        fast = [p for n, p in self.head.named_parameters() if _is_small(n)]
        slow = [p for n, p in self.head.named_parameters() if n.startswith("adapters")]
        groups: list[dict[str, Any]] = [
            {"params": [self.head.vectors], "lr": rate * 9},
            {"params": [*fast, self._temperature], "lr": rate * 10},
            {"params": slow, "lr": rate},
        ]
        if self._upper:
            groups.append({"params": self._upper.parameters(), "lr": self._config.trunk_rate})
        return groups

    def _upper_parameters(self) -> list[torch.nn.Parameter]:
        return self._upper.parameters() if self._upper else []

    def _one_step(self, chance: np.random.Generator) -> dict[str, float]:
        config = self._config
        left = 1 - self.step / config.steps
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * min(1.0, self.step / config.warmup) * left
        rows = self._batches.draw(chance)
        loss, figures = self._loss(rows, chance.random(len(rows)) < config.drop, chance)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for moving in (list(self.head.parameters()), self._upper_parameters()):
            torch.nn.utils.clip_grad_norm_(moving, 1.0)
        self._optimizer.step()
        return {"loss": loss.item(), **figures}

    def _loss(
        self, rows: NDArray[np.int64], dropped: NDArray[np.bool_], chance: np.random.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        examples, head, config = self._examples, self.head, self._config
        literal = _mixed(examples, rows, dropped)
        asked = examples.literal["query"][rows]
        queries = self._here(examples.queries[rows].astype(np.float32))
        teacher = self._teacher(rows, queries, asked)
        queries, (whole, windows, owner), drift = self._states(rows, dropped, queries)
        with torch.no_grad():
            called = head.logits(queries, "query").topk(config.query_top, dim=1).indices
        sampled = chance.choice(self._terms, min(config.sampled, self._terms), replace=False)
        terms = self._met(asked, called, sampled, [examples.missing[r] for r in rows[dropped]])
        place = torch.full((self._terms,), -1, device=self._device)
        place[terms] = torch.arange(len(terms), device=self._device)

        logits = head.passage_logits(whole, windows, owner, terms).float()
        share = self._terms / len(sampled)
        seen = place[self._here(sampled)]
        window = self._window()
        count = max(1, round(window / share))
        heard = focused(logits, logits[:, seen], count) if window else logits
        added = head.weights(heard, "passage")
        query_logits = head.logits(queries, "query", terms).float()
        chosen = torch.zeros_like(query_logits).scatter_(1, place[called], 1.0)
        columns = terms.cpu().numpy()
        rarity = self._here(self._idf[columns])
        written = self._here(literal[:, columns].toarray())
        free = self._here(asked[:, columns].toarray())
        free = free * head.literal_query_weights()[terms] * rarity
        encoded = free + head.weights(query_logits, "query") * chosen * rarity
        exact = self._bucket_scores(asked, literal)
        duplicates = self._duplicates(rows)
        scores = [asking @ (written + added).T + exact for asking in (free, encoded)]
        if config.equal_queries:
            outside = self._outside(asked)
            pairs = zip(scores, (free, encoded), strict=True)
            scores = [equal_lengths(matrix, asking, outside) for matrix, asking in pairs]
        loss = config.hold * drift
        for matrix in scores:
            scaled = matrix / self._temperature.exp()
            loss = loss + contrast(scaled, duplicates)
            loss = loss + config.teacher * agreement(scaled, teacher, duplicates)
        if config.missing and dropped.any():
            gone = torch.zeros(int(dropped.sum()), len(terms), device=self._device)
            for number, row in enumerate(rows[dropped]):
                gone[number, place[self._here(examples.missing[row])]] = 1.0
            kept = self._here(np.flatnonzero(dropped))
            loss = loss + config.missing * missing_words(logits[kept], gone * rarity)
        spread = added[:, seen] * (written[:, seen] == 0)
        eager = torch.relu(query_logits[:, seen])
        if not window:
            loss = loss + share * self._passage_penalty.weight * activity(spread)
        loss = loss + share * self._query_penalty.weight * eager.sum(1).mean()
        counts = [float((x > 0).sum(1).float().mean()) * share for x in (spread, eager)]
        if not window:
            self._passage_penalty.update(counts[0])
        self._query_penalty.update(counts[1])
        right = torch.arange(len(rows), device=self._device)
        found = [float((matrix.argmax(1) == right).float().mean()) for matrix in scores]
        return loss, {
            "found, free": found[0],
            "found, encoded": found[1],
            "added": counts[0],
            "added to queries": counts[1],
            "dense drift": drift.item(),
        }

    def _states(
        self, rows: NDArray[np.int64], dropped: NDArray[np.bool_], queries: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor], Tensor]:
        """Queries, passages as shown, and how far the dense side has moved.

        ``queries``: of the frozen trunk, which also gives the passages where no layer learns.
        """
        upper, still = self._upper, torch.zeros((), device=self._device)
        if upper and upper.branch:
            return queries, upper.passages(rows, dropped), still
        whole, windows, owner = (self._here(o) for o in _pooled(self._examples, rows, dropped))
        if upper is None:
            return queries, (whole, windows, owner), still
        live, passages = upper.queries(rows), upper.passages(rows, dropped)
        drift = dense_drift(torch.cat([live, passages[0]]), torch.cat([queries, whole]))
        return live, passages, drift

    def _met(
        self, asked: Any, called: Tensor, sampled: NDArray[np.int64], gone: list[NDArray[np.int64]]
    ) -> Tensor:
        """The terms whose logits this step needs, ascending."""
        met = np.zeros(self._terms, bool)
        met[asked.indices[asked.indices < self._terms]] = True
        met[called.flatten().cpu().numpy()] = True
        met[sampled] = True
        for missing in gone:
            met[missing] = True
        return self._here(np.flatnonzero(met))

    def _window(self) -> float:
        """Terms that a passage may weigh at this step, on the mean; 0 where there is no limit."""
        config = self._config
        done = self.step / max(1.0, config.focus_share * config.steps)
        if not config.focus or done >= 1:
            return 0.0
        return float(config.focus * (config.added / config.focus) ** done)

    def _outside(self, asked: Any) -> Tensor:
        """What words outside the table add to each query's squared length, ``[n]``."""
        squares = np.asarray(asked[:, self._terms :].power(2).sum(1), np.float32)[:, 0]
        return self._here(squares * float(self._idf[-1]) ** 2)

    def _bucket_scores(self, asked: Any, literal: Any) -> Tensor:
        """Scores from words outside the table: constant, and the same for both query modes."""
        shared = asked[:, self._terms :] @ literal[:, self._terms :].T
        return self._here(shared.toarray()) * float(self._idf[-1])

    def _duplicates(self, rows: NDArray[np.int64]) -> Tensor:
        same = self._examples.same[rows]
        equal = (same[:, None] == same) & ~np.eye(len(rows), dtype=bool)
        return self._here(equal)

    def _teacher(self, rows: NDArray[np.int64], queries: Tensor, asked: Any) -> Tensor:
        """Twenty times the dense cosine, plus a tenth of the written words' BM25."""
        examples = self._examples
        dense = queries @ self._here(examples.passages.dense[rows].astype(np.float32)).T
        words = asked.multiply(self._idf[None]).tocsr() @ examples.literal["passage"][rows].T
        return 20 * dense + 0.1 * self._here(words.toarray())

    def _here(self, array: NDArray[Any]) -> Tensor:
        """An array as a tensor on the device of the head."""
        return torch.from_numpy(array).to(self._device)


def _is_small(name: str) -> bool:
    return name in {"bias", "query_weights"} or name.startswith(("offsets", "scales"))


def _mixed(examples: Examples, rows: NDArray[np.int64], dropped: NDArray[np.bool_]) -> Any:
    """Literal weights of the passages as shown: some without the query's words."""
    whole, cut = (examples.literal[kind][rows] for kind in ("passage", "dropped"))
    take = dropped.astype(np.float32)
    return (diags(take) @ cut + diags(1 - take) @ whole).tocsr()


def _pooled(
    examples: Examples, rows: NDArray[np.int64], dropped: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    whole, windows, owners = [], [], []
    for number, (row, cut) in enumerate(zip(rows, dropped, strict=True)):
        pooled: Pooled = examples.dropped if cut else examples.passages
        part = pooled.windows[pooled.starts[row] : pooled.starts[row + 1]]
        whole.append(pooled.whole[row])
        windows.append(part)
        owners.append(np.full(len(part), number))
    return (
        np.stack(whole).astype(np.float32),
        np.concatenate(windows).astype(np.float32),
        np.concatenate(owners),
    )
