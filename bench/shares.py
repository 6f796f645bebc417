"""Shares with their intervals, and agreement of two readers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from tuning.metrics import wilson


def share(right: int, n: int) -> str:
    """ "93.1 % (90.2 to 95.2; 402 of 432)", or a dash for n = 0."""
    if n == 0:
        return "–"
    low, high = wilson(right, n)
    return f"{100 * right / n:.1f} % ({100 * low:.1f} to {100 * high:.1f}; {right} of {n})"


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Cohen's kappa (1960); 1 if both always say the same single thing."""
    n = len(pairs)
    if not n:
        return float("nan")
    seen = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[k] * second[k] for k in first) / (n * n)
    return 1.0 if chance == 1.0 else (seen - chance) / (1 - chance)
