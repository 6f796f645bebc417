"""Locating speech: exact on synthetic material, the same live and recorded, unaffected by anything but speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.degrade import CONDITIONS
from bench.material import Labelled, bordered, cut, held, labelled
from bench.pauses import compare, mean_absolute, of
from simulation.speech import PersonaVoice
from voice.audio import SPEECH_RATE, Samples, resample
from voice.vad.boundaries import map_speech, speech_in
from voice.vad.frames import Frames
from voice.vad.refiner import LOOK_AHEAD, Refiner

CLAUSES = (
    "I moved the reporting pipeline",
    "because the analysts were always late",
    "it went from six hours to four minutes",
)
GAPS = (0.4, 0.9, 1.7)


def answer(seed: int, gaps: tuple[float, ...] = GAPS) -> Labelled:
    """Clauses spoken by flite, with silences of exact length, over room tone."""
    rng = np.random.default_rng(seed)
    parts: list[Samples] = [np.zeros(SPEECH_RATE // 2, np.float32)]
    speech = []
    for clause, gap in zip(CLAUSES, gaps, strict=True):
        piece = np.pad(PersonaVoice("slt", SPEECH_RATE).say(clause), 1)
        at = sum(map(len, parts))
        speech.append((at / SPEECH_RATE, (at + len(piece)) / SPEECH_RATE))
        parts += [piece, np.zeros(round(gap * SPEECH_RATE), np.float32)]
    sound = np.concatenate(parts)
    return Labelled("made", sound + (5e-4 * rng.standard_normal(len(sound))).astype(np.float32), speech, "exact")


@pytest.fixture(scope="module")
def made() -> Labelled:
    return answer(0)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_pauses_are_found_through_rooms_and_lines(made: Labelled, condition: str) -> None:
    sound = CONDITIONS[condition](made.samples, np.random.default_rng(1))
    tally = compare(map_speech(sound).speech, made.speech)
    assert (tally.hits, tally.found) == (2, 2)
    assert max(map(abs, tally.onsets)) < 0.12


def test_edges_are_exact_on_clean_sound(made: Labelled) -> None:
    tally = compare(map_speech(made.samples).speech, made.speech)
    assert np.mean(np.abs(tally.onsets)) < 0.03
    assert np.mean(np.abs(tally.durations)) < 0.06


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=12))
def test_the_size_of_the_pieces_changes_nothing(sizes: list[int]) -> None:
    sound = answer(0).samples
    whole, live = Refiner(), Refiner()
    whole.push(sound)
    at, i = 0, 0
    while at < len(sound):
        live.push(sound[at : at + sizes[i % len(sizes)]])
        at += sizes[i % len(sizes)]
        i += 1
        assert (
            at / SPEECH_RATE - len(live.probabilities) / 100 <= LOOK_AHEAD + sizes[(i - 1) % len(sizes)] / SPEECH_RATE
        )
    whole.flush()
    live.flush()
    assert np.array_equal(whole.probabilities, live.probabilities)
    assert speech_in(whole, 0.0, 9.0) == speech_in(live, 0.0, 9.0)


def test_more_sound_changes_nothing_that_was_judged(made: Labelled) -> None:
    live = Refiner()
    live.push(made.samples)
    end = len(live.probabilities) / 100 - 0.3
    before = speech_in(live, 1.0, end)
    live.push(made.samples)
    live.flush()
    assert speech_in(live, 1.0, end) == before


@settings(max_examples=10, deadline=None)
@given(st.floats(-18.0, 6.0))
def test_gain_changes_no_boundary(decibels: float) -> None:
    made = answer(0)
    plain, scaled = map_speech(made.samples).speech, map_speech(made.samples * np.float32(10 ** (decibels / 20))).speech
    assert len(plain) == len(scaled)
    assert np.abs(np.array(plain) - np.array(scaled)).max() <= 0.04


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 40))
def test_shifting_shifts(windows: int) -> None:
    """Shifts by whole detector windows; any other shift would move the window boundaries."""
    made = answer(0)
    room = (5e-4 * np.random.default_rng(3).standard_normal(windows * 512)).astype(np.float32)
    plain, later = map_speech(made.samples).speech, map_speech(np.concatenate([room, made.samples])).speech
    assert len(plain) == len(later)
    assert np.abs(np.array(later) - windows * 0.032 - np.array(plain)).max() <= 0.05


def test_what_follows_changes_nothing_before_it(made: Labelled) -> None:
    twice = map_speech(np.concatenate([made.samples, made.samples])).speech
    once = map_speech(made.samples).speech
    assert twice[: len(once)] == once
    shift = len(made.samples) / SPEECH_RATE
    assert np.abs(np.array(twice[len(once) :]) - shift - np.array(once)).max() <= 0.06


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_the_rate_of_the_recording_hardly_matters(made: Labelled, rate: int) -> None:
    there_and_back = resample(resample(made.samples, SPEECH_RATE, rate), rate, SPEECH_RATE)
    tally = compare(map_speech(there_and_back).speech, map_speech(made.samples).speech)
    assert tally.hits == tally.found == tally.true
    assert max(map(abs, tally.durations)) < 0.06


def test_an_offset_of_the_converter_changes_nothing(made: Labelled) -> None:
    moved = map_speech(made.samples + np.float32(0.05)).speech
    assert np.abs(np.array(moved) - np.array(map_speech(made.samples).speech)).max() <= 0.06


def test_a_held_vowel_is_speech_to_its_end(made: Labelled) -> None:
    said = PersonaVoice("slt", SPEECH_RATE).say("um")
    piece = held(
        cut(np.pad(PersonaVoice("rms", SPEECH_RATE).say("it went from six hours"), 8000))[0], np.random.default_rng(1)
    )
    sound = np.concatenate([np.zeros(8000, np.float32), piece.samples, np.zeros(16_000, np.float32), said])
    sound += (5e-4 * np.random.default_rng(0).standard_normal(len(sound))).astype(np.float32)
    speech = map_speech(sound).speech
    assert speech[0][0] == pytest.approx(0.5 + piece.start / SPEECH_RATE, abs=0.08)
    assert max(b for _, b in speech if b < 0.6 + len(piece.samples) / SPEECH_RATE + 0.2) == pytest.approx(
        0.5 + piece.end / SPEECH_RATE, abs=0.15
    )


@pytest.mark.parametrize("sound", ["music", "silence", "noise", "clicks", "hum"])
def test_what_is_no_speech_is_none_or_not_trusted(sound: str) -> None:
    t = np.arange(4 * SPEECH_RATE) / SPEECH_RATE
    rng = np.random.default_rng(2)
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330)) * (np.sin(2 * np.pi * 2 * t) > 0)
    made = {
        "music": 0.1 * chord,
        "silence": np.zeros_like(t),
        "noise": 0.1 * rng.standard_normal(len(t)),
        "clicks": np.where(rng.random(len(t)) < 2e-4, 0.8, 0.0),
        "hum": 0.2 * np.sin(2 * np.pi * 50 * t),
    }[sound].astype(np.float32)
    found = map_speech(made)
    assert sum(b - a for a, b in found.speech) < 0.5 or found.probability < 0.8


@pytest.mark.parametrize("count", [0, 1, 100, 399, 400, 561, 5000])
def test_frames_cover_all_the_sound(count: int) -> None:
    frames = Frames()
    levels = np.concatenate([frames.push(np.ones(count, np.float32)), frames.flush()])
    assert len(levels) == -(-count // 160)


def test_people_pause_where_their_labels_say(speech: Path) -> None:
    labels = [x for x in labelled() if x.truth == "aligner"]
    tallies = [compare(map_speech(x.samples).speech, x.speech) for x in labels]
    assert of(tallies)[2] >= 0.85
    for begin in (x for x in labelled() if x.truth != "aligner"):
        assert map_speech(begin.samples).speech[0][0] == pytest.approx(begin.speech[0][0], abs=0.08)


@pytest.mark.parametrize("level", [1.0, 0.25])
def test_people_pause_where_a_person_set_the_borders(speech: Path, level: float) -> None:
    """One speaker is hoarse: played quietly, the detector misses some of the words."""
    quieter = np.float32(level)
    tallies = [compare(x.judged(map_speech(x.samples * quieter).speech), x.speech) for x in bordered()]
    assert sum(t.true for t in tallies) == 5 and of(tallies)[2] >= 0.85
    assert mean_absolute([e for t in tallies for e in (*t.onsets, *t.offsets)]) <= 50
