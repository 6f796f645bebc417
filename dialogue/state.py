"""The state of an interview: a pure fold over its events. Resume, replay, audit and tests all use this function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from memory.events import (
    Advised,
    Answered,
    AnyEvent,
    Asked,
    Consented,
    Created,
    Ended,
    Followed,
    Heard,
    Interrupted,
    Measured,
    Noted,
    Rated,
    Read,
    Reopened,
    Resumed,
    Reworded,
    Said,
    Skipped,
    Spoken,
    Started,
    TookBack,
    Yielded,
)
from memory.records import Delivery, Interview, PlannedQuestion, Reading, Span, Word, untimed

AGAIN = "asked again"  # why a question is put once more: after a request, or before an end that was asked back


@dataclass(frozen=True)
class Turn:
    """One question or follow-up and everything heard in reply."""

    number: int
    question: str
    text: str
    why: str
    probe: str | None = None  # None: the core question itself
    gap: str | None = None
    span: Span | None = None
    engine: str | None = None
    prompt: str = ""  # version of the prompt the model was given
    lead: str = ""
    note: str = ""
    instead: str = ""  # the planned question this one replaced
    asked_at: float = 0.0
    put: tuple[Spoken, ...] = ()  # utterances in which the question was heard: itself, repeats, in other words
    heard: tuple[Heard, ...] = ()
    answered: bool = False
    intent: str | None = None
    wish: str = ""  # what was asked for, also at the end of an answer
    reading: Reading | None = None
    delivery: Delivery | None = None
    interruptions: int = 0
    reopened: int = 0
    thumb: bool | None = None  # a person's opinion of this follow-up
    reworded: str = ""  # how a person would have asked it

    @property
    def again(self) -> bool:
        """Whether the same question was put once more: it is no further follow-up."""
        return self.why == AGAIN

    @property
    def moves_on(self) -> bool:
        """Whether the candidate answered and then asked to leave it at that. The same words inside a story ask for nothing."""
        return self.wish in ("skip", "later")

    @property
    def spoken(self) -> Spoken | None:
        """The last time the question was asked. None: the candidate has not heard it."""
        return self.put[-1] if self.put else None

    @property
    def answer(self) -> str:
        """Everything heard in this turn, as text."""
        return " ".join(piece.text for piece in self.heard).strip()

    @property
    def words(self) -> list[Word]:
        return [word for piece in self.heard for word in piece.words]

    @property
    def words_or_text(self) -> list[Word]:
        """The words with their times; where no times were stored, the words of the text without times."""
        return self.words or untimed(self.answer)


@dataclass(frozen=True)
class State:
    """The current state of the interview. `interview` is None only before the first event."""

    interview: Interview | None = None
    consented: bool = False
    started: bool = False
    greeted: bool = False
    turns: tuple[Turn, ...] = ()
    said: tuple[Said, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    holes: tuple[tuple[float, float], ...] = ()  # (t, gap in s) of each resume
    last_spoken_end: float = 0.0
    engines: dict[str, str] = field(default_factory=dict)
    notes: tuple[Noted, ...] = ()
    yielded: Yielded | None = None  # people have the floor, and the agent only listens
    ended: str | None = None
    farewell_heard: bool = False
    advice: dict[str, Advised] = field(default_factory=dict)  # a model's feedback by question
    stars: int | None = None  # the candidate's answer to the one question after the interview

    @property
    def farewell_pending(self) -> str:
        """The farewell, if the call was cut before it had sounded; else empty."""
        if not self.ended or self.farewell_heard:
            return ""
        return next((s.text for s in reversed(self.said) if s.purpose in ("farewell", "closing")), "")

    @property
    def pauses(self) -> tuple[float, ...]:
        """The candidate's own silent pauses so far, s."""
        deliveries = [turn.delivery for turn in self.turns if turn.delivery]
        return tuple(pause.end - pause.start for delivery in deliveries for pause in delivery.silent_pauses)

    @property
    def turn(self) -> Turn | None:
        """The newest turn."""
        return self.turns[-1] if self.turns else None

    @property
    def awaiting(self) -> Turn | None:
        """The turn that is waiting for its answer, if any."""
        return self.turn if self.turn and not self.turn.answered and not self.ended else None

    def before(self, turn: Turn) -> Turn | None:
        """The turn before this one, whose answer it followed."""
        return next((t for t in self.turns if t.number == turn.number - 1), None)

    def of_question(self, question: str) -> tuple[Turn, ...]:
        """The core turn of a question and its follow-ups, in order."""
        return tuple(turn for turn in self.turns if turn.question == question)

    @property
    def follow_ups(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.probe is not None)

    @property
    def remaining(self) -> tuple[PlannedQuestion, ...]:
        """Planned questions that were neither asked nor skipped, in order."""
        if self.interview is None:
            return ()
        done = {turn.question for turn in self.turns} | {question for question, _ in self.skipped}
        done |= {turn.instead for turn in self.turns}
        return tuple(q for q in self.interview.questions if q.id not in done)

    @property
    def postponed(self) -> tuple[PlannedQuestion, ...]:
        """Questions that the candidate put off, once, and has not answered since."""
        put_off = {t.question for t in self.turns if t.intent == "later"}
        return tuple(
            self.planned(id_)
            for id_ in dict.fromkeys(t.question for t in self.turns)
            if id_ in put_off
            and self.of_question(id_)[-1].intent == "later"
            and sum(t.intent == "later" for t in self.of_question(id_)) == 1
            and not any(t.intent == "answer" for t in self.of_question(id_))
        )

    def planned(self, question: str) -> PlannedQuestion:
        """The plan's entry for a question id."""
        assert self.interview is not None
        return next(q for q in (*self.interview.questions, *self.interview.reserve) if q.id == question)

    @property
    def asked_questions(self) -> tuple[PlannedQuestion, ...]:
        """The questions that were asked, in that order."""
        return tuple(self.planned(id_) for id_ in dict.fromkeys(turn.question for turn in self.turns))

    @property
    def discussed(self) -> tuple[PlannedQuestion, ...]:
        """The questions that were asked, then those of the plan that were not."""
        taken = {turn.instead for turn in self.turns}
        rest = [q for q in (self.interview.questions if self.interview else ()) if q.id not in taken]
        return tuple(self.planned(id_) for id_ in dict.fromkeys(q.id for q in (*self.asked_questions, *rest)))


