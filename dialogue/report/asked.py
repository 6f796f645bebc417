"""What the candidate asked about the job, and what was said to it. Pure."""

from __future__ import annotations

import re

from dialogue.report_model import Asked
from dialogue.state import State, Turn
from dialogue.understanding.wall import LOGISTICS
from memory.records import Passage, Reading

PRIVATE_QUESTION = "A question with something private in it; it stands in the transcript."
_UNFINISHED = re.compile(r"[^.!?]*$")


def asked_by_the_candidate(state: State) -> list[Asked]:
    """In order. Of one that gives something private away ("... because of my baby") only that it was asked."""
    found: list[Asked] = []
    for turn in state.turns:
        for act in turn.reading.acts if turn.reading else ():
            if act.act != "ask_job" or turn.reading is None:
                continue
            span, reply = act.passage, _reply(state, turn)
            if _gives_away(turn.reading, span):
                found.append(Asked(text=PRIVATE_QUESTION, t0=None, t1=None, turn=turn.number, reply=reply))
            else:
                found.append(Asked(text=span.quote, t0=span.t0, t1=span.t1, turn=turn.number, reply=reply))
    return found


def _gives_away(reading: Reading, span: Passage) -> bool:
    private = [p.passage for p in reading.private if p.kind != LOGISTICS]
    return any(p.first < span.after and span.first < p.after for p in private)


def _reply(state: State, turn: Turn) -> str:
    """What was said to it before the next question, without our own question that was put again with it."""
    after = next((t for t in state.turns if t.number == turn.number + 1), None)
    # By the wall's clock: where everything is typed, the session's own stands still.
    heard = turn.heard[-1].at if turn.heard else 0.0
    until = after.heard[0].at if after and after.heard else float("inf")
    since = turn.asked_at
    said = next((s.text for s in state.said if s.purpose == "reply" and heard <= s.at <= until and s.t >= since), "")
    if turn.text in said:
        said = _UNFINISHED.sub("", said[: said.rfind(turn.text)])
    return said.strip() or (after.lead if after else "")
