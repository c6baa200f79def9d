"""Whether two systems differ on a set of queries by more than chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SAMPLES = 10_000
_SEED = 20261121


def randomization_test(before: ArrayLike, after: ArrayLike) -> float:
    """Two-sided p-value of the difference of means of paired figures (``float[n]`` each).

    The sign of every query's difference is flipped at random, :data:`SAMPLES` times, or in all
    2^n ways where those are fewer; p is the share of flips whose mean difference is at least as
    large. 1 where nothing differs. M. Smucker, J. Allan, B. Carterette, "A comparison of
    statistical significance tests for information retrieval evaluation", CIKM 2007.
    """
    difference = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    difference = difference[difference != 0]
    n = difference.size
    if n == 0:
        return 1.0
    if 2**n <= SAMPLES:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
        signs = 1.0 - 2.0 * bits
    else:
        signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], size=(SAMPLES, n))
    observed = abs(float(difference.sum()))
    # A sum that equals the observed one up to rounding is as large.
    extreme = int((np.abs(signs @ difference) >= observed * (1 - 1e-12)).sum())
    exact = 2**n <= SAMPLES
    return extreme / len(signs) if exact else (extreme + 1) / (len(signs) + 1)
