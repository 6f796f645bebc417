"""Live, recovered and recomputed reports are equal: whatever happens in a call, one rule says which part of an answer
is measured and from when its delay counts. Tried on generated logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.call.measurer import measure_turn
from agent.engines.measuring import (
    Answer,
    Floor,
    floor_of,
    is_measured,
    measure_answer,
    measure_recorded,
    measured_words,
)
from dialogue.state import State, Turn, fold
from memory.events import (
    Answered,
    AnyEvent,
    Asked,
    Created,
    Heard,
    Interrupted,
    Measured,
    Reopened,
    Resumed,
    Spoken,
    decode,
    encode,
)
from memory.records import Delivery, Interval, Word
from tests.dialogue.helpers import agreed
from voice.audio import SPEECH_RATE, Samples

QUESTION = agreed().questions[0]
STEP = 0.05  # s that a thing takes: minutes of a call in a few seconds of sound
DONE = measure_answer(Answer(np.zeros(SPEECH_RATE, np.float32), 0.0, [], Floor(None)))


class Inline(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass
class Leg:
    """The speech tracker of one process: it has no sound from before `offset`."""

    offset: float
    earliest: float = 0.0

    async def sound(self, start: float, end: float) -> Samples:
        return np.zeros(0, np.float32)

    async def speech(self, start: float, end: float) -> None:
        return None


@dataclass
class RecordingMeasure:
    """Records what it was given to measure."""

    given: list[Answer] = field(default_factory=list)

    def __call__(self, answer: Answer) -> Delivery:
        self.given.append(answer)
        return DONE


def of(answer: Answer) -> tuple[object, ...]:
    """Everything that determines the numbers, besides the sound."""
    return answer.start, tuple(answer.words), answer.floor, answer.interruptions, tuple(answer.held_up)


@dataclass
class Log:
    """A call that writes its log, and what it measures along the way."""

    events: list[AnyEvent] = field(default_factory=list)
    live: dict[int, tuple[object, ...]] = field(default_factory=dict)
    tracker: Leg = field(default_factory=lambda: Leg(0.0))
    t: float = 0.0

    @property
    def state(self) -> State:
        return fold(self.events)

    @property
    def awaiting(self) -> Turn:
        turn = self.state.awaiting
        assert turn is not None
        return turn

    def store(self, *events: AnyEvent) -> None:
        self.events += events
        for event in events:
            if isinstance(event, Reopened):
                self.live.pop(event.turn, None)
            turn = next((t for t in self.state.turns if isinstance(event, Answered) and t.number == event.turn), None)
            if turn is not None and is_measured(turn):
                recorder = RecordingMeasure()
                asyncio.run(measure_turn(self.tracker, turn, self.state.holes, Inline(), recorder))  # type: ignore[arg-type]
                if recorder.given:
                    self.live[turn.number] = of(recorder.given[0])
                    self.events.append(Measured(at=0.0, t=self.t, turn=turn.number, delivery=DONE))

    # -- what may happen ---------------------------------------------------------------------------------------------

    def ask(self, share: float = 1.0) -> None:
        turns = self.state.turns
        number = turns[-1].number + 1 if turns else 0
        self.store(Asked(at=0.0, t=self.t, turn=number, question=QUESTION.id, text=QUESTION.text, why="test"))
        self.say(f"Thank you. {QUESTION.text}", share)

    def say(self, text: str, share: float = 1.0) -> None:
        begun, self.t = self.t, self.t + 2 * STEP
        self.store(Spoken(at=0.0, t=begun, turn=self.awaiting.number, end=self.t, text=text, heard_share=share))

    def answers(self, intent: str) -> None:
        self.store(Answered(at=0.0, t=self.t, turn=self.awaiting.number, intent=intent))
        self.t += STEP
        self.ask()

    def hears(self, early: float, typed: bool = False) -> None:
        words = []
        for i in range(3):
            start = round(max(0.0, self.t - early * STEP) + i * STEP / 3, 3)
            words.append(Word(text=f"w{i}", start=start, end=round(start + STEP / 4, 3)))
        held_up = [Interval(start=self.t, end=self.t + STEP)] if early > 0.8 else []
        self.t += STEP
        self.store(
            Heard(
                at=0.0, t=words[0].start, turn=self.awaiting.number, text="w0 w1 w2", words=words, end=words[-1].end,
                typed=typed, held_up=held_up,
            )
        )  # fmt: skip

    def reopens(self) -> None:
        before = self.state.before(self.awaiting)
        if before is not None and before.answered and before.heard and before.intent == "answer":
            self.store(Reopened(at=0.0, t=self.t, turn=before.number))

    def resumes(self) -> None:
        self.store(Resumed(at=0.0, t=self.t, gap=3.0, owner="test"))
        self.tracker = Leg(self.t, self.t)
        heard = self.awaiting.heard
        self.say("We were cut off. Please go on." if heard else f"We were cut off. {QUESTION.text}")

    def does(self, what: str, number: float) -> None:
        self.t = round(self.t + number * STEP, 3)
        match what:
            case "hears":
                self.hears(number)
            case "types":
                self.hears(0.0, typed=True)
            case "nudges":
                self.say("Take your time. I am listening.")
            case "rephrases":
                self.say(f"Shall I put it another way? {QUESTION.short}")
            case "repeats":
                self.say(f"Of course. {QUESTION.text}")
            case "is silent":
                self.say(QUESTION.text, share=0.0)
            case "requests":
                self.answers("repeat")
            case "answers":
                self.answers("answer")
            case "reopens":
                self.reopens()
            case "resumes":
                self.resumes()
            case "interrupts":
                self.store(Interrupted(at=0.0, t=self.t, turn=self.awaiting.number))


KINDS = ["hears"] * 4 + ["answers"] * 2
KINDS += ["types", "nudges", "rephrases", "repeats", "is silent", "requests", "reopens", "resumes", "interrupts"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.0, 1.0)), min_size=3, max_size=14)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_a_report_is_the_same_live_recovered_and_recomputed(steps: list[tuple[str, float]]) -> None:
    log = Log([Created(at=0.0, interview=agreed())])
    log.ask()
    for what, number in steps:
        log.does(what, number)
    log.answers("answer")
    stored = fold([decode(encode(event)) for event in log.events])
    assert stored == log.state, "what is read back is what was"
    sound = np.zeros(round((log.t + 1.0) * SPEECH_RATE), np.float32)
    for turn in stored.turns:
        recorder = RecordingMeasure()
        if is_measured(turn):
            measure_recorded(sound, SPEECH_RATE, turn, stored.holes, recorder)
            assert len(recorder.given) == 1
        assert (turn.delivery is not None) == (turn.number in log.live), (
            "a measure that stands in the log is a live one"
        )
        if turn.number in log.live:
            assert log.live[turn.number] == of(recorder.given[0])
        for answer in recorder.given:
            floor, first = answer.floor.given, answer.words[0].start
            puts = [put for put in turn.put if put.t <= first]
            assert floor is None or (puts and floor == puts[-1].end), "the question's end, never that of a nudge"


def spoken(text: str, t: float, end: float, share: float = 1.0) -> Spoken:
    return Spoken(at=0.0, t=t, turn=0, end=end, text=text, heard_share=share)


def floor(*events: AnyEvent) -> Floor:
    asked = Asked(at=0.0, turn=0, question=QUESTION.id, text=QUESTION.text, why="test")
    state = fold([Created(at=0.0, interview=agreed()), asked, *events])
    return floor_of(state.turns[0], measured_words(state.turns[0], state.holes))


def heard(start: float) -> Heard:
    return Heard(
        at=0.0, t=start, turn=0, text="so", words=[Word(text="so", start=start, end=start + 0.2)], end=start + 0.2
    )


def test_where_the_floor_is() -> None:
    question, nudge = spoken(QUESTION.text, 0.0, 5.0), spoken("Take your time.", 20.0, 22.0)
    assert floor(question, heard(6.0)).given == 5.0
    assert floor(question, nudge, heard(24.0)).given == 5.0, "they still think about the same question"
    assert floor(question, heard(6.0), nudge, heard(24.0)).given == 5.0, "let me think, a nudge, the answer"
    assert floor(question, spoken(f"Sure, once more. {QUESTION.text}", 20.0, 25.0), heard(26.0)).given == 25.0
    assert floor(question, spoken(f"In other words: {QUESTION.short}", 20.0, 25.0), heard(26.0)).given == 25.0
    assert floor(question, heard(6.0), spoken(QUESTION.text, 20.0, 25.0), heard(26.0)).given == 5.0, "begun before it"
    assert floor(question, heard(4.6)).given == 5.0, "an overlap"
    assert floor(spoken(QUESTION.text, 0.0, 0.0, 0.0), heard(6.0)).given is None, "nobody heard the question"
    assert floor(spoken(f"Thank you. {QUESTION.text}", 0.0, 0.6, 0.1), heard(1.0)).given is None, "cut off before it"
