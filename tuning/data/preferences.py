"""People's opinions of follow-ups as rows for preference tuning: edits for DPO, thumbs for KTO. With consent only.

DPO: Rafailov et al. 2023; KTO: Ethayarajh et al. 2024. Whole sessions are held out, so nobody is on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dialogue.follow_up.policy import Decision
from dialogue.follow_up.wording import prompt_for
from dialogue.state import fold
from memory.consent import may_teach
from memory.events import AnyEvent
from tuning.data.packs import probe_about
from tuning.data.rows import asked_as, completion, follow_up_reply
from tuning.data.scrub import public_answer, scrubbed
from tuning.data.splits import place


@dataclass
class Preferences:
    """`pairs`: prompt, chosen, rejected (an edit against what was asked). `thumbs`: prompt, completion, label."""

    pairs: list[dict[str, Any]] = field(default_factory=list)
    thumbs: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def collect(sessions: Sequence[tuple[str, Sequence[AnyEvent]]], *, chat: bool = True) -> Preferences:
    """Rows from session logs. `chat`: for a model with a chat template."""
    found = Preferences()
    for session, events in sessions:
        if not may_teach(events):
            found.left_out.append(f"{session}: no consent to be learnt from")
            continue
        state = fold(events)
        assert state.interview is not None
        names = [state.interview.candidate]
        for turn in state.turns:
            before = state.before(turn)
            if turn.probe is None or before is None or (turn.thumb is None and not turn.reworded):
                continue
            heard = public_answer(before, names)
            if not heard:
                found.left_out.append(
                    f"{session} turn {turn.number}: nothing of the answer before it may be learnt from"
                )
                continue
            question = state.planned(turn.question)
            decision = Decision("probe", question, probe_about(turn.probe, turn.gap or "", question))
            earlier = [scrubbed(t.text, names) for t in state.turns if t.number < turn.number]
            prompt = prompt_for(decision, heard, earlier)
            asked = asked_as(prompt, chat)
            said = completion(follow_up_reply(scrubbed(turn.text, names)), chat)
            if turn.reworded:
                better = completion(follow_up_reply(scrubbed(turn.reworded, names)), chat)
                found.pairs.append({"prompt": asked, "chosen": better, "rejected": said, "session": session})
            if turn.thumb is not None:
                found.thumbs.append({"prompt": asked, "completion": said, "label": turn.thumb, "session": session})
    return found


def held_out(session: str, share: float = 0.1) -> bool:
    """Whether a session belongs to the validation side; depends only on its name."""
    return place(session) < share
