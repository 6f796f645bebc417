"""Which question comes next, or that there is none: by the plan, the time, and what was put off. Pure.

Screening asks everyone every planned question in order. In practice, a question that no longer fits the time is not started.
Last come those the candidate wanted to come back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dialogue.state import State
from memory.records import PlannedQuestion

OVERTIME = 1.5  # of the agreed minutes: a screening then ends, whatever is left, so nobody is kept too long
LEAST = 0.5  # share of a question's time that must be left to start it (practice)


@dataclass(frozen=True)
class Next:
    """`question` None: it is over, for `reason`. `put_off`: the candidate asked to come back to it."""

    question: PlannedQuestion | None
    why: str = ""
    put_off: bool = False
    reason: Literal["completed", "time"] = "completed"


def choose(state: State, t: float) -> Next:
    """`t`: s on the session's clock; always 0 where there is no clock (a typed interview)."""
    interview = state.interview
    assert interview is not None
    planned = next(iter(state.remaining), None)
    put_off = next(iter(state.postponed), None)
    question = planned or put_off
    if question is None:
        return Next(None)
    left = interview.minutes * 60.0 - t
    if interview.mode == "screen":
        over = t >= OVERTIME * 60.0 * interview.minutes
    else:
        over = bool(state.turns) and LEAST * question.seconds > left
        if over:  # another one may be short enough
            question = next((q for q in state.remaining if LEAST * q.seconds <= left), None)
            over = question is None
    if over or question is None:
        return Next(None, reason="time")
    if planned is None:
        return Next(question, "the candidate asked to come back to it", put_off=True)
    return Next(question, f"next in the plan: {question.competency}")
