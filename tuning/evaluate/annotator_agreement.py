"""How far two annotators agree beyond chance, and how far a model's ratings agree with people's. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def cohen_kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    """Cohen's kappa (1960) for categories: 1 is full agreement, 0 is what chance would give."""
    if len(a) != len(b) or not a:
        raise ValueError("kappa needs two markings of the same items")
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    first, second = Counter(a), Counter(b)
    expected = sum(first[c] * second[c] for c in first) / n**2
    return 1.0 if expected == 1.0 else (observed - expected) / (1.0 - expected)


def quadratic_kappa(a: Sequence[int], b: Sequence[int], least: int = 1, most: int = 5) -> float:
    """Weighted kappa (Cohen 1968) for an ordered scale: a miss by two counts four times a miss by one."""
    if len(a) != len(b) or not a:
        raise ValueError("kappa needs two markings of the same items")
    n, span = len(a), (most - least) ** 2
    observed = sum((x - y) ** 2 / span for x, y in zip(a, b, strict=True)) / n
    expected = sum((x - y) ** 2 / span for x in a for y in b) / n**2
    return 1.0 if expected == 0.0 else 1.0 - observed / expected


def mean_absolute_error(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Rank correlation (Spearman 1904), ties by mean rank; 0 where one side does not vary."""
    from scipy.stats import spearmanr

    if len(set(a)) < 2 or len(set(b)) < 2:
        return 0.0
    return float(spearmanr(a, b).statistic)
