"""What a follow-up is: its kind and its aim. Values that the policy decides on and the phraser puts into words.

The log keeps both as text (`Followed.probe`, `Followed.gap`), so old logs stay readable, also by people.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProbeType(StrEnum):
    """The kinds of follow-up; the values appear in packs, records and logs."""

    ELABORATE = "elaborate"
    CLARIFY = "clarify"
    WHY = "why"
    EVIDENCE = "evidence"
    OWN_PART = "own_part"
    RESULT = "result"
    LEARNED = "learned"
    TRADE_OFF = "trade_off"
    DEPTH = "depth"
    EASIER = "easier"
    CONTRADICTION = "contradiction"
    COUNTERFACTUAL = "counterfactual"  # only prepared by authors; the policy never chooses it


@dataclass(frozen=True)
class Missing:
    """Something the answer lacks, in words: a key point of the rubric, or a part such as "the reason"."""

    gap: str


@dataclass(frozen=True)
class Occasion:
    """An actual occasion: the answer is an opinion where a story was asked for."""

    gap: str = "a real occasion"


@dataclass(frozen=True)
class BackToQuestion:
    """The question itself, in short, because the answer went elsewhere. `gap`: the short question."""

    gap: str


Aim = Missing | Occasion | BackToQuestion


def aim_of(gap: str, short: str) -> Aim:
    """The aim behind a gap in a log or a record. `short`: the question in short."""
    if gap == Occasion.gap:
        return Occasion()
    return BackToQuestion(gap) if gap == short else Missing(gap)
