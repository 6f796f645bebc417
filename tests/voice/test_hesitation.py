"""The measures one by one (filled pauses, sustained sounds, breaths, rates, pauses, loudness) and their invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hesitation_sound import harmonics, planted_breaths
from bench.hesitation_words import disfluencies, fillers
from bench.pauses import of
from simulation.speech import PersonaVoice
from voice.audio import SPEECH_RATE, Samples
from voice.metrics.breath import breaths, groups
from voice.metrics.filled_pauses import UNWRITTEN, filled_pauses, lengthened
from voice.metrics.hesitation import measure
from voice.metrics.prosody import PitchTrack, integrated_loudness, pitch, pitch_track, voice_quality
from voice.metrics.rates import THRESHOLDS, between_clauses, nuclei, pauses_of
from voice.metrics.sustained_sounds import Sound
from voice.vad.boundaries import SpeechMap
from voice.vad.frames import BANDS, Frames, Levels
from voice.words import TimedWord


def vowel(seconds: float, hertz: float = 120.0, formants: tuple[float, ...] = (600.0, 1200.0, 2500.0)) -> Samples:
    t = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    sound = np.zeros_like(t)
    for k in range(1, 50):
        gain = sum(1.0 / (1.0 + ((k * hertz - f) / 100.0) ** 2) for f in formants) + 0.01
        sound += gain / k**0.5 * np.sin(2 * np.pi * k * hertz * t)
    ramp = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.02)
    return (0.1 * sound * ramp).astype(np.float32)


def room(seconds: float, seed: int = 0) -> Samples:
    return (5e-4 * np.random.default_rng(seed).standard_normal(round(seconds * SPEECH_RATE))).astype(np.float32)


def levels_of(samples: Samples) -> Levels:
    frames = Frames()
    return np.concatenate([frames.push(samples), frames.flush()])


def sound_of(samples: Samples) -> Sound:
    return Sound(levels_of(samples), pitch_track(samples, [(0.0, len(samples) / SPEECH_RATE)]))


ISLAND = np.concatenate([room(0.5), vowel(0.5), room(0.5)])


def test_a_steady_vowel_is_a_held_sound() -> None:
    held = sound_of(ISLAND).sustained()
    assert len(held) == 1
    assert (held[0].start, held[0].end) == pytest.approx((0.5, 1.0), abs=0.06)


def test_a_vowel_between_silences_that_nobody_wrote_is_a_filled_pause() -> None:
    found = filled_pauses([], sound_of(ISLAND), [(0.5, 1.0)])
    assert [(f.word, f.start, f.end) for f in found] == [(UNWRITTEN, 0.5, 1.0)]


def test_a_word_of_one_vowel_that_fits_is_that_word() -> None:
    assert filled_pauses([TimedWord("I", 0.5, 1.0)], sound_of(ISLAND), [(0.5, 1.0)]) == []


@pytest.mark.parametrize("text", ["original", "going on"])
def test_no_long_word_and_no_two_words_are_one_steady_vowel(text: str) -> None:
    words = [TimedWord(w, 0.5 + 0.25 * i, 0.75 + 0.25 * i) for i, w in enumerate(text.split())]
    words = [TimedWord(text, 0.5, 1.0)] if len(words) == 1 else words
    assert len(filled_pauses(words, sound_of(ISLAND), [(0.5, 1.0)])) == 1


def test_what_the_recogniser_wrote_is_laid_onto_its_sound() -> None:
    found = filled_pauses([TimedWord("Um,", 0.3, 0.9)], sound_of(ISLAND), [(0.5, 1.0)])
    assert [f.word for f in found] == ["um"]
    assert found[0].start == pytest.approx(0.5, abs=0.06)


def test_a_recogniser_that_repeats_itself_is_not_counted_twice() -> None:
    words = [TimedWord("uh", 0.5, 0.9), TimedWord("uh", 0.9, 0.95), TimedWord("uh", 0.95, 1.0)]
    assert len(filled_pauses(words, sound_of(ISLAND), [(0.5, 1.0)])) == 1


def test_an_uh_hides_in_an_article() -> None:
    found = filled_pauses([TimedWord("a", 0.5, 1.0), TimedWord("plan", 1.0, 1.3)], sound_of(ISLAND), [(0.5, 1.3)])
    assert [f.word for f in found] == [UNWRITTEN]


def test_a_word_with_a_held_sound_is_lengthened_and_no_filled_pause() -> None:
    words = [TimedWord("so", 0.4, 1.0)]
    sound = sound_of(ISLAND)
    filled = filled_pauses(words, sound, [(0.4, 1.0)])
    assert filled == []
    assert [w.text for w in lengthened(words, sound, filled)] == ["so"]


def test_running_speech_is_not_steady() -> None:
    said = PersonaVoice("slt", SPEECH_RATE).say("because the analysts were always late")
    assert not sound_of(said).is_steady(0.1, len(said) / SPEECH_RATE - 0.1)


def test_a_breath_is_found_in_a_pause_and_splits_the_groups() -> None:
    rng = np.random.default_rng(4)
    breath = (0.012 * rng.standard_normal(round(0.3 * SPEECH_RATE)) * np.hanning(round(0.3 * SPEECH_RATE))).astype(
        np.float32
    )
    sound = np.concatenate([vowel(1.0), room(0.2), breath + room(0.3, 1), room(0.3), vowel(1.0), room(0.8), vowel(1.0)])
    speech, pauses = [(0.0, 1.0), (1.8, 2.8), (3.6, 4.6)], [(1.0, 1.8), (2.8, 3.6)]
    found = breaths(levels_of(sound), np.zeros(len(levels_of(sound)), bool), speech, pauses)
    assert len(found) == 1 and 1.1 < found[0][0] < found[0][1] < 1.6
    assert groups(speech, found) == [(0.0, 1.0), (1.8, 4.6)]


def test_pauses_by_threshold_place_and_size() -> None:
    speech = [(0.0, 1.0), (1.2, 2.0), (2.5, 3.0), (5.5, 6.0)]
    words = [
        TimedWord("late.", 0.0, 1.0),
        TimedWord("I", 1.2, 2.0),
        TimedWord("and", 2.5, 3.0),
        TimedWord("left", 5.5, 6.0),
    ]
    found = pauses_of(speech, words)
    assert found.counts == {150: 3, 250: 2, 500: 2, 1000: 1, 2000: 1}
    assert found.within_clause == {150: 1, 250: 1, 500: 1, 1000: 1, 2000: 1}
    assert found.median == pytest.approx(math.sqrt(0.5 * 2.5))


def test_a_conjunction_opens_a_clause_though_nobody_wrote_a_comma() -> None:
    words = [TimedWord("late", 0.0, 1.0), TimedWord("because", 1.5, 2.0)]
    assert between_clauses((1.0, 1.5), words)
    assert not between_clauses((1.0, 1.5), [TimedWord("the", 0.0, 1.0), TimedWord("table", 1.5, 2.0)])


@given(st.lists(st.tuples(st.floats(0.05, 3.0), st.floats(0.05, 3.0)), max_size=12))
def test_counts_fall_with_the_threshold(parts: list[tuple[float, float]]) -> None:
    speech, at = [], 0.0
    for length, gap in parts:
        speech.append((at, at + length))
        at += length + gap
    found = pauses_of(speech, [])
    counts = [found.counts[round(1000 * t)] for t in THRESHOLDS]
    assert counts == sorted(counts, reverse=True)
    assert all(found.within_clause[k] == v for k, v in found.counts.items()), "without words no clause ends"


def test_syllables_without_words_are_peaks_of_the_sound() -> None:
    train = np.concatenate([part for _ in range(6) for part in (vowel(0.14), room(0.1))])
    voiced = np.ones(len(levels_of(train)), bool)
    assert nuclei(levels_of(train), voiced, [(0.0, len(train) / SPEECH_RATE)]) == 6


@pytest.mark.parametrize("decibels", [-30.0, -23.0, -14.0])
def test_loudness_of_a_tone_is_known(decibels: float) -> None:
    """BS.1770: a 997 Hz sine at 0 dBFS is -3.01 LUFS, and the level must match to about a tenth of a decibel."""
    t = np.arange(3 * SPEECH_RATE) / SPEECH_RATE
    tone = (10 ** (decibels / 20) * np.sin(2 * np.pi * 997 * t)).astype(np.float32)
    assert integrated_loudness(tone, [(0.0, 3.0)]) == pytest.approx(decibels - 3.01, abs=0.15)


def test_octave_errors_are_no_melody() -> None:
    hertz = np.full(200, 120.0)
    hertz[60:66] = 240.0
    from voice.metrics.prosody import _octave_errors

    assert np.flatnonzero(_octave_errors(hertz, np.ones(200, bool))).tolist() == list(range(60, 66))


def test_a_falling_end_has_a_negative_slope() -> None:
    hertz = 120.0 * 2 ** (-np.linspace(0, 4, 63) / 12)  # 4 semitones down in a second
    found = pitch(PitchTrack(hertz, np.ones(63, bool), 0.016), [(0.0, 63 * 0.016)])
    assert found is not None and found.final_slope == pytest.approx(-4.0, abs=0.3)


def test_a_clean_vowel_is_more_harmonic_than_a_breathy_one() -> None:
    clean = vowel(1.0)
    breathy = clean + (0.05 * np.random.default_rng(0).standard_normal(len(clean))).astype(np.float32)
    track = pitch_track(clean, [(0.0, 1.0)])
    one, other = (voice_quality(x, track, [(0.0, 1.0)]) for x in (clean, breathy))
    assert one and other and one.harmonics_to_noise_db > other.harmonics_to_noise_db + 5


@pytest.mark.parametrize(("made", "within"), [(5.0, 0.5), (10.0, 0.5), (15.0, 1.0)])
def test_harmonics_to_noise_are_those_a_voice_was_made_with(made: float, within: float) -> None:
    assert float(np.mean(harmonics(made, count=4))) == pytest.approx(made, abs=within)


def test_planted_breaths_are_found_and_no_others() -> None:
    assert of(planted_breaths("clean", count=4))[2] >= 0.8


def test_filler_words_in_context() -> None:
    counts = fillers()
    assert len(counts) >= 200
    assert of(counts)[2] >= 0.95


@pytest.mark.parametrize("kind", ["repetition", "cut-off", "restart"])
def test_planted_disfluencies(kind: str) -> None:
    counts = disfluencies()[kind]
    assert of(counts)[2] >= 0.9


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["clipped", "offset", "dropouts", "silence", "music", "two voices", "nan", "tiny"]),
    st.lists(st.sampled_from(["um", "so", "", "!!", "mont-", "12", "na\u00efve"]), max_size=5),
)
def test_bad_sound_never_raises_and_lowers_the_stated_confidence(kind: str, texts: list[str]) -> None:
    voice = np.concatenate(
        [room(0.3), PersonaVoice("slt", SPEECH_RATE).say("I moved the reporting pipeline to streaming"), room(0.5)]
    )
    other = np.roll(
        PersonaVoice("rms", SPEECH_RATE).say("because the analysts were always late, and it improved"), 3000
    )
    t = np.arange(len(voice)) / SPEECH_RATE
    lost = voice.copy()
    lost.reshape(-1)[: len(voice) // 640 * 640].reshape(-1, 640)[::4] = 0.0
    samples = {
        "clipped": np.clip(voice * 30, -1, 1),
        "offset": voice + np.float32(0.3),
        "dropouts": lost,
        "silence": np.zeros_like(voice),
        "music": (0.2 * sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330))).astype(np.float32),
        "two voices": voice[: min(len(voice), len(other))] + other[: min(len(voice), len(other))],
        "nan": np.where(np.arange(len(voice)) % 900 == 0, np.nan, voice).astype(np.float32),
        "tiny": voice[:37],
    }[kind]
    words = [TimedWord(text, 0.3 * i, 0.3 * i + 0.2) for i, text in enumerate(texts)]
    found = measure(samples, words)
    assert 0.0 <= found.confidence <= 1.0
    if kind in ("clipped", "dropouts", "silence", "music", "tiny", "two voices"):
        assert found.confidence < measure(voice, words).confidence
    if kind in ("clipped", "dropouts"):
        assert found.notes


def test_a_ready_map_of_the_speech_is_used_as_it_is() -> None:
    found = measure(ISLAND, [], SpeechMap([(0.5, 1.0)], 30.0, 0.9))
    assert found.speech == [(0.5, 1.0)]


def test_padding_adds_no_speech_and_takes_none() -> None:
    said = np.concatenate(
        [room(0.5), PersonaVoice("slt", SPEECH_RATE).say("I moved the reporting pipeline"), room(0.5)]
    )
    words = [
        TimedWord(w, 0.6 + 0.3 * i, 0.85 + 0.3 * i) for i, w in enumerate("I moved the reporting pipeline".split())
    ]
    plain, padded = measure(said, words), measure(np.concatenate([said, room(5.0, 7)]), words)
    assert padded.speaking_time == pytest.approx(plain.speaking_time, abs=0.05)
    assert padded.speech_rate == pytest.approx(plain.speech_rate, rel=0.05)
    assert padded.pitch_sd_semitones == pytest.approx(plain.pitch_sd_semitones, abs=0.2)
    assert len(padded.silent_pauses) == len(plain.silent_pauses)


def test_bands_cover_speech() -> None:
    t = np.arange(SPEECH_RATE) / SPEECH_RATE
    for i, hertz in enumerate((150, 250, 350, 480, 640, 800, 1000, 1300, 1650, 2000, 2600, 3200, 4000, 5000, 6000)):
        levels = levels_of(np.sin(2 * np.pi * hertz * t).astype(np.float32))
        assert int(np.argmax(levels[50])) == i
    assert BANDS == 15
