"""Which question comes next, or that there is none: by the plan, the time, and in practice the person. Pure.

Screening asks everyone every planned question in order. Practice adapts: a question of the same competency may take
a planned one's place if its difficulty tells more, a topic known well enough is left early, and a question that no
longer fits the time is not started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dialogue.plan.ability import fitting, is_settled, observations_of
from dialogue.state import State
from memory.records import PlannedQuestion

OVERTIME = 1.5  # of the agreed minutes: a screening then ends, whatever is left, so nobody is kept too long
LEAST = 0.5  # share of a question's time that must be left to start it (practice)


@dataclass(frozen=True)
class Next:
    """`question` None: it is over, for `reason`. `instead`: the planned one whose place it takes. `known`: left early."""

    question: PlannedQuestion | None
    why: str = ""
    instead: str = ""
    known: tuple[PlannedQuestion, ...] = ()
    reason: Literal["completed", "time"] = "completed"


def choose(state: State, t: float) -> Next:
    """`t`: s on the session's clock; always 0 where there is no clock (a typed interview)."""
    interview = state.interview
    assert interview is not None
    if interview.mode == "screen":
        over = t >= OVERTIME * 60.0 * interview.minutes and bool(state.remaining)
        planned = None if over else next(iter(state.remaining), None)
        return Next(planned, _planned(planned), reason="time" if over else "completed")
    observations = observations_of(state)
    known = tuple(q for q in state.remaining if is_settled(observations, q.competency))
    open_ = [q for q in state.remaining if q not in known]
    left = interview.minutes * 60.0 - t
    fits = next((q for q in open_ if LEAST * q.seconds <= left or not state.turns), None)
    if fits is None:
        return Next(None, known=known, reason="time" if open_ else "completed")
    free = [q for q in interview.reserve if q.competency == fits.competency and not state.of_question(q.id)]
    best = fitting(observations, fits, free)
    if best.id == fits.id:
        return Next(fits, _planned(fits), known=known)
    return Next(
        best,
        f"in place of {fits.id!r}: its difficulty fits the answers so far better ({fits.competency})",
        fits.id,
        known,
    )


def _planned(question: PlannedQuestion | None) -> str:
    return f"next in the plan: {question.competency}" if question else ""
