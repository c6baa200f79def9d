"""What the frozen lower layers make of each text, computed once and kept in a file.

Where only the upper layers learn, the lower ones give the same states at every step. They are
computed when a text is first asked for, so that training begins at once and no text is computed
that it never shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Compute = Callable[[Tensor, Tensor], Tensor]
"""``ids int64[n, t]`` and ``mask bool[n, t]`` to states ``[n, t, d]``."""

Ids = NDArray[np.int32]


class LowerStates:
    """Token states of texts, given by their token ids, as ``float16`` in files under ``folder``.

    ``size``: of a state. ``origin`` names what computes them: the files of another origin, or of
    other texts, are begun anew. Without a ``folder`` nothing is kept, and each is computed when it
    is asked for.
    """

    def __init__(
        self, ids: Sequence[Ids], size: int, compute: Compute, folder: Path | None, origin: str
    ) -> None:
        self._ids, self._compute = ids, compute
        self._lengths = np.array([len(one) for one in ids], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._kept = folder is not None
        if folder is not None:
            self._states, self._done = self._open(folder, size, origin)

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of each text."""
        found: NDArray[np.int64] = self._lengths[rows]
        return found

    def take(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """States ``float32[n, t, d]`` and ``bool[n, t]``: where tokens are."""
        if not self._kept:
            return self._computed(rows)
        new = rows[self._done[rows] == 0]
        if len(new):
            self._fill(new)
        mask = self._mask(rows)
        states = np.zeros((*mask.shape, self._states.shape[1]), np.float32)
        for number, row in enumerate(rows):
            found = self._states[self._starts[row] : self._starts[row + 1]]
            states[number, : len(found)] = found
        return torch.from_numpy(states), torch.from_numpy(mask)

    def _open(
        self, folder: Path, size: int, origin: str
    ) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(origin.encode())
        for one in self._ids:
            digest.update(one.tobytes() + b"|")
        stamp, states, done = (folder / f"lower.{kind}" for kind in ("sha256", "states", "done"))
        known = stamp.exists() and stamp.read_text(encoding="utf-8") == digest.hexdigest()
        mode: Literal["r+", "w+"] = "r+" if known else "w+"
        shape = (int(self._starts[-1]), size)
        # pages of a new file take no room until they are written
        opened = (
            np.memmap(states, np.float16, mode, shape=shape),
            np.memmap(done, np.uint8, mode, shape=(len(self._ids),)),
        )
        stamp.write_text(digest.hexdigest(), encoding="utf-8")
        return opened

    def _fill(self, rows: NDArray[np.int64]) -> None:
        states = self._computed(rows)[0].cpu().numpy()
        for number, row in enumerate(rows):
            found = states[number, : self._lengths[row]]
            self._states[self._starts[row] : self._starts[row + 1]] = found
        self._done[rows] = 1

    def _computed(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        mask = self._mask(rows)
        ids = np.zeros(mask.shape, np.int64)
        for number, row in enumerate(rows):
            ids[number, : self._lengths[row]] = self._ids[row]
        there = torch.from_numpy(mask)
        return self._compute(torch.from_numpy(ids), there).float(), there

    def _mask(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        lengths = self._lengths[rows]
        found: NDArray[np.bool_] = np.arange(lengths.max()) < lengths[:, None]
        return found
