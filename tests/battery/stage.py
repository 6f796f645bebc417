"""Runs the battery's whole interviews in virtual time, each once per test session."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass

from dialogue.plan.plan import draw, questions_of, reserve
from dialogue.report.build import build_report
from dialogue.report_model import Report
from dialogue.state import State
from memory.events import AnyEvent, Interrupted
from memory.records import CandidateSource, Interview
from prompts.loader import load_pack
from simulation.characters import SILENCE, Character, battery
from tests.dialogue.helpers import Conversation

PACKS = ("behavioural", "data-engineering")
MINUTES = 20.0


@dataclass
class Show:
    """One interview from greeting to farewell, and its report."""

    character: Character
    mode: str
    pack: str
    call: Conversation

    @property
    def events(self) -> list[AnyEvent]:
        return self.call.events

    @functools.cached_property
    def state(self) -> State:
        """The final state: read when the interview is over."""
        return self.call.state

    @functools.cached_property
    def report(self) -> Report:
        return build_report(self.state, started=0.0, duration=self.call.t, agent_speech=60.0, recording=None)

    @functools.cached_property
    def levels(self) -> list[float]:
        return [q.rubric.level for q in self.report.questions if q.rubric.level is not None]

    def of(self, kind: str) -> list[AnyEvent]:
        return [e for e in self.events if e.kind == kind]


@functools.cache
def show(name: str, mode: str, pack: str, proposing: bool = True) -> Show:
    """Character `name`'s interview in `mode` with questions of `pack`. `proposing`: replies worked out ahead."""
    character = next(c for c in battery() if c.name == name)
    loaded = load_pack(pack)
    questions = questions_of(loaded)
    chosen = draw(questions, pack, minutes=MINUTES, probes=2, count=5, seed=7)
    interview = Interview(
        id="battery", mode=mode, title=loaded["title"], pack=pack, source=CandidateSource(kind="typed"), questions=chosen,
        reserve=reserve(chosen, questions) if mode == "practice" else [], probe_budget=2, minutes=MINUTES, seed=1,
    )  # fmt: skip
    call = Conversation(interview)
    rng = random.Random(name)
    held = Show(character, mode, pack, call)
    call.open()
    while not call.ended and len(call.said) < 120:
        turn = call.state.awaiting
        assert turn is not None
        earlier = len(call.state.of_question(turn.question)) - 1
        text = character.reply(call.state.planned(turn.question), earlier, rng)
        if character.interrupts:
            call.events.append(Interrupted(at=call.t, t=call.t, turn=turn.number))
        if text == SILENCE:
            count = 0
            while (
                not call.ended
                and call.state.awaiting is not None
                and call.state.awaiting.number == turn.number
                and count < 6
            ):
                call.silence(count)
                count += 1
            continue
        call.answer(text, propose=proposing)
        call.t += len(text.split()) * (1.0 / character.pace - 1.0 / 3.0) if character.pace < 3.0 else 0.0
    return held
