"""How well a method finds pauses and edges of speech: precision, recall, F1, errors in ms, with intervals.

A found pause matches a true one if their intersection over union is at least 0.5, one to one. Intervals: 95 %
percentile bootstrap over recordings (Efron 1979).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from voice.intervals import Interval, gaps, overlap

DRAWS = 1000
T = TypeVar("T")


class Counts(Protocol):
    """The counts behind precision and recall."""

    @property
    def hits(self) -> int: ...
    @property
    def found(self) -> int: ...
    @property
    def true(self) -> int: ...


@dataclass(frozen=True)
class Counted:
    """Counts of one item, where nothing else matters."""

    hits: int
    found: int
    true: int


@dataclass
class Tally:
    """Counts and errors of one recording. Errors in s, found minus true."""

    hits: int = 0
    found: int = 0
    true: int = 0
    durations: list[float] = field(default_factory=list)
    onsets: list[float] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)


def compare(found: Sequence[Interval], true: Sequence[Interval], minimum: float = 0.25) -> Tally:
    """`found` and `true`: intervals of speech in one recording. Pauses of at least `minimum` s are compared."""
    mine, theirs = gaps(found, minimum), gaps(true, minimum)
    tally = Tally(found=len(mine), true=len(theirs))
    taken: set[int] = set()
    for a, b in theirs:
        shares = [(_iou((a, b), other), i) for i, other in enumerate(mine) if i not in taken]
        share, best = max(shares, default=(0.0, -1))
        if share >= 0.5:
            taken.add(best)
            tally.hits += 1
            c, d = mine[best]
            tally.durations.append((d - c) - (b - a))
            tally.offsets.append(c - a)  # speech ends where the pause begins
            tally.onsets.append(d - b)
    if found and true:
        if true[0][0] > 0.0:  # a label that begins at 0 s says nothing about an onset
            tally.onsets.append(found[0][0] - true[0][0])
        tally.offsets.append(found[-1][1] - true[-1][1])
    return tally


def _iou(one: Interval, other: Interval) -> float:
    return overlap(one, other) / (max(one[1], other[1]) - min(one[0], other[0]))


def precision_recall_f1(hits: int, found: int, true: int) -> tuple[float, float, float]:
    """All 1.0 if there was nothing to find and nothing was found."""
    precision = hits / found if found else float(not true)
    recall = hits / true if true else 1.0
    return precision, recall, 2 * hits / (found + true) if found + true else 1.0


def of(tallies: Sequence[Counts]) -> tuple[float, float, float]:
    """Precision, recall and F1 over all items together."""
    return precision_recall_f1(
        sum(t.hits for t in tallies), sum(t.found for t in tallies), sum(t.true for t in tallies)
    )


def mean_absolute(errors: Sequence[float]) -> float:
    """In ms; NaN without errors."""
    return 1000.0 * float(np.mean(np.abs(errors))) if len(errors) else float("nan")


def interval(items: Sequence[T], statistic: Callable[[Sequence[T]], float], seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap over `items`."""
    if len(items) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = [statistic([items[i] for i in rng.integers(0, len(items), len(items))]) for _ in range(DRAWS)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)
