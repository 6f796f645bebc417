"""Time intervals, (start, end) in s, and how to derive them from frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first index, one past the last) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def gaps(stretches: Sequence[Interval], minimum: float = 0.0) -> list[Interval]:
    """Gaps of at least `minimum` s between neighbours. `stretches` must be in order."""
    between = [(a[1], b[0]) for a, b in itertools.pairwise(stretches)]
    return [(a, b) for a, b in between if b - a >= minimum - 1e-9]


def overlap(one: Interval, other: Interval) -> float:
    """Seconds covered by both."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
