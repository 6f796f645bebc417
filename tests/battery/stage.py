"""Runs the battery's whole interviews in virtual time, each once per test session."""

from __future__ import annotations

import functools
import random
from collections import Counter
from dataclasses import dataclass

from dialogue.manager.interviewer import Interviewer
from dialogue.plan.plan import draw, questions_of
from dialogue.report.build import build_report
from dialogue.report_model import Report
from dialogue.state import State, Turn
from memory.events import AnyEvent, Asked, Followed, Interrupted
from memory.records import CandidateSource, Interview, Mode
from prompts.loader import load_pack
from simulation.characters import ABOUT, SILENCE, Character, battery
from tests.dialogue.helpers import Conversation
from tests.dialogue.remembering import remembering_reader

PACKS = ("behavioural", "data-engineering")
MODES: tuple[Mode, ...] = ("practice", "screen")
MINUTES = 20.0
QUESTIONS = 4
BY_NAME = {c.name: c for c in battery()}


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

    @property
    def name(self) -> str:
        return self.character.name

    @property
    def turns(self) -> tuple[Turn, ...]:
        return self.state.turns

    def of(self, kind: str) -> list[AnyEvent]:
        return [e for e in self.events if e.kind == kind]

    @property
    def asked(self) -> list[Asked]:
        """Questions of the plan as they were put, repeats aside."""
        return [e for e in self.events if e.kind == "asked" and e.why != "asked again"]

    @property
    def follow_ups(self) -> list[Followed]:
        """Follow-ups as they were put, repeats aside."""
        return [e for e in self.events if e.kind == "followed" and e.why != "asked again"]

    def replied(self, turn: Turn) -> str:
        """What sounded when this turn was over."""
        kinds = [(e.kind, getattr(e, "turn", None)) for e in self.events]
        over = kinds.index(("answered", turn.number))
        return next((e.text for e in self.events[over:] if e.kind == "spoken"), "")


@functools.cache
def show(name: str, mode: Mode, pack: str, proposing: bool = True) -> Show:
    """Character `name`'s interview in `mode` with questions of `pack`. `proposing`: replies worked out ahead."""
    character, loaded = BY_NAME[name], load_pack(pack)
    interview = Interview(
        id="battery", mode=mode, title=loaded["title"], pack=pack, source=CandidateSource(kind="typed"),
        questions=draw(questions_of(loaded), pack, minutes=MINUTES, probes=2, count=QUESTIONS, seed=7),
        probe_budget=2, minutes=MINUTES, seed=1, about=ABOUT, glossary=loaded.get("glossary", {}),
    )  # fmt: skip
    call = Conversation(interview, Interviewer(reader=remembering_reader()))
    rng = random.Random(name)
    held = Show(character, mode, pack, call)
    said: Counter[str] = Counter()
    call.open()
    while not call.ended and len(call.said) < 120:
        turn = call.state.awaiting
        assert turn is not None
        text = character.reply(call.state.planned(turn.question), said[turn.question], rng)
        said[turn.question] += 1
        if character.interrupts:
            call.events.append(Interrupted(at=call.t, t=call.t, turn=turn.number))
        if text == SILENCE:
            _wait(call, turn)
            continue
        call.answer(text, propose=proposing)
        call.t += len(text.split()) * (1.0 / character.pace - 1.0 / 3.0) if character.pace < 3.0 else 0.0
    return held


def _wait(call: Conversation, turn: Turn) -> None:
    for count in range(6):
        if call.ended or call.state.awaiting is None or call.state.awaiting.number != turn.number:
            return
        call.silence(count)
