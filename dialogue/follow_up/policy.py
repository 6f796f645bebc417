"""Whether to follow up, and with which probe: explicit rules over the reading of the answer. Pure.

The probes of the question's author lead, in screening they are the only ones. The best one that is open is asked; one that was
answered, asked before, or would sound odd after this answer never is. A full answer is not probed (docs/interviewing.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogue.state import State, Turn
from dialogue.understanding.whole import points_so_far, spent
from memory.records import PlannedQuestion, Probe, ProbeRead

SURE = 0.93  # worth from which a probe is good enough: of those, the author's order decides
LEAST = (
    0.4  # worth below which even the best is not asked (both fitted with the embedded reader: docs/understanding.md)
)


@dataclass(frozen=True)
class Decision:
    """What to do and why; `why` is shown in the report."""

    act: Literal["probe", "next", "close"]
    question: PlannedQuestion | None = None
    probe: Probe | None = None
    why: str = ""


def decide(state: State, turn: Turn) -> Decision:
    """The next step after `turn` was answered and read. Pure."""
    assert state.interview is not None
    question = state.planned(turn.question)
    asked = state.of_question(turn.question)
    followed = sum(t.probe is not None and not t.again for t in asked)
    wanted = turn.intent in (None, "answer") and not turn.moves_on and not _pressed(state, turn)
    if (
        followed < state.interview.probe_budget
        and wanted
        and (decision := _probe(question, asked, turn, {t.text for t in state.turns}))
    ):
        return decision
    if state.remaining:
        following = state.remaining[0]
        return Decision("next", following, why=f"next in the plan: {following.competency}")
    return Decision("close", why="all planned questions were asked")


def _probe(question: PlannedQuestion, asked: Sequence[Turn], turn: Turn, put: set[str]) -> Decision | None:
    """`put`: every question that was put in this interview; none is put twice."""
    points = points_so_far(question, asked)
    said = sum(p.state == "said" for p in points)
    contradicted = [p for p in points if p.state == "contradicted"]
    probe, read = best_probe(question.probes, turn.reading.probes if turn.reading else [], spent(asked) | put)
    if probe is None or (points and said == len(points) and (read is None or read.worth < SURE)):
        return None
    if read is None or read.state == "unsure":
        why = f"hard to tell what the answer holds; asks for {probe.asks or probe.type}"
    else:
        why = f"still open: {probe.asks or probe.type}"
    if contradicted:
        why += f"; does not fit: {contradicted[0].name}"
    return Decision("probe", question, probe, why)


def best_probe(
    probes: Sequence[Probe], reads: Sequence[ProbeRead], used: set[str]
) -> tuple[Probe | None, ProbeRead | None]:
    """The author's first among the surely good ones, else the one with the most worth. None: none is worth asking."""
    read = {r.text: r for r in reads}
    left = [p for p in probes if p.text not in used]
    open_ = [(p, read[p.text]) for p in left if p.text in read and read[p.text].state == "open"]
    if open_:
        sure = [pair for pair in open_ if pair[1].worth >= SURE]
        probe, found = sure[0] if sure else max(open_, key=lambda pair: pair[1].worth)
        return (probe, found) if found.worth >= LEAST else (None, None)
    unread = [p for p in left if p.text not in read or (read[p.text].state == "unsure" and read[p.text].worth >= LEAST)]
    return (unread[0], read.get(unread[0].text)) if unread else (None, None)


def _pressed(state: State, turn: Turn) -> bool:
    """Practice: whether the remaining questions need all the time that is left."""
    assert state.interview is not None
    if state.interview.mode == "screen" or not turn.heard:
        return False
    needed = sum(q.seconds * 0.6 for q in state.remaining)
    return bool(state.remaining) and turn.heard[-1].end + needed > state.interview.minutes * 60.0