def fold(events: Iterable[AnyEvent], state: State | None = None) -> State:
    """Apply events in order, from nothing or from an earlier state."""
    current = state or State()
    for event in events:
        current = apply(current, event)
    return current


def apply(state: State, event: AnyEvent) -> State:
    """The state after one more event. Total: an event that fits nothing leaves the state unchanged."""
    match event:
        case Created():
            return replace(state, interview=event.interview, engines=event.engines)
        case Consented():
            return replace(state, consented=True)
        case Said():
            return replace(state, said=(*state.said, event), greeted=state.greeted or event.purpose == "greeting")
        case Asked():
            turn = Turn(event.turn, event.question, event.text, event.why, instead=event.instead, asked_at=event.t)
            return replace(state, turns=(*state.turns, turn))
        case Followed():
            turn = Turn(
                event.turn, event.question, event.text, event.why, probe=event.probe, gap=event.gap, span=event.span,
                engine=event.engine, prompt=event.prompt, lead=event.lead, note=event.note, asked_at=event.t,
            )  # fmt: skip
            return replace(state, turns=(*state.turns, turn))
        case Spoken():
            state = replace(state, last_spoken_end=event.end, farewell_heard=bool(state.ended))
            asked = _find(state, event.turn)
            return (
                _on_turn(state, event.turn, put=(*asked.put, event)) if asked and _puts(state, asked, event) else state
            )
        case Started():
            return replace(state, engines=event.engines, started=True)
        case Noted():
            return replace(state, notes=(*state.notes, event))
        case Yielded():
            return replace(state, yielded=event)
        case TookBack():
            return replace(state, yielded=None)
        case Heard():
            answering = _find(state, event.turn)
            return _on_turn(state, event.turn, heard=(*answering.heard, event)) if answering else state
        case Read():
            return _on_turn(state, event.turn, reading=event.reading)
        case Answered():
            return _on_turn(state, event.turn, answered=True, intent=event.intent, wish=event.wish)
        case Measured():
            answer = _find(state, event.turn)
            # If an answer was reopened while being measured, only part of it was measured.
            fits = answer is not None and answer.answered and answer.intent == "answer"
            return _on_turn(state, event.turn, delivery=event.delivery) if fits else state
        case Reopened():
            reopened = _find(state, event.turn)
            kept = tuple(t for t in state.turns if t.number <= event.turn)
            state = replace(state, turns=kept)
            changes = {"answered": False, "delivery": None, "reading": None, "wish": ""}
            return _on_turn(state, event.turn, reopened=reopened.reopened + 1, **changes) if reopened else state
        case Interrupted():
            over = _find(state, event.turn)
            return _on_turn(state, event.turn, interruptions=over.interruptions + 1) if over else state
        case Resumed():
            return replace(state, holes=(*state.holes, (event.t, event.gap)), engines=event.engines or state.engines)
        case Skipped():
            return replace(state, skipped=(*state.skipped, (event.question, event.reason)))
        case Ended():
            return replace(state, ended=event.reason)
        case Advised():
            return replace(state, advice={**state.advice, event.question: event})
        case Rated():
            if event.stars is not None and event.by == "candidate":
                state = replace(state, stars=event.stars)
            return state if event.turn is None else _on_turn(state, event.turn, thumb=event.up)
        case Reworded():
            return _on_turn(state, event.turn, reworded=event.text)


def _find(state: State, number: int | None) -> Turn | None:
    return next((turn for turn in state.turns if turn.number == number), None)


def _puts(state: State, turn: Turn, spoken: Spoken) -> bool:
    """Whether the question was heard in an utterance: it was part of it, and at least half of it sounded.

    Somebody who heard a question and asked for something gets it back without hearing it: "Start again whenever you like."
    """
    if not spoken.text:  # an old log does not say: the first thing said asked it
        return not turn.put and spoken.heard_share > 0.0
    plan = (*state.interview.questions, *state.interview.reserve) if state.interview and turn.probe is None else ()
    for question in (turn.text, *(q.short for q in plan if q.id == turn.question)):
        at = spoken.text.rfind(question) if question else -1
        if at >= 0:
            return spoken.heard_share * len(spoken.text) >= at + len(question) / 2
    return turn.again and not turn.put and spoken.heard_share >= 0.5


def _on_turn(state: State, number: int | None, **changes: object) -> State:
    turns = tuple(
        replace(turn, **changes) if turn.number == number else turn  # type: ignore[arg-type]
        for turn in state.turns
    )
    return replace(state, turns=turns)
