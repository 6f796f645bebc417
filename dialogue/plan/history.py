"""What earlier practice suggests practising now: weak spots come back, spaced. Pure.

Spaced by the share of key points that were surely said, after the expanding-interval principle (Landauer & Bjork 1978) with Leitner's
boxes: an answer with little in it is due the next day, one with more after three days, a full one after two weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86_400.0
_BOXES = ((0.34, 1.0), (0.75, 3.0), (1.1, 14.0))  # share below which, days until it is due


@dataclass(frozen=True)
class Past:
    """One answer of an earlier session. `share`: of its key points that were surely said, 0..1. `at`: unix s."""

    question: str
    competency: str
    share: float
    at: float


def due(past: Past, now: float) -> float:
    """How due a repetition is: 1 on the due day, more after it (at most 2), less before."""
    days = next(days for below, days in _BOXES if past.share < below)
    return min(2.0, max(0.0, (now - past.at) / (days * DAY)))


def weights(history: Sequence[Past], questions: Sequence[tuple[str, str]], now: float) -> dict[str, float]:
    """Weight of each (question, competency): weak and due first, yesterday's strong answer last.

    A question asked before counts by its own newest answer; others by the newest of their competency, at half.
    """
    newest: dict[str, Past] = {}
    for past in sorted(history, key=lambda p: p.at):
        newest[past.question] = past
        newest[f"competency:{past.competency}"] = past
    found: dict[str, float] = {}
    for id_, competency in questions:
        own, related = newest.get(id_), newest.get(f"competency:{competency}")
        if own:
            found[id_] = (1.0 - own.share) * due(own, now) + (due(own, now) - 1.0) * 0.5
        elif related:
            found[id_] = 0.5 * (1.0 - related.share) * due(related, now)
    return found


def trend(history: Sequence[Past], competency: str) -> list[tuple[float, float]]:
    """(unix s, share) of a competency's answers, oldest first."""
    return sorted((p.at, p.share) for p in history if p.competency == competency)
