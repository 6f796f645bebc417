"""An answer measured live gives the same numbers as its recording, and the line's delay is subtracted."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from livekit import rtc

from agent.call.measurer import measure_turn
from agent.call.speech_tracker import SpeechTracker
from agent.engines.measuring import READ, measure_answer, measure_recorded
from dialogue.state import Turn
from memory.events import Heard, Spoken
from memory.records import Interval, Word
from simulation.speech import PersonaVoice
from voice.audio import Samples, from_int16, to_int16

RATE = 24_000


class Never:
    """Never sees the end of a turn, which does not matter here."""

    def probability(self, window: Samples) -> float:
        return 0.0


def pcm(sound: Samples) -> bytes:
    """The inverse of from_int16."""
    return np.round(sound * 32768.0).astype(np.int16).tobytes()


def call() -> tuple[Samples, list[Word], float, float]:
    """An answer in two clauses (24 kHz), its words, the end of the question's sound, and the start of the answer."""
    voice = PersonaVoice("slt", RATE)
    clauses = [voice.say("I moved the reporting pipeline"), voice.say("because the analysts were always late")]
    rng = np.random.default_rng(0)
    parts = [np.zeros(round(2.3 * RATE), np.float32), clauses[0], np.zeros(round(0.8 * RATE), np.float32), clauses[1]]
    sound = np.concatenate([*parts, np.zeros(4 * RATE, np.float32)])
    sound = from_int16(
        to_int16(sound + (5e-4 * rng.standard_normal(len(sound))).astype(np.float32))
    )  # as it is recorded
    words, at = [], 2.3
    for clause, text in zip(clauses, ("I moved the pipeline,", "because analysts waited."), strict=True):
        texts = text.split()
        step = len(clause) / RATE / len(texts)
        words += [
            Word(text=w, start=round(at + i * step, 3), end=round(at + (i + 1) * step, 3)) for i, w in enumerate(texts)
        ]
        at += len(clause) / RATE + 0.8
    return sound, words, 1.1, 2.3


def turn_of(words: list[Word], floor: float, transport: float | None) -> Turn:
    heard = Heard(at=0.0, t=words[0].start, turn=0, text="x", words=words, end=words[-1].end)
    spoken = Spoken(at=0.0, t=0.2, turn=0, end=floor, transport=transport)
    return Turn(number=0, question="q", text="?", why="", put=(spoken,), heard=(heard,), answered=True)


@pytest.mark.parametrize("frame", [480, 240, 1201])
async def test_live_numbers_equal_those_of_the_recording(frame: int) -> None:
    sound, words, floor, _ = call()
    turn = turn_of(words, floor, 0.0)
    with ThreadPoolExecutor(1) as executor:
        tracker = SpeechTracker(0.0, Never(), executor)
        for at in range(0, len(sound) - frame, frame):
            tracker.hear(rtc.AudioFrame(pcm(sound[at : at + frame]), RATE, 1, frame))
        live = await measure_turn(tracker, turn, [], executor, measure_answer)
    recorded = measure_recorded(sound, RATE, turn, [], measure_answer)
    assert live == recorded
    assert live is not None and len(live.silent_pauses) == 1 and live.pauses_between_clauses == 1


async def test_a_long_leg_read_in_pieces_gives_the_live_numbers_too() -> None:
    """The answer lies across the border of two pieces, and much comes after it."""
    answer, words, floor, begins = call()
    before = np.random.default_rng(1).standard_normal(round((READ - begins - 0.7) * RATE)) * 5e-4
    shift = len(before) / RATE
    sound = np.concatenate([from_int16(to_int16(before.astype(np.float32))), answer, answer, answer])
    words = [Word(text=w.text, start=w.start + shift, end=w.end + shift) for w in words]
    turn = turn_of(words, floor + shift, 0.0)
    with ThreadPoolExecutor(1) as executor:
        tracker = SpeechTracker(0.0, Never(), executor)
        for at in range(0, len(sound) - 480, 480):
            tracker.hear(rtc.AudioFrame(pcm(sound[at : at + 480]), RATE, 1, 480))
        live = await measure_turn(tracker, turn, [], executor, measure_answer)
    assert live is not None and live == measure_recorded(sound, RATE, turn, [], measure_answer)


@pytest.mark.parametrize(
    ("stood_still", "reliable", "pauses"),
    [((1.2, 2.0), False, 1), ((0.2, 0.9), True, 1), ((2.5, 3.2), True, 1), ("pause", True, 0)],
)
async def test_where_the_machine_stood_still_nothing_is_said_of_the_person(
    stood_still: tuple[float, float] | str, reliable: bool, pauses: int
) -> None:
    sound, words, floor, _ = call()
    if isinstance(stood_still, str):  # over the silence between the clauses
        stood_still = (words[3].end - 0.05, words[4].start + 0.05)
    turn = turn_of(words, floor, 0.25)
    plain = measure_recorded(sound, RATE, turn, [], measure_answer)
    held_up = Interval(start=stood_still[0], end=stood_still[1])
    turn = replace(turn, heard=tuple(piece.model_copy(update={"held_up": [held_up]}) for piece in turn.heard))
    found = measure_recorded(sound, RATE, turn, [], measure_answer)
    with ThreadPoolExecutor(1) as executor:
        tracker = SpeechTracker(0.0, Never(), executor)
        for at in range(0, len(sound) - 480, 480):
            tracker.hear(rtc.AudioFrame(pcm(sound[at : at + 480]), RATE, 1, 480))
        assert found == await measure_turn(tracker, turn, [], executor, measure_answer)
    assert plain is not None and found is not None and len(plain.silent_pauses) == 1 and plain.response_delay_reliable
    assert found.response_delay_reliable is reliable and len(found.silent_pauses) == pauses
    within = stood_still[1] > 2.4
    assert (found.confidence < plain.confidence) if within else (found.confidence == plain.confidence)


@pytest.mark.parametrize(("transport", "reliable"), [(0.0, True), (0.25, True), (None, False)])
def test_the_delay_before_an_answer_is_that_of_the_person(transport: float | None, reliable: bool) -> None:
    sound, words, floor, begins = call()
    found = measure_recorded(sound, RATE, turn_of(words, floor, transport), [], measure_answer)
    assert found is not None and found.response_delay is not None
    assert found.response_delay == pytest.approx(begins - floor - (transport or 0.0), abs=0.05)
    assert found.response_delay_reliable is reliable


def test_who_speaks_before_the_question_ends_overlaps() -> None:
    sound, words, _, begins = call()
    found = measure_recorded(sound, RATE, turn_of(words, begins + 0.4, 0.0), [], measure_answer)
    assert found is not None and found.response_delay == pytest.approx(-0.4, abs=0.05)


async def test_a_line_that_ends_at_once_is_measured_all_the_same() -> None:
    sound, words, floor, _ = call()
    end = round((words[-1].end + 0.1) * RATE)
    with ThreadPoolExecutor(1) as executor:
        tracker = SpeechTracker(0.0, Never(), executor)
        for at in range(0, end - 480, 480):
            tracker.hear(rtc.AudioFrame(pcm(sound[at : at + 480]), RATE, 1, 480))
        async with asyncio.timeout(10):
            found = await measure_turn(tracker, turn_of(words, floor, 0.0), [], executor, measure_answer)
    assert found is not None and found.phonation_time > 2.0
