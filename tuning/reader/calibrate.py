"""Thresholds from held-back rows: the lowest share from which a label was right at least 19 times in 20. Pure.

With few rows above a threshold the measured precision says little, so its lower Wilson bound (one-sided 90 %) must reach
`BOUND` as well. A label that never gets there is never said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuning.metrics import wilson

PRECISION = 0.95  # answers by other hands are read worse than held-back ones (docs/results/understanding.md): a margin
BOUND = 0.9
ONE_SIDED_90 = 1.2816  # z
NEVER = 1.01
# Acts that leave a question or end the interview: taken for one of these, an answer would be lost.
DIVERTING = ("end", "skip", "later", "person", "wrong", "consent_worry", "other_language", "distress", "restart")
CHECKED = {"point": ("said",), "probe": ("answered", "beside")}
# Right on held-back answers and wrong on those by other hands (0 of 4): contradictions are a language model's to find.
UNEARNED = ("point_contradicted",)


def threshold(scored: Sequence[tuple[float, bool]]) -> tuple[float, int, int]:
    """`scored`: (share, right) of every row. Returns (threshold, right, all) at it; NEVER if there is none."""
    best = (NEVER, 0, 0)
    right = 0
    for n, (share, correct) in enumerate(sorted(scored, reverse=True), 1):
        right += correct
        if n >= 10 and right / n >= PRECISION and wilson(right, n, ONE_SIDED_90)[0] >= BOUND:
            best = (share, right, n)
    return best


def calibrated(judged: dict[str, list[dict[str, Any]]], heads: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Thresholds, and how often each was right on the held-back rows."""
    limits: dict[str, float] = {}
    shown: dict[str, Any] = {}
    for task, labels in CHECKED.items():
        for label in labels:
            at = heads[task].index(label)
            # Only where it is the best label: that is where it is said.
            scored = [
                (row["p"][at], row["label"] == label) for row in judged.get(task, []) if max(row["p"]) == row["p"][at]
            ]
            limit, right, n = threshold(scored)
            total = sum(row["label"] == label for row in judged.get(task, []))
            limits[f"{task}_{label}"] = round(limit, 4)
            shown[f"{task}_{label}"] = {"right": right, "said": n, "of": total}
    limits |= dict.fromkeys(UNEARNED, NEVER)
    for label in DIVERTING:
        at = heads["act"].index(label)
        scored = [
            (row["p"][at], row["label"] != "answer") for row in judged.get("act", []) if max(row["p"]) == row["p"][at]
        ]
        limit, right, n = _surest(scored)
        limits[f"act_{label}"] = round(limit, 4)
        shown[f"act_{label}"] = {"no answer": right, "said": n}
    return {"thresholds": limits, "held_back": shown}


def _surest(scored: Sequence[tuple[float, bool]]) -> tuple[float, int, int]:
    """The lowest share of at least a half from which no held-back answer was taken for the act."""
    wrong = max((share for share, other in scored if not other), default=0.0)
    limit = min(0.95, max(0.5, wrong + 1e-4))
    kept = [other for share, other in scored if share >= limit]
    return limit, sum(kept), len(kept)
