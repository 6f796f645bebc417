"""Is one system better than another, or was it luck? Paired tests over the same items. Pure, seeded.

Approximate randomization (Noreen 1989; Riezler & Maxwell 2005) decides; the paired bootstrap (Koehn 2004) gives the
interval; the paired t-test is there only because the project's paper 2 reports it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 10_000


@dataclass(frozen=True)
class Comparison:
    """`difference`: mean of b minus a, with its 95 % bootstrap interval; p-values are two-sided."""

    difference: float
    low: float
    high: float
    p_randomization: float
    p_t_test: float
    items: int


def compare(a: Sequence[float], b: Sequence[float], *, seed: int = 12345, rounds: int = ROUNDS) -> Comparison:
    """Item by item: `a` from one system, `b` from the other. Raises ValueError if they are not of the same items."""
    if len(a) != len(b) or not a:
        raise ValueError(f"paired tests need the same items on both sides, got {len(a)} and {len(b)}")
    delta = np.asarray(b, float) - np.asarray(a, float)
    rng = np.random.default_rng(seed)
    observed = float(delta.mean())
    n = len(delta)
    at_least, means = 0, np.empty(rounds)
    for start in range(0, rounds, 500):  # in chunks: rounds x items need not fit in memory at once
        size = min(500, rounds - start)
        signs = rng.choice((-1.0, 1.0), size=(size, n))
        at_least += int((np.abs((signs * delta).mean(axis=1)) >= abs(observed) - 1e-12).sum())
        means[start : start + size] = delta[rng.integers(0, n, size=(size, n))].mean(axis=1)
    low, high = (float(q) for q in np.quantile(means, (0.025, 0.975)))
    return Comparison(observed, low, high, (at_least + 1) / (rounds + 1), _t_test(delta), n)


def _t_test(delta: np.ndarray) -> float:
    from scipy.stats import ttest_1samp

    if len(delta) < 2 or float(delta.std()) == 0.0:
        return 1.0 if math.isclose(float(delta.mean()), 0.0) else 0.0
    return float(ttest_1samp(delta, 0.0).pvalue)


def interval(values: Sequence[float], *, seed: int = 12345, rounds: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of a mean."""
    array = np.asarray(values, float)
    picks = np.random.default_rng(seed).integers(0, len(array), size=(rounds, len(array)))
    low, high = np.quantile(array[picks].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
