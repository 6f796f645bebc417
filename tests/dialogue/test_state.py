"""The fold, event by event: what each changes in the state, and what it leaves alone."""

from __future__ import annotations

from dialogue.state import State, fold
from memory.events import Answered, AnyEvent, Asked, Created, Heard, Interrupted, Measured, Rated, Reworded, Skipped
from memory.records import Interval, Word
from tests.dialogue.helpers import agreed
from tests.dialogue.test_delivery import delivery


def asked(turn: int, question: str, **more: str) -> Asked:
    return Asked(at=0, t=turn, turn=turn, question=question, text="What?", why="it is next", **more)


def heard(turn: int, text: str) -> Heard:
    return Heard(at=0, t=turn, turn=turn, text=text, words=[Word(text=text, start=turn, end=turn + 1)], end=turn + 1)


def after(*events: AnyEvent) -> State:
    return fold([Created(at=0, interview=agreed(), engines={}), *events])


def test_each_turn_keeps_what_is_its_own() -> None:
    state = after(asked(0, "mistake"), asked(1, "slow-service"), heard(0, "one"), heard(1, "two"), heard(0, "three"))
    assert [t.answer for t in state.turns] == ["one three", "two"]
    state = fold(
        [Interrupted(at=0, t=0, turn=0), Interrupted(at=0, t=0, turn=0), Answered(at=0, t=0, turn=0, intent="skip")],
        state,
    )
    assert [(t.interruptions, t.answered, t.intent) for t in state.turns] == [(2, True, "skip"), (0, False, None)]
    assert state.awaiting == state.turns[1]


def test_an_event_of_a_turn_that_never_was_changes_nothing() -> None:
    state = after(asked(0, "mistake"))
    lost = [heard(9, "lost"), Interrupted(at=0, t=0, turn=9), Answered(at=0, t=0, turn=9, intent="answer")]
    assert fold(lost, state) == state


def test_the_candidates_pauses_add_up_over_the_answers() -> None:
    pauses = [[Interval(start=1.0, end=1.5), Interval(start=2.0, end=3.0)], [Interval(start=70.0, end=72.0)]]
    measured = [
        Measured(at=0, t=0, turn=turn, delivery=delivery(60.0 * turn, silent_pauses=found))
        for turn, found in enumerate(pauses)
    ]
    answered = [Answered(at=0, t=0, turn=turn, intent="answer") for turn in range(2)]
    state = after(asked(0, "mistake"), asked(1, "slow-service"), *answered, *measured)
    assert state.pauses == (0.5, 1.0, 2.0)
    assert [t.delivery for t in state.turns] == [m.delivery for m in measured]


def test_what_was_asked_skipped_or_replaced_does_not_come_again() -> None:
    assert [q.id for q in after().remaining] == ["improved-process", "mistake", "slow-service"]
    state = after(asked(0, "mistake"), Skipped(at=0, t=0, question="slow-service", reason="enough is known"))
    assert [q.id for q in state.remaining] == ["improved-process"]
    instead = after(asked(0, "mistake", instead="improved-process"))
    assert [q.id for q in instead.remaining] == ["slow-service"]


def test_stars_are_the_candidates_and_thumbs_anybodys() -> None:
    state = after(asked(0, "mistake"), Rated(at=0, by="candidate", stars=4), Rated(at=0, by="operator", stars=1))
    assert state.stars == 4
    state = fold(
        [Rated(at=0, by="operator", turn=0, up=False), Reworded(at=0, by="operator", turn=0, text="How?")], state
    )
    assert state.stars == 4 and (state.turns[0].thumb, state.turns[0].reworded) == (False, "How?")
