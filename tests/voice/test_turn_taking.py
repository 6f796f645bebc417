"""Patience: the rules, and the properties that hold for every moment."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.turn import endpointing as turn_taking
from voice.turn.barge_in import BargeIn
from voice.turn.endpointing import Action, Endpointer, Moment, Patience, habit_of, required_silence, wants_time

P = Patience()


def need(
    text: str, sound: float | None = 0.6, spoken: float = 60.0, expected: float = 60.0, habit: float | None = None
) -> float:
    return required_silence(Moment(text, spoken, sound, expected, habit), P)


@pytest.mark.parametrize("text", ["I wrote it in Go and", "because the", "it was the first of", "so we decided to"])
def test_an_open_sentence_waits_longer_than_a_closed_one(text: str) -> None:
    assert need(text) >= P.open_clause > need("I wrote it in Go.")


@pytest.mark.parametrize("text", ["and then um", "we used, uh,", "So, um."])
def test_a_filled_pause_at_the_end_waits_longest(text: str) -> None:
    assert need(text) == P.filled_pause


@pytest.mark.parametrize(
    "text",
    [
        "Let me think.",
        "Let me think about that for a moment.",
        "Hmm, give me a second.",
        "That's a good question.",
        "One moment, please.",
    ],
)
def test_asking_for_time_is_heard(text: str) -> None:
    assert wants_time(text)
    assert need(text) == P.asked_for_time


def test_thinking_aloud_that_went_on_is_no_request_for_time() -> None:
    assert not wants_time("Let me think about that. I would start with the metrics and then look at the database.")
    assert not wants_time("It was a good question that the customer asked us in the last meeting of the year.")


def test_no_words_never_commit() -> None:
    assert need("") == float("inf")


def test_little_said_to_a_big_question_is_given_longer() -> None:
    assert need("We moved it to streaming.", spoken=2.0) > need("We moved it to streaming.", spoken=50.0)


def test_a_person_with_long_pauses_is_given_longer_where_the_sound_is_unsure() -> None:
    assert need("we moved house", sound=0.2, habit=2.5) > need("we moved house", sound=0.2)
    assert need("We moved house.", sound=0.2, habit=2.5) == P.habit_closed
    assert need("We moved it.", sound=0.9, habit=2.5) == need("We moved it.", sound=0.9)


@given(
    st.text(max_size=60),
    st.floats(0, 200),
    st.none() | st.floats(0, 1),
    st.floats(1, 300),
    st.none() | st.floats(0, 20),
)
def test_every_moment_has_a_positive_bounded_answer(
    text: str, spoken: float, sound: float | None, expected: float, habit: float | None
) -> None:
    seconds = required_silence(Moment(text, spoken, sound, expected, habit), P)
    assert seconds == float("inf") or P.finished <= seconds <= P.asked_for_time


@given(st.text(min_size=1, max_size=40), st.floats(0.4, 1.0))
def test_a_more_final_sound_never_waits_longer(text: str, sound: float) -> None:
    assert need(text, sound) <= need(text, 0.05)


def test_five_seconds_of_thinking_are_not_cut_and_the_answer_goes_on() -> None:
    turn = Endpointer(began=0.0, expected_seconds=60, think=12, patience=P)
    turn.speech_began(1.0)
    turn.speech_stopped(3.0)
    turn.heard("Let me think about that for a moment.")
    turn.sounded_final(0.9)
    for tick in range(250):
        assert turn.decide(3.0 + tick * 0.02) is Action.WAIT
    turn.speech_began(8.0)
    turn.heard("Let me think about that for a moment. I deleted a table.")
    turn.speech_stopped(30.0)
    turn.sounded_final(0.9)
    assert turn.decide(30.3) is Action.WAIT
    assert turn.decide(33.0) is Action.COMMIT
    assert turn.inner_pauses == [5.0]


def test_a_silent_candidate_is_nudged_not_cut() -> None:
    turn = Endpointer(began=0.0, expected_seconds=60, think=8, patience=P)
    assert turn.decide(7.9) is Action.WAIT
    assert turn.decide(8.0) is Action.NUDGE
    turn.last_nudge = 8.0
    assert turn.decide(15.9) is Action.WAIT


@pytest.mark.parametrize("text", ["...", "?!", " – "])
def test_punctuation_without_a_word_is_no_answer_and_is_nudged(text: str) -> None:
    turn = Endpointer(began=0.0, expected_seconds=60, think=8, patience=P)
    turn.speech_began(1.0)
    turn.speech_stopped(2.0)
    turn.heard(text)
    assert turn.decide(9.9) is Action.WAIT
    assert turn.decide(10.0) is Action.NUDGE


def test_while_speaking_nothing_is_decided() -> None:
    turn = Endpointer(began=0.0, expected_seconds=60, think=8, patience=P, text="I am done.")
    turn.speech_began(0.0)
    assert turn.decide(1000.0) is Action.WAIT


def test_habit_needs_some_long_pauses() -> None:
    assert habit_of([0.3, 0.4, 0.3]) is None
    assert habit_of([1.0, 2.0, 3.0]) == 3.0


def test_backchannels_do_not_stop_the_agent_but_words_do() -> None:
    rule = BargeIn()
    assert not rule.yields(0.6, "mhm yeah")
    assert rule.yields(0.6, "sorry I know")
    assert not rule.yields(0.3, "sorry")
    assert rule.yields(1.0, "")


class Counting:
    """A pattern that counts how often it is used."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.used = 0

    def search(self, text: str) -> re.Match[str] | None:
        self.used += 1
        return self._pattern.search(text)


def test_words_are_read_when_they_change_and_not_when_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deciding 50 times a second during a two-minute answer must not reread all its words every time."""
    reading = Counting(turn_taking._WANTS_TIME)
    monkeypatch.setattr(turn_taking, "_WANTS_TIME", reading)
    turn = Endpointer(began=0.0, expected_seconds=60, think=12, patience=P)
    turn.speech_began(1.0)
    turn.speech_stopped(3.0)
    turn.sounded_final(0.2)
    texts = ["I moved it " * n + "and" for n in (1, 40, 400)]
    for i, text in enumerate(texts):
        for tick in range(100):
            turn.heard("".join(text))  # a new string on each tick, as in a call
            assert turn.decide(3.0 + 0.5 * i + tick / 1000) is Action.WAIT
    assert reading.used == len(texts)


@given(
    st.lists(st.tuples(st.text(max_size=30), st.floats(0, 20)), min_size=1, max_size=8),
    st.none() | st.floats(0, 1),
)
def test_a_turn_decides_as_if_it_read_all_words_each_time(heard: list[tuple[str, float]], sound: float | None) -> None:
    turn = Endpointer(began=0.0, expected_seconds=60, think=8, patience=P)
    turn.speech_began(0.0)
    turn.speech_stopped(1.0)
    turn.end_of_turn = sound
    for text, silence in heard:
        turn.heard(text)
        fresh = Endpointer(began=0.0, expected_seconds=60, think=8, patience=P, text=text)
        fresh.speech_ended, fresh.speech_seconds, fresh.end_of_turn = 1.0, 1.0, sound
        assert turn.decide(1.0 + silence) is fresh.decide(1.0 + silence)
